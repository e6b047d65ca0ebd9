/** protovalidate rules as keywords of JSON Schema, as far as one can say the other. */
import type { Field, Rules, Scalar } from "../../model.js";
import { compact, type Schema } from "./types.js";

/** Named formats that JSON Schema or the OpenAPI format registry knows. */
const formats: Readonly<Record<string, string>> = {
  email: "email",
  hostname: "hostname",
  ipv4: "ipv4",
  ipv6: "ipv6",
  uri: "uri",
  uri_ref: "uri-reference",
  uuid: "uuid",
};

/** 64-bit integers are strings in JSON, so that their bounds need keywords of our own. */
const textual: ReadonlySet<Scalar> = new Set<Scalar>(["int64", "uint64", "sint64", "fixed64", "sfixed64"]);

/** Keywords for a scalar's rules. */
export function scalarKeywords(scalar: Scalar, rules: Rules): Schema {
  if (scalar === "string") return stringKeywords(rules);
  if (scalar === "bytes") return bytesKeywords(rules);
  if (scalar === "bool") return compact({ const: rules.const });
  return textual.has(scalar) ? longKeywords(rules) : numberKeywords(rules);
}

/** Keywords for rules of a message that is one string in JSON: a duration or a timestamp. */
export function timeKeywords(rules: Rules): Schema {
  const now = { before: { "x-exclusiveMaximum": "now" }, after: { "x-exclusiveMinimum": "now" } } as const;
  return compact({ ...listed(rules), ...textBounds(rules), ...(rules.now ? now[rules.now] : {}), "x-within": rules.within });
}

/** Keywords for integers that are the keys of a map, and so strings. */
export function keyKeywords(scalar: Scalar, rules: Rules): Schema {
  const unsigned = scalar.startsWith("u") || scalar.startsWith("fixed");
  const pattern = unsigned ? "^(0|[1-9][0-9]*)$" : "^(0|-?[1-9][0-9]*)$";
  if (textual.has(scalar)) return { pattern, format: unsigned ? "uint64" : "int64", ...longKeywords(rules), description: undefined };
  const bits = unsigned ? { "x-maximum": "4294967295" } : { "x-minimum": "-2147483648", "x-maximum": "2147483647" };
  return { pattern, ...bits, ...longKeywords(rules), description: undefined };
}

/** Keywords by which a value is not the default one of its type. */
export function setKeywords(scalar: Scalar): Schema {
  if (scalar === "bool") return { const: true };
  if (scalar === "string" || scalar === "bytes") return { minLength: 1 };
  return { not: { const: textual.has(scalar) ? "0" : 0 } };
}

/** Keywords by which the value of a field without presence is not the default one. Of an enum, they are the names that it may have. */
export function setKeywordsOf({ cardinality, type }: Field): Schema {
  if (cardinality === "repeated") return { minItems: 1 };
  if (cardinality === "map") return { minProperties: 1 };
  return type.kind === "scalar" ? setKeywords(type.scalar) : {};
}

/** Keywords for a google.protobuf.Any. */
export function anyKeywords({ in: some, notIn: others }: Rules): Schema {
  if (some === undefined && others === undefined) return {};
  return compact({
    properties: { "@type": compact({ type: "string", enum: some, not: others && { enum: others } }) },
    required: some && ["@type"],
  });
}

/** Keywords for a google.protobuf.FieldMask: paths that are listed, or below one that is. */
export function maskKeywords({ const: only, in: some, notIn: others }: Rules): Schema {
  const listed = (paths: readonly unknown[]): string => `(${paths.map((path) => escape(jsonPath(String(path)))).join("|")})(\\.[^,]*)?`;
  const within = some && `^(${listed(some)}(,${listed(some)})*)?$`;
  return compact({ const: only, allOf: within && [{ pattern: within }], not: others && { pattern: `(^|,)${listed(others)}(,|$)` } });
}

/** A path of a field mask as JSON has it. */
function jsonPath(path: string): string {
  return path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Values of float and double that JSON has no numbers for, as far as the rules admit them. */
export function specialNumbers(rules: Rules): string[] {
  const { const: only, in: some, gt, gte, lt, lte, finite } = rules;
  if (finite || only !== undefined || some !== undefined) return [];
  const low = gte ?? gt;
  const high = lte ?? lt;
  // A lower bound above the upper one means: outside of the range between them.
  const outside = low !== undefined && high !== undefined && Number(low) > Number(high);
  return [
    ...(low === undefined && high === undefined ? ["NaN"] : []),
    ...(high === undefined || outside ? ["Infinity"] : []),
    ...(low === undefined || outside ? ["-Infinity"] : []),
  ];
}

/** Keywords for a list. */
export function listKeywords(rules: Rules): Schema {
  return compact({ minItems: rules.minItems || undefined, maxItems: rules.maxItems, uniqueItems: rules.unique });
}

/** Keywords for a map. */
export function mapKeywords(rules: Rules): Schema {
  return compact({ minProperties: rules.minPairs || undefined, maxProperties: rules.maxPairs });
}

const boundWords = { gt: "more than", gte: "at least", lt: "less than", lte: "at most" } as const;
const boundKeywords = { gt: "x-exclusiveMinimum", gte: "x-minimum", lt: "x-exclusiveMaximum", lte: "x-maximum" } as const;
const boundNames = ["gt", "gte", "lt", "lte"] as const;

/** Bounds of numbers and times that are strings in JSON: in words, and as keywords of our own. */
function textBounds(rules: Rules): Schema {
  const stated = boundNames.filter((name) => rules[name] !== undefined);
  const low = rules.gte ?? rules.gt;
  const high = rules.lte ?? rules.lt;
  const description = sentence(stated.map((name) => `${boundWords[name]} ${rules[name]}`));
  const keyword = (name: (typeof boundNames)[number]): Schema => ({ [boundKeywords[name]]: String(rules[name]) });
  // A lower bound above the upper one means: outside of the range between them.
  if (low !== undefined && high !== undefined && isAbove(String(low), String(high))) return { anyOf: stated.map(keyword), description };
  return { ...Object.assign({}, ...stated.map(keyword)) as Schema, description };
}

/** Compares integers, durations (`1.5s`) or timestamps, as rules write them. */
function isAbove(one: string, other: string): boolean {
  if (/^-?\d+$/.test(one)) return BigInt(one) > BigInt(other);
  return one.endsWith("s") ? Number.parseFloat(one) > Number.parseFloat(other) : Date.parse(one) > Date.parse(other);
}

/** Rules that list values, for values that are strings in JSON. */
function listed(rules: Rules): Schema {
  return { const: rules.const === undefined ? undefined : String(rules.const), enum: rules.in?.map(String), not: rules.notIn ? { enum: rules.notIn.map(String) } : undefined };
}

function stringKeywords(rules: Rules): Schema {
  const { minBytes, maxBytes, lenBytes, prefix, suffix, contains } = rules;
  const patterns = [
    ...(rules.pattern !== undefined && isEcma(rules.pattern) ? [rules.pattern] : []),
    ...(prefix ? [`^${escape(prefix)}`] : []),
    ...(suffix ? [`${escape(suffix)}$`] : []),
    ...(contains ? [escape(contains)] : []),
  ];
  const [pattern, ...others] = patterns;
  const most = lenBytes ?? maxBytes;
  return compact({
    const: rules.const,
    enum: rules.in,
    not: exclusion([...(rules.notIn ? [{ enum: rules.notIn }] : []), ...(rules.notContains ? [{ pattern: escape(rules.notContains) }] : [])]),
    // One code point is one to four bytes of UTF-8: these bounds refuse nothing that the byte bounds admit.
    minLength: (rules.len ?? rules.minLen ?? Math.ceil((minBytes ?? lenBytes ?? 0) / 4)) || undefined,
    maxLength: rules.len ?? rules.maxLen ?? most,
    pattern,
    allOf: others.length > 0 ? others.map((each) => ({ pattern: each })) : undefined,
    format: rules.format ? formats[rules.format] : undefined,
    "x-minBytes": lenBytes ?? minBytes,
    "x-maxBytes": most,
    "x-format": rules.format && formats[rules.format] === undefined ? rules.format.replaceAll("_", "-") : undefined,
    "x-pattern": rules.pattern !== undefined && !isEcma(rules.pattern) ? rules.pattern : undefined,
    description: most === undefined ? undefined : `At most ${most} bytes of UTF-8.`,
  });
}

function bytesKeywords(rules: Rules): Schema {
  // Base64 of n bytes has 4 characters for every 3 bytes begun; padding may be left out.
  const least = rules.lenBytes ?? rules.minBytes;
  const most = rules.lenBytes ?? rules.maxBytes;
  return compact({
    ...listed(rules),
    minLength: least ? Math.ceil((least * 4) / 3) : undefined,
    maxLength: most === undefined ? undefined : Math.ceil(most / 3) * 4,
    "x-minBytes": least,
    "x-maxBytes": most,
    "x-pattern": rules.pattern,
    "x-prefix": rules.prefix,
    "x-suffix": rules.suffix,
    "x-contains": rules.contains,
    "x-format": rules.format?.replaceAll("_", "-"),
    description: most === undefined ? undefined : `At most ${most} bytes.`,
  });
}

/** What must not be, any of them. */
export function exclusion(schemas: readonly Schema[]): Schema | undefined {
  return schemas.length > 1 ? { anyOf: schemas } : schemas[0];
}

function numberKeywords(rules: Rules): Schema {
  const listed = { const: rules.const, enum: rules.in, not: rules.notIn ? { enum: rules.notIn } : undefined };
  const low = compact({ minimum: rules.gte, exclusiveMinimum: rules.gt });
  const high = compact({ maximum: rules.lte, exclusiveMaximum: rules.lt });
  const outside = Number(rules.gte ?? rules.gt) > Number(rules.lte ?? rules.lt);
  // A lower bound above the upper one means: outside of the range between them.
  return compact(outside ? { ...listed, anyOf: [low, high] } : { ...listed, ...low, ...high });
}

function longKeywords(rules: Rules): Schema {
  return compact({ ...listed(rules), ...textBounds(rules) });
}

function sentence(bounds: readonly string[]): string | undefined {
  if (bounds.length === 0) return undefined;
  const joined = bounds.join(", ");
  return `${joined[0]!.toUpperCase()}${joined.slice(1)}.`;
}

/** RE2 and ECMA-262 agree on what compiles under the `u` flag, possessive and Unicode-class syntax aside. */
function isEcma(pattern: string): boolean {
  try {
    return new RegExp(pattern, "u") instanceof RegExp && !/\\[AzQEC]|\[\[:/.test(pattern);
  } catch {
    return false;
  }
}

function escape(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
