/** Values to fuzz with, by type: such as a rule admits, and such as somebody gets wrong. */
import { sampleOfPattern } from "../../sdk/generator/src/examples/regex.js";
import type { Bound, Rules, Scalar } from "../../sdk/generator/src/model.js";
import { Members, Token, type Written } from "./raw.js";

/** Draws from lists and ranges by one seeded source. */
export class Dice {
  constructor(readonly random: () => number) {}

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** A whole number of [low, high]. */
  between(low: number, high: number): number {
    return low + Math.floor(this.random() * (high - low + 1));
  }

  /** One of a list. */
  of<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)]!;
  }
}

/** Characters by the bytes that they take in UTF-8. */
const alphabets = ["abcdefgh-_ .1AZ", "éüñ¿", "漢字€", "😀🎈"] as const;
/** Longest text that is made to try a bound, in characters. */
const textCharsMax = 4200;

const formatSamples: Readonly<Record<string, readonly string[]>> = {
  email: ["a@b.example", "first.last@example.com"],
  hostname: ["example.com", "a-b.example"],
  ipv4: ["127.0.0.1"],
  ipv6: ["::1", "2001:db8::1"],
  uri: ["https://example.com/a?b#c", "urn:a:b"],
  uri_ref: ["/a", "a?b", ""],
  uuid: ["123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"],
  host_and_port: ["example.com:80", "[::1]:1", "127.0.0.1:65535"],
};
const oddFormats: readonly string[] = [
  "urn:uuid:123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000", "a@b", "a@", "@b", "a b@c.example", "a@b..c", "\"a b\"@c.example",
  "-a.example", "a_b.example", "example.com.", "256.1.1.1", "1.2.3", "::g", "fe80::1%eth0", "http//x", "a b", "http://a b", "example.com", "example.com:65536", ":80", "x:080",
];

/** Text that keeps its rules, where one can be found. */
export function text(dice: Dice, rules: Rules): string {
  if (rules.const !== undefined) return String(rules.const);
  if (rules.in) return String(dice.of(rules.in));
  if (rules.format) return dice.of(formatSamples[rules.format] ?? ["x"]);
  if (rules.pattern !== undefined) return sampleOfPattern(rules.pattern) ?? "é";
  const core = `${rules.prefix ?? ""}${rules.contains ?? ""}${rules.suffix ?? ""}`;
  if (core !== "") return `${rules.prefix ?? ""}${dice.of(["", "a", "é"])}${rules.contains ?? ""}${rules.suffix ?? ""}`;
  const width = dice.chance(0.7) ? 1 : dice.between(2, 4);
  const least = Math.max(rules.len ?? rules.minLen ?? 0, Math.ceil((rules.lenBytes ?? rules.minBytes ?? 0) / width));
  const most = Math.min(rules.len ?? rules.maxLen ?? textCharsMax, Math.floor((rules.lenBytes ?? rules.maxBytes ?? textCharsMax) / width), textCharsMax);
  const length = most < least ? least : dice.chance(0.04) ? most : dice.between(least, Math.min(most, least + 8));
  return letters(dice, length, width);
}

/** Text of a length, of characters of one width in bytes. */
function letters(dice: Dice, length: number, width: number): string {
  const alphabet = Array.from(alphabets[width - 1]!);
  return length > 64 ? dice.of(alphabet).repeat(length) : Array.from({ length }, () => dice.of(alphabet)).join("");
}

/** Text that may break its rules, or is none. */
export function oddText(dice: Dice, rules: Rules): Written {
  const bounds = [rules.len, rules.minLen, rules.maxLen, rules.lenBytes, rules.minBytes, rules.maxBytes].filter((bound) => bound !== undefined && bound <= textCharsMax) as number[];
  if (bounds.length > 0 && dice.chance(0.4)) {
    const width = dice.between(1, 4);
    const bound = dice.of(bounds);
    return letters(dice, Math.max(0, dice.of([bound - 1, bound, bound + 1, Math.ceil(bound / width), Math.floor(bound / width), Math.floor(bound / width) + 1])), width);
  }
  const plain = text(dice, rules);
  return dice.of<Written>([
    "", " ", "\u0000", `${plain}\n`, `\n${plain}`, `${plain}\r`, `${plain}\u2028`, plain.toUpperCase(), `${plain}${plain}`, plain.slice(1), plain.slice(0, -1), `x${plain}`, `${plain}x`,
    "\ud800", `${plain}\udc00`, "\ud83d\ude00", "\ude00\ud83d", "null", "true", "1", "[]", dice.of(oddFormats), dice.of(oddFormats), ...(rules.in ?? []).map(String), ...(rules.notIn ?? []).map(String), rules.notContains ?? "z",
  ]);
}

const is64 = (scalar: Scalar): boolean => scalar.endsWith("64");
const isFloating = (scalar: Scalar): boolean => scalar === "double" || scalar === "float";
const isUnsigned = (scalar: Scalar): boolean => scalar.startsWith("u") || scalar === "fixed32" || scalar === "fixed64";

function rangeOf(scalar: Scalar): [bigint, bigint] {
  const bits = is64(scalar) ? 64n : 32n;
  return isUnsigned(scalar) ? [0n, 2n ** bits - 1n] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
}

/** An integer that keeps its rules: 64-bit ones as text. */
function integer(dice: Dice, scalar: Scalar, rules: Rules): Written {
  const written = (value: bigint): Written => (is64(scalar) ? String(value) : Number(value));
  if (rules.const !== undefined) return written(BigInt(rules.const as Bound));
  if (rules.in) return written(BigInt(dice.of(rules.in)));
  const [min, max] = rangeOf(scalar);
  const low = rules.gte !== undefined ? BigInt(rules.gte) : rules.gt !== undefined ? BigInt(rules.gt) + 1n : undefined;
  const high = rules.lte !== undefined ? BigInt(rules.lte) : rules.lt !== undefined ? BigInt(rules.lt) - 1n : undefined;
  if (low !== undefined && high !== undefined && low > high) return written(dice.of([low, high, low + 7n, max, min]));
  const from = low ?? min;
  const to = high ?? max;
  const around = [from, to, from + (to - from) / 2n, ...(from <= 7n && to >= 7n ? [7n] : []), ...(from <= 0n && to >= 0n ? [0n] : [])];
  const value = dice.of(around);
  return written(rules.notIn?.some((each) => BigInt(each) === value) ? from + 2n : value);
}

function floating(dice: Dice, scalar: Scalar, rules: Rules): Written {
  if (rules.const !== undefined) return Number(rules.const);
  if (rules.in) return Number(dice.of(rules.in));
  const low = rules.gte ?? rules.gt;
  const high = rules.lte ?? rules.lt;
  if (low !== undefined && high !== undefined) return Number(low) < Number(high) ? (Number(low) + Number(high)) / 2 : Number(low) + 1;
  if (low !== undefined) return Number(low) + 1;
  if (high !== undefined) return Number(high) - 1;
  return dice.of<Written>([0, 1.5, -2, 1e10, -0.0, new Token("-0"), new Token("1.0"), new Token("1E+2"), scalar === "float" ? 3.4028234663852886e38 : 1.7976931348623157e308, 5e-324, ...(rules.finite ? [] : ["NaN", "Infinity", "-Infinity"])]);
}

/** Numbers at the edges of types, of rules and of notations. */
export function oddNumber(dice: Dice, scalar: Scalar, rules: Rules): Written {
  const bounds = [rules.gt, rules.gte, rules.lt, rules.lte, rules.const, ...(rules.in ?? []), ...(rules.notIn ?? [])].filter((bound) => bound !== undefined).map(Number);
  if (bounds.length > 0 && dice.chance(0.4)) {
    const bound = dice.of(bounds);
    const near = scalar === "float" && dice.chance(0.5) ? bound * dice.of([1, 1 + 1e-9, 1 - 1e-9, 1 + 9e-8, 1 - 9e-8]) : bound + dice.of([-1, 0, 1, -0.5, 0.5]);
    const notation = Number.isInteger(near) && Math.abs(near) >= 2 ** 53 ? String(BigInt(near)) : String(near);
    return is64(scalar) || dice.chance(0.2) ? notation : new Token(notation);
  }
  const edges = [...rangeOf("int32"), ...rangeOf("uint32"), ...rangeOf("int64"), ...rangeOf("uint64"), 2n ** 53n].flatMap((edge) => [edge - 1n, edge, edge + 1n]).map(String);
  const notations = ["0", "-0", "1", "-1", "7", "1.0", "1.5", "-1.5", "1e2", "1E2", "1e+2", "100e-2", "15e-1", "1e-1", "0.0", "1e30", "1e39", "3.4028235e38", "3.4028236e38", "3.5e38", "1e308", "1e309", "-1e400", ...edges];
  const strings = ["", " ", "1 ", " 1", "+1", "01", "-01", "00", ".5", "5.", "0x10", "0b1", "0o7", "1_000", "1,000", "1n", "NaN", "Infinity", "-Infinity", "+Infinity", "nan", "inf", "INF", "-", "e", "1e", "٣", "1\n", "true", "null"];
  const notation = dice.of(notations);
  return dice.of<Written>([new Token(notation), notation, notation, dice.of(strings), dice.of(["NaN", "Infinity", "-Infinity"])]);
}

function bytes(dice: Dice, rules: Rules): Written {
  if (rules.const !== undefined) return String(rules.const);
  if (rules.in) return String(dice.of(rules.in));
  const least = rules.lenBytes ?? rules.minBytes ?? 0;
  const most = rules.lenBytes ?? rules.maxBytes ?? least + 12;
  return base64(dice, dice.between(least, Math.min(most, least + 12)), true);
}

function base64(dice: Dice, length: number, canonical: boolean): string {
  const buffer = Buffer.from(Array.from({ length }, () => dice.of([0, 1, 62 << 2, 251, 255, dice.between(0, 255)]) & 255));
  const padded = buffer.toString("base64");
  return canonical ? padded : dice.of([padded, padded.replace(/=+$/, ""), buffer.toString("base64url"), padded.replaceAll("+", "-").replaceAll("/", "_"), padded.replace("+", "-")]);
}

function oddBytes(dice: Dice, rules: Rules): Written {
  const bounds = [rules.lenBytes, rules.minBytes, rules.maxBytes].filter((bound) => bound !== undefined);
  const length = bounds.length > 0 ? dice.of(bounds) + dice.between(-1, 1) : dice.between(0, 8);
  return dice.chance(0.5) ? base64(dice, Math.max(0, length), false) : dice.of(["", "A", "AA", "AAA", "AAAA", "AAAAA", "A=", "AA=", "AA==", "AA===", "AAA=", "A===", "====", "=", "AA==AA==", "A A A A", "AAAA\n", " AAAA", "AB==", "!!!!", "AA+/", "-_-_", "ÀÀÀÀ", "AAA\u0000"]);
}

/** A scalar that keeps its rules, where one can be found. */
export function scalarValue(dice: Dice, scalar: Scalar, rules: Rules): Written {
  if (scalar === "string") return text(dice, rules);
  if (scalar === "bytes") return bytes(dice, rules);
  if (scalar === "bool") return rules.const === undefined ? dice.chance(0.5) : (rules.const as boolean);
  return isFloating(scalar) ? floating(dice, scalar, rules) : integer(dice, scalar, rules);
}

/** A scalar that may break its rules or its type. */
export function oddScalar(dice: Dice, scalar: Scalar, rules: Rules): Written {
  if (scalar === "string") return oddText(dice, rules);
  if (scalar === "bytes") return oddBytes(dice, rules);
  if (scalar === "bool") return dice.of<Written>([true, false, "true", "false", "", 0, 1, "TRUE", "1"]);
  return oddNumber(dice, scalar, rules);
}

/** A value of another JSON type, whatever the type was. */
export function stranger(dice: Dice): Written {
  return dice.of<() => Written>([
    () => null, () => true, () => false, () => 0, () => 5, () => -1, () => 1.5, () => "", () => "x", () => "5", () => [], () => [null], () => [1], () => ["x"], () => [[]], () => [{} as never].map(() => new Members([])),
    () => new Members([]), () => new Members([{ name: "a", value: 1 }]), () => new Members([{ name: "@type", value: "type.googleapis.com/google.protobuf.Empty" }]), () => new Token("1e400"),
  ])();
}

const secondsMax = 315_576_000_000;

/** A duration that keeps its rules. */
function duration(dice: Dice, rules: Rules): string {
  if (rules.const !== undefined) return String(rules.const);
  if (rules.in) return String(dice.of(rules.in));
  const low = Number.parseFloat(String(rules.gte ?? rules.gt ?? "-5s"));
  const high = Number.parseFloat(String(rules.lte ?? rules.lt ?? "3600s"));
  return dice.of([`${(low + high) / 2}s`, `${low + 0.5}s`, ...(rules.lte === undefined ? [] : [String(rules.lte)]), ...(rules.gte === undefined ? [] : [String(rules.gte)])]);
}

function oddDuration(dice: Dice, rules: Rules): Written {
  const bounds = [rules.gt, rules.gte, rules.lt, rules.lte, rules.const, ...(rules.in ?? [])].filter((bound) => bound !== undefined).map((bound) => String(bound).slice(0, -1));
  if (bounds.length > 0 && dice.chance(0.4)) {
    const bound = dice.of(bounds);
    const more = bound.includes(".") ? "1" : ".000000001";
    return dice.of([`${bound}s`, `${bound}${more}s`, `${Number(bound) - 1}.999999999s`, `${Number(bound) - 1}s`, `${Number(bound) + 1}s`]);
  }
  return dice.of<Written>([
    "0s", "-0s", "0.5s", "-0.5s", "1.5s", "1.123456789s", "1.1234567891s", "1.s", ".5s", "1", "s", "", "1 s", " 1s", "1s ", "1sx", "1.5sx", "+1s", "1S", "01s", "1e2s", "1m", "1ms", "P1D", 1,
    `${secondsMax}s`, `-${secondsMax}s`, `${secondsMax + 1}s`, `-${secondsMax + 1}s`, `${secondsMax}.999999999s`, `${secondsMax}.5s`, "99999999999999999999s", "0000000000000001s",
  ]);
}

function oddTimestamp(dice: Dice): Written {
  return dice.of<Written>([
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999999Z", "0000-12-31T23:59:59Z", "10000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "0099-01-01T00:00:00Z",
    "2026-02-29T00:00:00Z", "2024-02-29T00:00:00Z", "2026-02-30T00:00:00Z", "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z",
    "2026-01-01T24:00:00Z", "2026-01-01T25:00:00Z", "2026-01-01T23:60:00Z", "2026-01-01T23:59:60Z", "2016-12-31T23:59:60Z", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "2026-01-01t00:00:00Z", "2026-01-01T00:00:00z",
    "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+05:30", "2026-01-01T00:00:00-23:59", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+23:60", "2026-01-01T00:00:00+0530", "2026-01-01T00:00:00.1Z", "2026-01-01T00:00:00.123456789Z",
    "2026-01-01T00:00:00.1234567891Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00,5Z", "2026-01-01T00:00Z", "2026-01-01", "20260101T000000Z", "", "now", "0", 0, 1767225600, "-2026-01-01T00:00:00Z", "+2026-01-01T00:00:00Z", " 2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z ", "2026-1-1T00:00:00Z",
  ]);
}

const ofType = (type: Written, value: Written): Members => new Members([{ name: "@type", value: type }, { name: "value", value }]);
const google = (name: string): string => `type.googleapis.com/google.protobuf.${name}`;

/** What a google.protobuf.Any may hold, whatever the contract imports. */
const heldByAny: readonly (readonly [type: string, value: Written])[] = [
  [google("Duration"), "1s"], [google("Timestamp"), "2026-11-02T10:11:12Z"], [google("Empty"), new Members([])], [google("Struct"), new Members([{ name: "a", value: 1 }])], [google("ListValue"), [1, "a"]],
  [google("Value"), null], [google("FieldMask"), "a,bC"], [google("StringValue"), "x"], [google("BoolValue"), true], [google("Int32Value"), 5], [google("UInt64Value"), "18446744073709551615"], [google("BytesValue"), "AA=="], [google("Any"), new Members([])],
];

function oddAny(dice: Dice): Members {
  const [type, value] = dice.of(heldByAny);
  const odd: readonly (() => Members)[] = [
    () => new Members([{ name: "@type", value: type }]),
    () => new Members([{ name: "value", value }]),
    () => ofType(type, dice.of(heldByAny)[1]),
    () => ofType(type, stranger(dice)),
    () => ofType(dice.of<Written>(["", "x", "/", 1, null, "type.googleapis.com/", "type.googleapis.com/no.such.Type", google("Api"), google("duration"), "google.protobuf.Empty", "/google.protobuf.Empty"]), value),
    () => ofType(google("Any"), ofType(type, dice.of<Written>([value, "x"]))),
    () => ofType(google("Duration"), oddDuration(dice, {})),
    () => ofType(google("BytesValue"), oddBytes(dice, {})),
    () => ofType(google("Int32Value"), oddNumber(dice, "int32", {})),
    () => ofType(google("UInt64Value"), oddNumber(dice, "uint64", {})),
    () => ofType(google("StringValue"), dice.of(["", "\ud800"])),
  ];
  return dice.of(odd)();
}

const anything: readonly Written[] = [null, true, 1.5, "x", "", [], [1, "a", null], new Members([]), new Members([{ name: "a", value: [null] }]), -0, 1e308];

/** Messages of google.protobuf with a JSON form of their own: a usual value and an odd one. */
export const wellKnown: Readonly<Record<string, { usual: (dice: Dice, rules: Rules) => Written; odd: (dice: Dice, rules: Rules) => Written }>> = {
  Duration: { usual: duration, odd: oddDuration },
  Timestamp: {
    usual: (dice, rules) => (rules.within !== undefined ? new Date(Date.now()).toISOString() : rules.const === undefined ? dice.of(rules.now === "after" ? ["2999-01-01T00:00:00Z"] : ["2020-11-02T10:11:12Z", "1999-12-31T23:59:59.5Z", "2000-01-01T00:00:00+02:00"]) : String(rules.const)),
    odd: (dice, rules) => (dice.chance(0.2) ? dice.of(["2999-01-01T00:00:00Z", "1970-01-01T00:00:00Z", ...[rules.gt, rules.gte, rules.lt, rules.lte].filter((bound) => bound !== undefined).map(String)]) : oddTimestamp(dice)),
  },
  FieldMask: { usual: (dice, rules) => (rules.const === undefined ? dice.of(["", "a", "a,a", "ttl", "contentMd", "aB.cD", "a.x,contentMd", "aB.cD.e"]) : String(rules.const)), odd: (dice) => dice.of<Written>(["content_md", "a,b", "ab", "aB", "contentMdx", "x,contentMd", "xcontentMd", "a.", ".a", "c,aB", "aB,c,c", "_", "a,,b", ",", "A", " a", "a b", "a.b_c", "漢", [], ["a"]]) },
  Struct: { usual: (dice) => new Members([{ name: dice.of(["a", "", "constructor"]), value: dice.of(anything) }]), odd: (dice) => new Members([{ name: "__proto__", value: dice.of(anything) }]) },
  Value: { usual: (dice) => dice.of(anything), odd: (dice) => dice.of<Written>([new Token("1e400"), "\ud800", null, [new Token("-1e999")]]) },
  ListValue: { usual: (dice) => [dice.of(anything)], odd: (dice) => [dice.of(anything), new Token("1e400")] },
  Any: {
    usual: (dice, { in: some, notIn: others = [] }) => (some === undefined && dice.chance(0.5) ? new Members([]) : ofType(...dice.of(heldByAny.filter(([type]) => (some?.includes(type) ?? true) && !others.includes(type))))),
    odd: (dice) => (dice.chance(0.3) ? ofType(...dice.of(heldByAny)) : oddAny(dice)),
  },
  Empty: { usual: () => new Members([]), odd: () => new Members([{ name: "x", value: 1 }]) },
};
