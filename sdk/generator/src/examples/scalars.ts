/** Sample values of scalars, strings and times that keep their rules. */
import type { Bound, Field, Json, Rules, Scalar } from "../model.js";
import { sampleOfPattern } from "./regex.js";

/** One value of each named string format of protovalidate. */
const ofFormat: Readonly<Record<string, string>> = {
  email: "name@example.com",
  hostname: "host.example.com",
  ip: "203.0.113.7",
  ipv4: "203.0.113.7",
  ipv6: "2001:db8::7",
  uri: "https://example.com/path",
  uri_ref: "/path",
  address: "host.example.com",
  uuid: "01939c3c-6f00-7000-8000-000000000001",
  tuuid: "01939c3c6f0070008000000000000001",
  ulid: "01JEE3RVR0E1R00000000000AA",
  ip_with_prefixlen: "203.0.113.7/24",
  ipv4_with_prefixlen: "203.0.113.7/24",
  ipv6_with_prefixlen: "2001:db8::7/64",
  ip_prefix: "203.0.113.0/24",
  ipv4_prefix: "203.0.113.0/24",
  ipv6_prefix: "2001:db8::/64",
  host_and_port: "host.example.com:443",
  protobuf_fqn: "example.v1.Name",
  protobuf_dot_fqn: ".example.v1.Name",
  http_header_name: "x-name",
  http_header_value: "value",
};
/** Bytes of the formats that bytes can have, in base64. */
const bytesOfFormat: Readonly<Record<string, string>> = {
  ip: "ywBxBw==",
  ipv4: "ywBxBw==",
  ipv6: "IAENuAAAAAAAAAAAAAAABw==",
  uuid: "AZOcPG8AcACAAAAAAAAAAQ==",
};

/** Unix seconds of the moment in which examples live: 2 March 2026, 18:00 UTC. */
const exampleSeconds = 1_772_474_400;
const long64: ReadonlySet<Scalar> = new Set<Scalar>(["int64", "uint64", "sint64", "fixed64", "sfixed64"]);
const floating: ReadonlySet<Scalar> = new Set<Scalar>(["double", "float"]);

/**
 * A value of a scalar that keeps its rules, as protobuf-JSON. `variant` makes values of one list differ.
 * Undefined where the rules leave nothing that this can find.
 */
export function sampleScalar(scalar: Scalar, field: Field, rules: Rules, variant: number): Json | undefined {
  const given = givenBy(rules, variant);
  if (given !== undefined) return given;
  if (scalar === "bool") return true;
  if (scalar === "string") return sampleString(field, rules, variant);
  if (scalar === "bytes") return sampleBytes(rules, variant);
  const start = field.name.endsWith("_at") ? exampleSeconds : 1;
  if (long64.has(scalar)) return sampleInteger(rules, BigInt(start + variant), (bound) => BigInt(bound))?.toString();
  if (floating.has(scalar)) return sampleFloat(rules, start + variant);
  return sampleInteger(rules, start + variant, Number);
}

/** A google.protobuf.Timestamp that keeps its rules. */
export function sampleTimestamp(rules: Rules): string {
  const given = givenBy(rules, 0);
  if (typeof given === "string") return given;
  if (rules.now) return rules.now === "before" ? "2000-01-01T00:00:00Z" : "2999-01-01T00:00:00Z";
  const toSeconds = (text: string) => Math.trunc(Date.parse(text) / 1000);
  const seconds = sampleInteger(rules, exampleSeconds, (bound) => toSeconds(String(bound))) ?? exampleSeconds;
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** A google.protobuf.Duration that keeps its rules. */
export function sampleDuration(rules: Rules): string {
  const given = givenBy(rules, 0);
  if (typeof given === "string") return given;
  const seconds = sampleInteger(rules, 3600, (bound) => Number(String(bound).replace("s", ""))) ?? 3600;
  return `${seconds}s`;
}

/** What the contract itself offers: an example, the one value, or one of the listed ones. */
function givenBy({ example, const: constant, in: list = [] }: Rules, variant: number): Bound | boolean | undefined {
  const listed = list.filter((value) => value !== "" && value !== 0);
  return constant ?? example?.[variant % example.length] ?? (listed.length > 0 ? listed[variant % listed.length] : undefined);
}

function sampleString(field: Field, rules: Rules, variant: number): string | undefined {
  const { pattern, prefix = "", suffix = "", contains = "", format } = rules;
  // A comment that begins with a literal, such as "`deleted`.", says what stands there.
  const named = /^`([^`<>]+)`(?=[.,]| or )/.exec(field.docs)?.[1] ?? field.name.replaceAll("_", "-");
  const base = format ? ofFormat[format] : pattern === undefined ? named : sampleOfPattern(pattern);
  if (base === undefined) return undefined;
  let text = base;
  if (variant > 0 && !format && pattern === undefined) text += variant + 1;
  if (!text.startsWith(prefix)) text = prefix + text;
  if (!text.includes(contains)) text += contains;
  if (!text.endsWith(suffix)) text += suffix;

  const least = Math.max(rules.minLen ?? 0, rules.len ?? 0, rules.minBytes ?? 0, rules.lenBytes ?? 0);
  const most = Math.min(...[rules.maxLen, rules.len, rules.maxBytes, rules.lenBytes].map((bound) => bound ?? Number.POSITIVE_INFINITY));
  if (text.length < least) text = text.slice(0, text.length - suffix.length) + "a".repeat(least - text.length) + suffix;
  return text.length > most ? text.slice(0, most) : text;
}

function sampleBytes(rules: Rules, variant: number): string {
  if (rules.format && bytesOfFormat[rules.format] !== undefined) return bytesOfFormat[rules.format]!;
  const length = Math.max(rules.lenBytes ?? rules.minBytes ?? 0, Math.min(8, rules.maxBytes ?? 8));
  return Buffer.alloc(length, 97 + (variant % 26)).toString("base64");
}

/** Works on numbers and on bigints alike. */
function sampleInteger<T extends number | bigint>(rules: Rules, start: T, read: (bound: Bound) => T): T | undefined {
  const next = (value: T, step: 1 | -1): T => (typeof value === "bigint" ? value + BigInt(step) : Number(value) + step) as T;
  const low = rules.gte !== undefined ? read(rules.gte) : rules.gt !== undefined ? next(read(rules.gt), 1) : undefined;
  const high = rules.lte !== undefined ? read(rules.lte) : rules.lt !== undefined ? next(read(rules.lt), -1) : undefined;
  const refused = new Set((rules.notIn ?? []).map((bound) => read(bound)));
  let value = start;
  // A lower bound above the upper one means: outside of the range between them.
  if (low !== undefined && value < low) value = low;
  if (high !== undefined && value > high && !(low !== undefined && low > high)) value = high;
  for (let tries = 0; refused.has(value) && tries <= refused.size; tries++) value = next(value, high !== undefined && value >= high ? -1 : 1);
  return refused.has(value) ? undefined : value;
}

function sampleFloat(rules: Rules, start: number): number {
  const low = Number(rules.gte ?? rules.gt ?? Number.NEGATIVE_INFINITY);
  const high = Number(rules.lte ?? rules.lt ?? Number.POSITIVE_INFINITY);
  if (start > low && start < high) return start;
  if (Number.isFinite(low) && Number.isFinite(high)) return (low + high) / 2;
  return Number.isFinite(low) ? low + 1 : high - 1;
}
