/** Makes the examples of a method and proves each with protovalidate. */
import { type DescMessage, fromJson, type JsonValue, type Registry } from "@bufbuild/protobuf";
import { type Path, pathToString } from "@bufbuild/protobuf/reflect";
import { CompilationError, createValidator, type Validator, type Violation } from "@bufbuild/protovalidate";
import { regexpFault } from "../build/faulty-rules.js";
import { copyOf, isJsonObject, memberOf } from "../json.js";
import type { Binding, Examples, Field, InvalidExample, Json, JsonObject, Method } from "../model.js";
import { proposeInvalid } from "./invalid.js";
import { wellKnownMessage } from "../well-known.js";
import { Sampler, type TypeIndex } from "./messages.js";
import { directions, inOrder } from "./order.js";

/** Rounds of repair before a request counts as impossible. */
const repairsMax = 50;
/** Fields that have a meaning beside the data: an example that sets them would be refused or return nothing. */
const conditionalNames: ReadonlySet<string> = new Set(["page_token", "offset", "etag", "create_only", "validate_only"]);

/** Examples, and why some could not be checked: a rule that protovalidate makes no sense of, whatever the values are. */
export type Attempt = Examples & { readonly fault?: string };

/** Makes the examples of all methods of one contract. */
export class ExampleMaker {
  private readonly sampler: Sampler;
  private readonly validator: Validator;
  private readonly ruled = new Map<string, boolean>();
  /** Of the messages that were checked since it was taken. */
  private fault: string | undefined;

  /** @param registry knows every type and every rule of the contract */
  constructor(
    private readonly types: TypeIndex,
    private readonly registry: Registry,
  ) {
    this.sampler = new Sampler(types);
    this.validator = createValidator({ registry, legacyRequired: true });
  }

  /** The examples of a method. `resume`: the request field that resumes a stream, left out as are those of `conditionalNames`. */
  make(input: DescMessage, output: DescMessage, bindings: Method["bindings"], resume?: string): Attempt {
    this.fault = undefined;
    const examples = this.examples(input, output, bindings, resume);
    return this.fault === undefined ? examples : { ...examples, fault: this.fault };
  }

  private examples(input: DescMessage, output: DescMessage, bindings: Method["bindings"], resume: string | undefined): Examples {
    const captured = this.captured(input.typeName, bindings);
    const sent = this.data(output);
    const response = sent === undefined ? {} : { response: sent };
    if (wellKnownMessage(input.typeName)) {
      const request = this.sampler.wellKnown(input.typeName, captured);
      return { minimal: request, request, ...response, invalid: [] };
    }
    const minimal = this.repaired(input, captured);
    const request = this.full(input, captured, resume) ?? minimal;
    return {
      ...(minimal ? { minimal } : {}),
      ...(request ? { request } : {}),
      ...response,
      invalid: minimal ? this.invalid(input, minimal) : [],
    };
  }

  /** An example of what the server sends; undefined where none can be made. */
  data(desc: DescMessage): Json | undefined {
    if (wellKnownMessage(desc.typeName)) return this.sampler.wellKnown(desc.typeName);
    const json = this.sampler.root(desc.typeName, (field) => !field.behaviour.includes("input_only"));
    return this.broken(desc, json) === undefined ? undefined : json;
  }

  /** What the paths of the bindings need: a value for each variable that fits its segments. */
  private captured(typeName: string, bindings: readonly Binding[]): JsonObject {
    const json: Record<string, Json> = {};
    for (const { variables, parts } of bindings) {
      for (const { field: path, from, to } of variables) {
        const segments = parts.slice(from, to);
        const value = segments.map((part) => (part.startsWith("*") ? undefined : part));
        this.place(json, typeName, path.split("."), segments.length > 1 || value[0] !== undefined ? (name) => value.map((part) => part ?? name).join("/") : undefined);
      }
    }
    return json;
  }

  private place(json: Record<string, Json>, typeName: string, path: readonly string[], text: ((name: string) => string) | undefined): void {
    const [name, ...rest] = path;
    const fields = (this.types.message(typeName) ?? wellKnownMessage(typeName))?.fields ?? [];
    const field = fields.find((candidate) => candidate.name === name);
    if (field === undefined) return;
    // Paths may capture members of one oneof; an example has the first.
    if (field.oneof !== undefined && fields.some((other) => other !== field && other.oneof === field.oneof && memberOf(json, other.jsonName) !== undefined)) return;
    if (rest.length > 0 && field.type.kind === "message") {
      if (memberOf(json, field.jsonName) === undefined) json[field.jsonName] = {};
      this.place(json[field.jsonName] as Record<string, Json>, field.type.name, rest, text);
      return;
    }
    const value = text ? text(field.name.replaceAll("_", "-")) : this.sampler.field(field);
    if (value !== undefined && memberOf(json, field.jsonName) === undefined) json[field.jsonName] = value;
  }

  /** Starts from nothing and sets what the validator misses. */
  private repaired(desc: DescMessage, start: JsonObject): JsonObject | undefined {
    const json = copyOf(start);
    for (let round = 0; round < repairsMax; round++) {
      const violations = this.broken(desc, json);
      if (violations === undefined) return undefined;
      if (violations.length === 0) return json;
      if (!violations.map((violation) => this.repair(json, desc, violation.field)).some(Boolean)) return this.ordered(desc, json, violations, start);
    }
    return undefined;
  }

  /** Sets the field that a path leads to. False where it is set already, or cannot be. */
  private repair(json: Record<string, Json>, desc: DescMessage, path: Path): boolean {
    const [step, ...rest] = path;
    if (step === undefined) return this.choose(json, desc);
    const desired = step.kind === "oneof" ? step.fields[0] : step.kind === "field" ? step : undefined;
    const field = this.types.message(desc.typeName)?.fields.find(({ name }) => name === desired?.name);
    if (desired === undefined || field === undefined) return false;
    const present = memberOf(json, field.jsonName);
    if (present === undefined) {
      const value = this.sampler.field(field, () => false);
      if (value !== undefined) json[field.jsonName] = value;
      return value !== undefined;
    }
    if (desired.message === undefined) return false;
    if (rest[0]?.kind === "list_sub") {
      const item = (present as Json[])[rest[0].index];
      return isJsonObject(item) && this.repair(item, desired.message, rest.slice(1));
    }
    if (rest[0]?.kind === "map_sub") {
      const value = memberOf(present as JsonObject, String(rest[0].key));
      return isJsonObject(value) && this.repair(value, desired.message, rest.slice(1));
    }
    return isJsonObject(present) && this.repair(present, desired.message, rest);
  }

  /** Sets the first field that can be made of those of which one must be set. False where one is, or none can be. */
  private choose(json: Record<string, Json>, desc: DescMessage): boolean {
    const { choices = [], fields = [] } = this.types.message(desc.typeName) ?? {};
    for (const { fields: names } of choices.filter(({ required }) => required)) {
      const chosen = fields.filter(({ name }) => names.includes(name));
      if (chosen.some(({ jsonName }) => memberOf(json, jsonName) !== undefined)) continue;
      for (const field of chosen) {
        const value = this.sampler.field(field, () => false);
        if (value === undefined) continue;
        json[field.jsonName] = value;
        return true;
      }
    }
    return false;
  }

  /** The request with its values in an order that no rule between fields refuses; undefined where there is no such rule, or no such order. What paths capture stays. */
  private ordered(desc: DescMessage, json: JsonObject, violations: readonly Violation[], captured: JsonObject): Record<string, Json> | undefined {
    // Of rules between the fields of a message, no field has a rule to point at.
    if (violations.every(({ rule }) => rule.length > 0)) return undefined;
    return directions.map((direction) => merged(inOrder(json, desc.typeName, this.types, direction), captured)).find((request) => this.broken(desc, request)?.length === 0);
  }

  /** Starts from everything and takes away what the validator does not like. */
  private full(desc: DescMessage, captured: JsonObject, resume: string | undefined): JsonObject | undefined {
    const wants = (field: Field) => !conditionalNames.has(field.name) && field.name !== resume && !field.behaviour.includes("output_only");
    const json = merged(this.sampler.root(desc.typeName, wants), captured);
    for (let round = 0; round < repairsMax; round++) {
      const violations = this.broken(desc, json);
      if (violations === undefined) return undefined;
      if (violations.length === 0) return json;
      const ordered = this.ordered(desc, json, violations, captured);
      if (ordered !== undefined) return ordered;
      if (!violations.map(({ field }) => takeAway(json, field)).some(Boolean)) return undefined;
    }
    return undefined;
  }

  /** One example for each field and rule that a proposal breaks alone. */
  private invalid(desc: DescMessage, minimal: JsonObject): InvalidExample[] {
    const found = new Map<string, InvalidExample>();
    for (const request of proposeInvalid(minimal, desc.typeName, this.types, this.sampler)) {
      const violations = this.broken(desc, request);
      const [only, ...others] = violations ?? [];
      if (only === undefined || others.length > 0) continue;
      const example = { field: pathToString(only.field), rule: only.ruleId, request };
      // Which key of a map breaks the rule makes no difference.
      const key = `${example.field.replace(/\["[^]*?"\]/g, "[]")}\n${example.rule}`;
      if (!found.has(key)) found.set(key, example);
    }
    return [...found.values()];
  }

  /** True if a rule stands anywhere in a message; what has none need not be validated. */
  private isRuled(typeName: string, seen: Set<string> = new Set()): boolean {
    const known = this.ruled.get(typeName);
    if (known !== undefined) return known;
    if (seen.has(typeName)) return false;
    seen.add(typeName);
    const message = this.types.message(typeName);
    const ruled =
      message !== undefined &&
      (message.cel.length > 0 ||
        message.choices !== undefined ||
        message.oneofs.some(({ required }) => required) ||
        message.fields.some(({ rules, presence, type }) => rules !== undefined || presence === "required" || (type.kind === "message" && this.isRuled(type.name, seen))));
    // Within a circle the answer for its parts is not final before that for the whole.
    if (ruled || seen.size === 1) this.ruled.set(typeName, ruled);
    return ruled;
  }

  /** The broken rules of a message; undefined where it is not even readable, or a rule cannot be evaluated. */
  private broken(desc: DescMessage, json: JsonObject): readonly Violation[] | undefined {
    // The validator throws within itself; nobody reads where.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      const message = fromJson(desc, json as JsonValue, { registry: this.registry });
      if (!this.isRuled(desc.typeName)) return [];
      const result = this.validator.validate(desc, message);
      if (result.kind === "error") {
        // What else goes wrong in a rule depends on the values.
        if (result.error instanceof CompilationError || result.error.message.startsWith(regexpFault)) this.fault ??= result.error.message;
        return undefined;
      }
      return result.kind === "valid" ? [] : result.violations;
    } catch {
      return undefined;
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  }
}

/** Takes away the deepest field on a path that is there. False where none is, or another violation took it with it. */
function takeAway(json: Record<string, Json>, path: Path): boolean {
  let last: (() => void) | undefined;
  let holder: Json | undefined = json;
  for (const step of path) {
    if (step.kind === "list_sub" || step.kind === "map_sub") {
      holder = Array.isArray(holder) && step.kind === "list_sub" ? (holder as Json[])[step.index] : isJsonObject(holder) && step.kind === "map_sub" ? memberOf(holder, String(step.key)) : undefined;
      continue;
    }
    if (step.kind !== "field" || !isJsonObject(holder)) break;
    const [within, name]: [Record<string, Json>, string] = [holder, step.jsonName];
    holder = memberOf(within, name);
    if (holder === undefined) break;
    last = () => void delete within[name];
  }
  last?.();
  return last !== undefined;
}

/** The first with what the second says put over it, at every depth. */
function merged(under: JsonObject, over: JsonObject): Record<string, Json> {
  const json: Record<string, Json> = { ...under };
  for (const [name, value] of Object.entries(over)) {
    const below = memberOf(under, name);
    json[name] = isJsonObject(below) && isJsonObject(value) ? merged(below, value) : value;
  }
  return json;
}
