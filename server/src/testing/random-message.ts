/** Random messages, and random JSON and bytes that are almost messages, for tests of codecs. */
import { create, type DescField, type DescMessage, type JsonObject, type JsonValue, type Message, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";

/** Numbers of [0, 1). */
export type Random = () => number;

type Fields = Record<string, unknown>;

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
const chance = (random: Random, of: number): boolean => random() < of;
const upTo = (random: Random, max: number): number => Math.floor(random() * (max + 1));

const texts = ["", "a", "plain text", "naïve", "€uro", "𝔘nicode 😀", "\ufeffbom", "a\ufffdb", "\u0000\n\t\"\\\u2028\u007f", "__proto__", "constructor", "ÿ".repeat(45), "x".repeat(127), "y".repeat(128), "z".repeat(129), "line\n".repeat(60), "😀".repeat(70), "é".repeat(43)];
/** Texts that UTF-8 cannot hold. */
const brokenTexts = ["\ud800", "x\udc00", "\ud800a".repeat(30)];
const int32s = [0, 1, -1, 2, 127, 128, 300, -129, 16_383, 16_384, 2_097_152, 268_435_456, 2_147_483_647, -2_147_483_648, -0];
const uint32s = [0, 1, 127, 128, 16_384, 2_147_483_648, 4_294_967_295];
const int64s = [0n, 1n, -1n, 127n, 128n, 2n ** 28n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 56n, 2n ** 60n + 7n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 31n), -(2n ** 53n) - 1n];
const uint64s = [0n, 1n, 2n ** 21n, 2n ** 35n, 2n ** 49n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n];
const doubles = [0, -0, 1, -1.5, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, NaN, Infinity, -Infinity];
/** As 32 bits hold them. */
const floats = [0, -0, 1, -1.5, 0.1, 3.4028234663852886e38, 1.401298464324817e-45, NaN, Infinity, -Infinity, 1e21].map(Math.fround);

const scalarsOf: Readonly<Record<ScalarType, (random: Random) => unknown>> = {
  [ScalarType.STRING]: (random) => (chance(random, 0.02) ? pick(random, brokenTexts) : pick(random, texts)),
  [ScalarType.BYTES]: (random) => Uint8Array.from({ length: pick(random, [0, 1, 2, 3, 4, 130]) }, () => upTo(random, 255)),
  [ScalarType.BOOL]: (random) => chance(random, 0.5),
  [ScalarType.DOUBLE]: (random) => pick(random, doubles),
  [ScalarType.FLOAT]: (random) => pick(random, floats),
  [ScalarType.INT32]: (random) => pick(random, int32s),
  [ScalarType.SINT32]: (random) => pick(random, int32s),
  [ScalarType.SFIXED32]: (random) => pick(random, int32s),
  [ScalarType.UINT32]: (random) => pick(random, uint32s),
  [ScalarType.FIXED32]: (random) => pick(random, uint32s),
  [ScalarType.INT64]: (random) => pick(random, int64s),
  [ScalarType.SINT64]: (random) => pick(random, int64s),
  [ScalarType.SFIXED64]: (random) => pick(random, int64s),
  [ScalarType.UINT64]: (random) => pick(random, uint64s),
  [ScalarType.FIXED64]: (random) => pick(random, uint64s),
};

/** Values that no field, or few, may hold. */
const strangers: readonly unknown[] = [undefined, null, "1", 1.5, NaN, 1e12, -1, 2n ** 63n, 2n ** 64n, -(2n ** 63n) - 1n, -5n, true, [], {}, [undefined], Symbol.iterator];

/** How wild a message may get. */
export interface Wildness {
  /** Share of values that do not belong where they are. */
  readonly strangers: number;
  /** Share of messages with unknown fields. */
  readonly unknown: number;
}

/** A random message of a type. */
export function randomMessage(desc: DescMessage, random: Random, wild: Wildness, depth = 0): Message {
  const message = create(desc) as Message & Fields;
  const share = depth === 0 ? pick(random, [0.1, 0.5, 1]) : 0.5;
  for (const field of desc.fields) {
    if (!chance(random, desc.fields.length > 25 ? share / 4 : share)) continue;
    const value = chance(random, wild.strangers) ? pick(random, strangers) : fieldValue(field, random, wild, depth);
    if (value === absent) continue;
    if (field.oneof === undefined) message[field.localName] = value;
    else if (chance(random, 0.4)) message[field.oneof.localName] = { case: field.localName, value };
  }
  bound(message);
  if (chance(random, wild.unknown)) message.$unknown = [{ no: pick(random, [200, 19_999]), wireType: 0, data: new Uint8Array([5]) }];
  return message;
}

/** Timestamps and durations are mostly ones that JSON can hold. */
function bound(message: Message & Fields): void {
  if (message.$typeName !== "google.protobuf.Timestamp" && message.$typeName !== "google.protobuf.Duration") return;
  const { seconds, nanos } = message;
  if (typeof seconds !== "bigint" || typeof nanos !== "number" || seconds % 7n === 0n) return;
  message["seconds"] = seconds % 62_135_596_800n;
  message["nanos"] = message.$typeName.endsWith("Timestamp") ? Math.abs(nanos % 1_000_000_000) : seconds < 0n ? -Math.abs(nanos % 1_000_000) * 1000 : Math.abs(nanos % 1000) * 1_000_000;
}

const absent = Symbol("absent");

function fieldValue(field: DescField, random: Random, wild: Wildness, depth: number): unknown {
  switch (field.fieldKind) {
    case "list": {
      const items = Array.from({ length: upTo(random, 4) }, () => elementOf(field, random, wild, depth)).filter((item) => item !== absent);
      if (chance(random, wild.strangers)) items.push(pick(random, strangers));
      return items;
    }
    case "map": {
      const map: Fields = {};
      for (let i = upTo(random, 3); i > 0; i--) {
        const key = chance(random, wild.strangers) ? pick(random, texts) : String(scalarsOf[field.mapKey](random));
        const value = elementOf(field, random, wild, depth);
        if (value !== absent) Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
      }
      return map;
    }
    case "message":
      if (field.oneof === undefined && isWrapperDesc(field.message)) return scalarsOf[field.message.fields[0]!.scalar!](random);
      return elementOf(field, random, wild, depth);
    default:
      return elementOf(field, random, wild, depth);
  }
}

function elementOf(field: DescField, random: Random, wild: Wildness, depth: number): unknown {
  if (field.scalar !== undefined) {
    const value = scalarsOf[field.scalar](random);
    return "longAsString" in field && field.longAsString ? String(value) : value;
  }
  if (field.enum !== undefined) return chance(random, 0.2) ? pick(random, int32s) : pick(random, field.enum.values).number;
  if (depth > 4) return absent;
  const { message } = field;
  if (message!.typeName === "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value") return randomObject(random, depth);
  return randomMessage(message!, random, wild, depth + 1);
}

function randomObject(random: Random, depth: number): JsonObject {
  return Object.fromEntries(Array.from({ length: upTo(random, 3) }, () => [pick(random, texts), randomJson(random, depth + 1)]));
}

function randomJson(random: Random, depth: number): JsonValue {
  const leaves: readonly JsonValue[] = [null, true, 1.5, -0, "text", "\ud800"];
  if (depth > 4 || chance(random, 0.6)) return pick(random, leaves);
  return chance(random, 0.5) ? randomObject(random, depth) : Array.from({ length: upTo(random, 3) }, () => randomJson(random, depth + 1));
}

const deep = (levels: number, wrap: (inner: JsonValue) => JsonValue): JsonValue => (levels === 0 ? wrap("x") : wrap(deep(levels - 1, wrap)));

/** JSON values that may or may not stand for something, depending on where they are. */
const oddJson: readonly unknown[] = [
  null, undefined, true, false, "", "a", [], {}, [null], [[]], { a: 1 }, { value: 1 }, { "@type": "x" }, "\ud800", "true", "NaN", "Infinity", "-Infinity", "nan",
  0, -0, 1, -1, 1.5, 255, 4_294_967_295, 4_294_967_296, 2_147_483_648, -2_147_483_649, 1e21, 1e39, Infinity, NaN, 2 ** 53, 2 ** 64,
  "0", "-0", "00", "01", "1", "-1", "+1", " 1", "1 ", "1.0", "1e3", "1.5", "0x10", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615", "18446744073709551616", "999999999999999999", "1000000000000000000",
  "AA==", "AA", "AAA=", "AB==", "-_-_", "+/+/", "A", "=", "AAAA====", "A A=", "QUJD", "QUJD\n",
  "2026-11-02T10:11:12Z", "2026-11-02T10:11:12.5Z", "2026-11-02T10:11:12.123456789Z", "2026-11-02T10:11:12.1234567890Z", "2026-11-02T10:11:12.Z", "2026-11-02T10:11:12", "2026-11-02t10:11:12z", "2026-02-29T00:00:00Z", "2024-02-29T00:00:00Z", "2026-02-30T00:00:00Z", "2026-04-31T00:00:00Z", "2100-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T24:00:01Z", "2026-01-01T23:59:60Z", "2026-01-01T23:60:00Z", "0001-01-01T00:00:00Z", "0099-01-01T00:00:00Z", "0100-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "2026-11-02T10:11:12+01:00", "2026-11-02T10:11:12-23:59", "2026-11-02 10:11:12Z", "20261-1-02T10:11:12Z",
  "1s", "-1s", "0s", "-0s", "-0.0s", "-0.5s", "1.5s", "1.s", ".5s", "s", "-s", "1.123456789s", "1.1234567890s", "1", "1sx", "01s", "315576000000s", "315576000001s", "-315576000000.999999999s", "9999999999999s", "1.5.5s", "1 s", "--1s",
  "a,b", "fooBar.baz", "foo_bar", ",", "a,", "RED", "red", "COLOUR_UNSPECIFIED", "NULL_VALUE",
  deep(30, (inner) => [inner]),
  deep(60, (inner) => [inner]),
  deep(110, (inner) => [inner]),
  deep(45, (inner) => ({ left: inner })),
  deep(98, (inner) => ({ left: inner })),
  deep(99, (inner) => ({ left: inner })),
  deep(120, (inner) => ({ left: inner })),
];

/** JSON with some of its values replaced, keys renamed and keys added. `names` are what fields are called. */
export function mutateJson(json: unknown, random: Random, names: readonly string[], share: number): unknown {
  if (chance(random, share)) return pick(random, oddJson);
  if (Array.isArray(json)) return json.map((item) => mutateJson(item, random, names, share));
  if (typeof json !== "object" || json === null) return json;
  const entries = Object.entries(json).map(([key, value]) => [chance(random, share) ? renamed(key, random, names) : key, mutateJson(value, random, names, share)] as const);
  if (chance(random, share)) entries.push([pick(random, [...names, "unknown", "__proto__", "[x.y]", "", "constructor", "1", "-0", "\ud800"]), pick(random, oddJson)]);
  if (chance(random, share)) entries.reverse();
  const mutant = {};
  for (const [key, value] of entries) Object.defineProperty(mutant, key, { value, writable: true, enumerable: true, configurable: true });
  return mutant;
}

function renamed(key: string, random: Random, names: readonly string[]): string {
  const snake = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return pick(random, [snake, snake, `${key}x`, key.toUpperCase(), "__proto__", `0${key}`, pick(random, ["unknown", ...names])]);
}

/** Bytes with a few of them changed, cut off, repeated or put in. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const at = upTo(random, bytes.length);
  const byte = pick(random, [0, 1, 2, 7, 8, 10, 18, 26, 127, 128, 129, 255, upTo(random, 255)]);
  switch (upTo(random, 5)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return Uint8Array.from([...bytes, ...bytes.slice(at)]);
    case 2:
      return Uint8Array.from([...bytes.slice(0, at), byte, ...bytes.slice(at)]);
    case 3:
      return Uint8Array.from([...bytes.slice(0, at), ...bytes.slice(at + 1)]);
    default: {
      const changed = bytes.slice();
      if (at < changed.length) changed[at] = byte;
      return changed;
    }
  }
}
