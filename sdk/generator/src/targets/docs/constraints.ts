/** protovalidate rules in words. */
import type { Bound, EnumType, Field, Rules } from "../../model.js";
import { isRequired } from "../../rules.js";
import { cell, code } from "./markdown.js";

/** What a caller knows a format by. */
const formats: Readonly<Record<string, string>> = {
  email: "an email address",
  hostname: "a host name",
  host_and_port: "a host with its port",
  ip: "an IP address",
  ipv4: "an IPv4 address",
  ipv6: "an IPv6 address",
  uri: "a URI",
  uri_ref: "a URI reference",
  uuid: "a UUID",
};

/** What must hold of a field in a request, each a phrase of Markdown fit for a table. `values` are those of the field's enum. */
export function constraintsOf(field: Field, values: EnumType["values"] | undefined): string[] {
  const { rules } = field;
  if (rules === undefined) return isRequired(field) ? ["required"] : [];
  if (rules.ignore === "always") return [];
  const nameOf = (value: Bound | boolean): string => code(values?.find(({ number }) => number === value)?.name ?? String(value));
  const phrases = phrasesOf(rules, field.type.kind === "scalar" && field.type.scalar === "bytes", nameOf);
  if (rules.ignore === "if_zero" && phrases.length > 0) phrases.push("or nothing at all");
  return [...(isRequired(field) ? ["required"] : []), ...phrases];
}

function phrasesOf(rules: Rules, raw: boolean, nameOf: (value: Bound | boolean) => string): string[] {
  const nested = (prefix: string, inner: Rules | undefined, isRaw = raw): string[] => {
    const phrases = inner === undefined || inner.ignore === "always" ? [] : [...(inner.required ? ["set"] : []), ...phrasesOf(inner, isRaw, nameOf)];
    return phrases.length === 0 ? [] : [`${prefix}: ${phrases.join(", ")}`];
  };
  const list = (items: readonly (Bound | boolean)[]): string => items.map(nameOf).join(", ");
  const affixes = [["begins with", rules.prefix], ["ends with", rules.suffix], ["contains", rules.contains], ["does not contain", rules.notContains]] as const;
  return [
    ...(rules.const === undefined ? [] : [`is ${nameOf(rules.const)}`]),
    ...(rules.in === undefined ? [] : [`one of ${list(rules.in)}`]),
    ...(rules.notIn === undefined ? [] : [`none of ${list(rules.notIn)}`]),
    ...boundsOf(rules),
    ...(rules.finite ? ["finite"] : []),
    ...(rules.now === undefined ? [] : [rules.now === "before" ? "in the past" : "in the future"]),
    ...sizeOf(rules.len ?? rules.minLen, rules.len ?? rules.maxLen, "character"),
    ...sizeOf(rules.lenBytes ?? rules.minBytes, rules.lenBytes ?? rules.maxBytes, "byte").map((text) => (raw ? text : `${text} of UTF-8`)),
    ...(rules.pattern === undefined ? [] : [`matches ${code(rules.pattern)}`]),
    ...affixes.flatMap(([word, text]) => (text === undefined ? [] : [`${word} ${code(text)}`])),
    ...(rules.format === undefined ? [] : [formats[rules.format] ?? `of the format ${rules.format.replaceAll("_", " ")}`]),
    ...(rules.definedOnly ? ["a value that is listed"] : []),
    ...sizeOf(rules.minItems, rules.maxItems, "item"),
    ...(rules.unique ? ["no item twice"] : []),
    ...nested("each item", rules.items),
    ...sizeOf(rules.minPairs, rules.maxPairs, "entry", "entries"),
    ...nested("keys", rules.keys, false),
    ...nested("values", rules.values),
    ...(rules.cel ?? []).map(({ message, expression }) => (message === "" ? code(expression) : cell(message))),
  ];
}

function boundsOf({ gt, gte, lt, lte }: Rules): string[] {
  const low = gte === undefined ? (gt === undefined ? undefined : `more than ${gt}`) : `at least ${gte}`;
  const high = lte === undefined ? (lt === undefined ? undefined : `less than ${lt}`) : `at most ${lte}`;
  if (low === undefined || high === undefined) return [low ?? high].filter((text) => text !== undefined);
  if (gte !== undefined && lte !== undefined && gte === lte) return [`is ${gte}`];
  // A lower bound above the upper one means: outside of the range between them.
  return isOutside(gte ?? gt!, lte ?? lt!) ? [`${high} or ${low}`] : [`${low}, ${high}`];
}

/** Durations are texts with an `s`; RFC 3339 of one zone sorts as text. */
function isOutside(low: Bound, high: Bound): boolean {
  const [a, b] = [low, high].map((bound) => Number(String(bound).replace(/s$/, "")));
  return Number.isNaN(a) ? String(low) > String(high) : a! > b!;
}

function sizeOf(least: number | undefined, most: number | undefined, one: string, many = `${one}s`): string[] {
  const count = (number: number): string => `${number} ${number === 1 ? one : many}`;
  if (least === most && least !== undefined) return [`exactly ${count(least)}`];
  if (least && most !== undefined) return [`${least} to ${count(most)}`];
  if (most !== undefined) return [`at most ${count(most)}`];
  return least ? [`at least ${count(least)}`] : [];
}
