/** What changed in messages for those who speak JSON over HTTP: names, types, what must be set, and what rules refuse. */
import type { EnumType, Field, MessageType, Method, Model, Rules } from "../model.js";
import { isRequired } from "../rules.js";
import { type Change, named, pairs, type Told, told } from "./change.js";

/** Compares the messages and enums that both contracts have. What is new or gone as a whole shows where a field or a method has it. */
export function messageChanges(before: Model, after: Model): Change[] {
  const asked = requested(after);
  return [
    ...pairs(byName(before.messages), byName(after.messages)).flatMap(([name, old, now]) => (old && now ? fieldsChanges(old, now, asked.has(name)) : [])),
    ...pairs(byName(before.enums), byName(after.enums)).flatMap(([, old, now]) => (old && now ? enumChanges(old, now) : [])),
  ];
}

/** What a method takes and gives. */
export function shapeChanges(old: Method, now: Method): Told[] {
  return [
    ...(old.kind === now.kind ? [] : [told("major", "same", `is ${now.kind} instead of ${old.kind}`)]),
    ...(old.request === now.request ? [] : [told("major", "same", `takes ${now.request} instead of ${old.request}`)]),
    ...(old.response === now.response ? [] : [told("major", "same", `answers with ${now.response} instead of ${old.response}`)]),
  ];
}

function fieldsChanges(old: MessageType, now: MessageType, asked: boolean): Change[] {
  const byNumber = ({ fields }: MessageType): Map<number, Field> => new Map(fields.map((field) => [field.number, field]));
  const required = ({ oneofs }: MessageType): Map<string, true> => new Map(oneofs.filter((oneof) => oneof.required).map((oneof) => [oneof.name, true]));
  return [
    ...pairs(byNumber(old), byNumber(now)).flatMap(([, was, is]) => named(`${now.fullName}.${(was ?? is)!.name}`, fieldChanges(was, is, asked))),
    ...(asked ? pairs(required(old), required(now)).flatMap(([name, was, is]) => named(`${now.fullName}.${name}`, mustChanges(was === true, is === true))) : []),
    ...(asked && JSON.stringify([old.cel, old.choices]) !== JSON.stringify([now.cel, now.choices]) ? named(now.fullName, [now.cel.length === 0 && now.choices === undefined ? told("minor", "same", "rules of the whole message were taken away") : told("major", "same", "has other rules of the whole message")]) : []),
  ];
}

function fieldChanges(old: Field | undefined, now: Field | undefined, asked: boolean): Told[] {
  if (now === undefined) return [told("major", "same", "was removed")];
  if (old === undefined) return [asked && isRequired(now) ? told("major", "same", "was added and must be set") : told("minor", "same", "was added")];
  const [was, is] = [typeName(old), typeName(now)];
  return [
    ...(old.name === now.name ? [] : [told("major", "same", `is called ${now.name}`)]),
    ...(old.jsonName === now.jsonName || old.name !== now.name ? [] : [told("major", "same", `is "${now.jsonName}" in JSON instead of "${old.jsonName}"`)]),
    ...(was === is ? [] : [told("major", "same", `is ${is} instead of ${was}`)]),
    ...(old.oneof === now.oneof ? [] : [told("major", "same", now.oneof === undefined ? `left the oneof ${old.oneof}` : `is in the oneof ${now.oneof}`)]),
    ...(asked ? mustChanges(isRequired(old), isRequired(now)) : []),
    ...(asked && was === is ? ruleChanges(old.rules, now.rules) : []),
  ];
}

function mustChanges(was: boolean, is: boolean): Told[] {
  return was === is ? [] : [is ? told("major", "same", "must be set now") : told("minor", "same", "need not be set any more")];
}

function typeName({ type, cardinality, mapKey }: Field): string {
  const name = type.kind === "scalar" ? type.scalar : type.name;
  return cardinality === "map" ? `map<${mapKey}, ${name}>` : cardinality === "repeated" ? `repeated ${name}` : name;
}

/** Rules that let less through the higher, or the lower, their number is; of all others any change may refuse what passed. */
const [floors, ceilings] = [/^(?:min[A-Z]|gte?$)/, /^(?:max[A-Z]|lte?$)/];

/** What `isRequired` looks at, or what refuses nothing. */
const otherwise: ReadonlySet<string> = new Set(["required", "ignore", "example"]);
/** Rules of what a value holds. */
const inner = { items: "of items ", keys: "of keys ", values: "of values " } as const;

function ruleChanges(old: Rules = {}, now: Rules = {}, of = ""): Told[] {
  if (now.ignore === "always") return old.ignore === "always" ? [] : [told("minor", "same", `rules ${of}count no more`)];
  const entries = (rules: Rules): Map<string, unknown> => new Map(Object.entries(rules.ignore === "always" ? {} : rules).filter(([name]) => !otherwise.has(name)));
  return pairs(entries(old), entries(now)).flatMap(([name, was, is]): Told[] => {
    const [before, after] = [JSON.stringify(was), JSON.stringify(is)];
    if (before === after) return [];
    if (Object.hasOwn(inner, name)) return ruleChanges(was as Rules | undefined, is as Rules | undefined, of + inner[name as keyof typeof inner]);
    if (is === undefined) return [told("minor", "same", `rule ${of}${name} ${before} was taken away`)];
    if (was === undefined) return [told("major", "same", `rule ${of}${name} ${after} was added`)];
    const wider = (floors.test(name) && Number(is) < Number(was)) || (ceilings.test(name) && Number(is) > Number(was));
    return [told(wider ? "minor" : "major", "same", `rule ${of}${name} is ${after} instead of ${before}`)];
  });
}

function enumChanges(old: EnumType, now: EnumType): Change[] {
  const values = ({ values: all }: EnumType): Map<string, number> => new Map(all.map(({ name, number }) => [name, number]));
  return pairs(values(old), values(now)).flatMap(([name, was, is]) =>
    named(`${now.fullName}.${name}`, was === is ? [] : is === undefined ? [told("major", "same", "was removed")] : was === undefined ? [told("minor", "same", "was added")] : [told("major", "same", `is ${is} instead of ${was}`)]),
  );
}

/** Messages that requests hold, at any depth. */
function requested({ services, messages }: Model): Set<string> {
  const known = byName(messages);
  const found = new Set<string>();
  const queue = services.flatMap(({ methods }) => methods.map(({ request }) => request));
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    queue.push(...(known.get(name)?.fields ?? []).flatMap(({ type }) => (type.kind === "message" ? [type.name] : [])));
  }
  return found;
}

function byName<T extends { readonly fullName: string }>(list: readonly T[]): Map<string, T> {
  return new Map(list.map((each) => [each.fullName, each]));
}
