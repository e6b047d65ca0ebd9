/** protovalidate rules as keywords of JSON Schema, as far as one can say the other. */
import type { Bound, Rules, Scalar } from "../../model.js";
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

/** 64-bit integers are strings in JSON, so their bounds cannot be keywords. */
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
  const bounds = (["gt", "gte", "lt", "lte"] as const).flatMap((name) => (rules[name] === undefined ? [] : `${boundWords[name]} ${rules[name]}`));
  return compact({ const: rules.const, enum: rules.in, description: sentence(bounds) });
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
    not: rules.notIn ? { enum: rules.notIn } : rules.notContains ? { pattern: escape(rules.notContains) } : undefined,
    // One code point is one to four bytes of UTF-8: these bounds refuse nothing that the byte bounds admit.
    minLength: rules.len ?? rules.minLen ?? ((minBytes ?? lenBytes) ? Math.ceil((minBytes ?? lenBytes ?? 0) / 4) : undefined),
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
    const: rules.const,
    minLength: least ? Math.ceil((least * 4) / 3) : undefined,
    maxLength: most === undefined ? undefined : Math.ceil(most / 3) * 4,
    "x-minBytes": least,
    "x-maxBytes": most,
    description: most === undefined ? undefined : `At most ${most} bytes.`,
  });
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
  const bounds = (["gt", "gte", "lt", "lte"] as const).flatMap((name) => (rules[name] === undefined ? [] : `${boundWords[name]} ${rules[name]}`));
  return compact({ const: text(rules.const), enum: rules.in?.map(String), not: rules.notIn ? { enum: rules.notIn.map(String) } : undefined, description: sentence(bounds) });
}

function text(value: Bound | boolean | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
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
