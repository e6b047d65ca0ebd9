/** Proposes requests that break a rule; what they really break, the validator says. */
import { isJsonObject, memberOf } from "../json.js";
import type { Bound, Field, Json, JsonObject, MessageType, Rules } from "../model.js";
import type { Sampler, TypeIndex } from "./messages.js";

/** Longest text that is proposed, in characters. */
const textCharsMax = 4096;
/** Longest list or map that is proposed, in items. */
const itemsMax = 100;

/** Variations of a valid request: each has one field changed or taken away. */
export function* proposeInvalid(valid: JsonObject, typeName: string, types: TypeIndex, sampler: Sampler): Generator<JsonObject> {
  const message = types.message(typeName);
  if (message === undefined) return;
  for (const field of message.fields) yield* variations(valid, field, types, sampler);
  yield* together(valid, message, sampler);
}

function* variations(valid: JsonObject, field: Field, types: TypeIndex, sampler: Sampler): Generator<JsonObject> {
  const present = memberOf(valid, field.jsonName);
  const { [field.jsonName]: _, ...without } = valid;
  if (field.rules) {
    if (present !== undefined) yield without;
    for (const value of brokenValues(field, sampler)) yield { ...valid, [field.jsonName]: value };
  }
  // Deeper only where the valid request has something to change.
  if (field.type.kind !== "message" || present === undefined || present === null) return;
  if (Array.isArray(present)) {
    const [first, ...others] = present as Json[];
    if (!isJsonObject(first)) return;
    for (const inner of proposeInvalid(first, field.type.name, types, sampler)) yield { ...valid, [field.jsonName]: [inner, ...others] };
  } else if (field.cardinality === "singular" && isJsonObject(present)) {
    for (const inner of proposeInvalid(present, field.type.name, types, sampler)) yield { ...valid, [field.jsonName]: inner };
  }
}

/** Rules over several fields mostly say that some exclude each other. */
function* together(valid: JsonObject, message: MessageType, sampler: Sampler): Generator<JsonObject> {
  if (message.cel.length > 0) yield { ...sampler.message(message.fullName, () => true), ...valid };
  for (const { fields } of message.choices ?? []) {
    const chosen = message.fields.filter(({ name }) => fields.includes(name));
    yield Object.fromEntries(Object.entries(valid).filter(([name]) => !chosen.some(({ jsonName }) => jsonName === name)));
    yield { ...sampler.message(message.fullName, (field) => fields.includes(field.name), [], true), ...valid };
  }
}

function* brokenValues(field: Field, sampler: Sampler): Generator<Json> {
  const rules = field.rules ?? {};
  if (field.cardinality === "repeated") return yield* brokenLists(field, rules, sampler);
  if (field.cardinality === "map") return yield* brokenMaps(field, rules, sampler);
  yield* brokenSingles(field, rules);
}

function* brokenLists(field: Field, rules: Rules, sampler: Sampler): Generator<Json> {
  yield [];
  const [item] = (sampler.field(field) ?? []) as Json[];
  if (item === undefined) return;
  if (rules.unique) yield [item, item];
  if (rules.maxItems !== undefined && rules.maxItems < itemsMax) yield Array.from({ length: rules.maxItems + 1 }, () => item);
  for (const broken of brokenSingles(field, rules.items ?? {})) yield [broken];
}

function* brokenMaps(field: Field, rules: Rules, sampler: Sampler): Generator<Json> {
  yield {};
  const [entry] = Object.entries((sampler.field(field) ?? {}) as JsonObject);
  if (entry === undefined) return;
  const [key, value] = entry;
  if (field.mapKey === "string") for (const broken of brokenTexts(rules.keys ?? {})) yield { [broken]: value };
  if (rules.maxPairs !== undefined && rules.maxPairs < itemsMax && field.mapKey === "string") {
    yield Object.fromEntries(Array.from({ length: rules.maxPairs + 1 }, (_, index) => [`${key}${index}`, value]));
  }
  const held = rules.values ?? {};
  for (const broken of [...brokenSingles(field, held), ...(rules.cel ? unlikely(field) : [])]) yield { [key]: broken };
}

function* brokenSingles(field: Field, rules: Rules): Generator<Json> {
  const { type } = field;
  if (type.kind === "enum") {
    yield 0;
    yield 99_999;
    for (const value of rules.notIn ?? []) yield value;
  } else if (type.kind === "message") {
    if (type.name === "google.protobuf.Duration") yield* brokenBounds(rules, (bound, step) => `${Number(String(bound).replace("s", "")) + step}s`);
    else if (type.name === "google.protobuf.Timestamp") {
      yield* brokenBounds(rules, (bound, step) => new Date(Date.parse(String(bound)) + step * 1000).toISOString());
      if (rules.now) yield rules.now === "before" ? "2999-01-01T00:00:00Z" : "2000-01-01T00:00:00Z";
    }
    if (rules.cel) yield* unlikely(field);
  } else if (type.scalar === "string") yield* brokenTexts(rules);
  else if (type.scalar === "bool") yield rules.const === false;
  else if (type.scalar === "bytes") yield* brokenBytes(rules);
  else {
    yield* brokenBounds(rules, (bound, step) => (typeof bound === "string" ? String(BigInt(bound) + BigInt(step)) : bound + step));
    for (const value of [0, -1, 99_999, ...(rules.notIn ?? [])]) yield value;
  }
}

function* brokenTexts(rules: Rules): Generator<string> {
  yield "";
  yield "not one of these";
  yield "\u0001";
  const least = Math.max(rules.minLen ?? 0, rules.minBytes ?? 0, rules.len ?? 0, rules.lenBytes ?? 0);
  if (least > 1 && least < textCharsMax) yield "a".repeat(least - 1);
  for (const most of [rules.maxLen, rules.maxBytes, rules.len, rules.lenBytes]) {
    if (most !== undefined && most < textCharsMax) yield "a".repeat(most + 1);
  }
  for (const value of rules.notIn ?? []) yield String(value);
  if (rules.notContains !== undefined) yield rules.notContains;
}

function* brokenBytes(rules: Rules): Generator<string> {
  yield "";
  for (const most of [rules.maxBytes, rules.lenBytes]) {
    if (most !== undefined && most < textCharsMax) yield Buffer.alloc(most + 1, 97).toString("base64");
  }
}

function* brokenBounds(rules: Rules, move: (bound: Bound, step: number) => Json): Generator<Json> {
  if (rules.gte !== undefined) yield move(rules.gte, -1);
  if (rules.gt !== undefined) yield move(rules.gt, 0);
  if (rules.lte !== undefined) yield move(rules.lte, 1);
  if (rules.lt !== undefined) yield move(rules.lt, 0);
  if (rules.const !== undefined && typeof rules.const !== "boolean") yield move(rules.const, 1);
}

/** Values that a CEL rule about dynamic values may well refuse. */
function* unlikely({ type }: Field): Generator<Json> {
  if (type.kind !== "message") return;
  if (type.name === "google.protobuf.ListValue") yield [1];
  if (type.name === "google.protobuf.Value") yield null;
  if (type.name === "google.protobuf.Struct") yield { name: null };
}
