/** Keeps protobuf-es to the forms that ProtoJSON has (protobuf.dev/programming-guides/json), where it reads more or less than those. */
import { type DescField, type DescMessage, type JsonValue, type Registry, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { isWellFormed } from "../unicode.js";
import { mapKeys } from "./map-keys.js";

/** What protobuf-es is given for a value. Throws for a form that ProtoJSON does not have. */
type Mend = (json: unknown, levels: number) => unknown;

interface Mender {
  mend: Mend;
}

/** The menders of message types, which may hold themselves. */
class Menders extends Map<DescMessage, Mender> {
  constructor(readonly types: () => Registry) {
    super();
  }
}

/** Levels that are looked into: protobuf-es refuses more. */
const levelsMax = 101;

/**
 * Compiles the check of a message type. It throws for hexadecimal and padded numbers, dates that no calendar has, text
 * behind a duration, blanks in base64, infinite numbers and broken Unicode in a Value, keys that no map of the type has. It
 * turns `1e2` for 64 bits into digits, numbers for a float into those that it holds, and takes a null for a member of a oneof
 * away. What is of the wrong type altogether is for protobuf-es to refuse. `types`: those that a google.protobuf.Any may
 * hold, asked for when one is met.
 */
export function compileForms(desc: DescMessage, types: () => Registry): (json: JsonValue) => JsonValue {
  const mender = menderOf(desc, new Menders(types));
  return (json) => mender.mend(json, levelsMax) as JsonValue;
}

function refuse(what: DescField | DescMessage): never {
  throw new Error(`cannot decode ${String(what)} from JSON: not a form of ProtoJSON`);
}

const asIs: Mend = (json) => json;

function menderOf(desc: DescMessage, menders: Menders): Mender {
  let mender = menders.get(desc);
  if (mender !== undefined) return mender;
  menders.set(desc, (mender = { mend: asIs }));
  mender.mend = wellKnown.get(desc.typeName)?.(desc, menders) ?? (isWrapperDesc(desc) ? scalarMend(desc.fields[0]!, desc.fields[0]!.scalar!) : messageMend(desc, menders));
  return mender;
}

function messageMend(desc: DescMessage, menders: Menders): Mend {
  const entries = new Map<string, { readonly field: DescField; readonly mend: Mend; readonly nullIsNone: boolean }>();
  for (const field of desc.fields) {
    const type = (field.message ?? field.enum)?.typeName;
    const entry = { field, mend: fieldMend(field, menders), nullIsNone: field.oneof !== undefined && type !== "google.protobuf.Value" && type !== "google.protobuf.NullValue" };
    entries.set(field.name, entry).set(field.jsonName, entry);
  }
  return (json, levels) => {
    if (levels === 0 || !isObject(json)) return json;
    const seen = new Set<DescField>();
    const members: [string, unknown][] = [];
    for (const key of Object.keys(json)) {
      const entry = entries.get(key);
      const value: unknown = json[key];
      if (entry === undefined) continue;
      // A field under both of its names is refused even where one of them is null.
      if (seen.has(entry.field)) return json;
      seen.add(entry.field);
      if (value === null && entry.nullIsNone) continue;
      members.push([key, value === null ? null : entry.mend(value, levels - 1)]);
    }
    return Object.fromEntries(members);
  };
}

function fieldMend(field: DescField, menders: Menders): Mend {
  const single = field.scalar !== undefined ? scalarMend(field, field.scalar) : field.message !== undefined ? messageOf(field.message, menders) : asIs;
  if (field.fieldKind === "list") return (json, levels) => (Array.isArray(json) ? json.map((item: unknown) => single(item, levels)) : json);
  if (field.fieldKind !== "map") return single;
  // protobuf-es does not look at the key of an entry that it leaves out, for an enum value of an unknown name.
  const isKey = mapKeys[field.mapKey]!;
  return (json, levels) => {
    if (!isObject(json)) return json;
    return Object.fromEntries(Object.entries(json).map(([name, value]) => [isKey(name) ? name : refuse(field), single(value, levels)]));
  };
}

function messageOf(desc: DescMessage, menders: Menders): Mend {
  const mender = menderOf(desc, menders);
  return (json, levels) => mender.mend(json, levels);
}

const number = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d{1,6}))?$/;
const special = /^(?:NaN|-?Infinity)$/;
const base64 = /^(?:[\w+/-]{4})*(?:[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)?$/;

function scalarMend(field: DescField, scalar: ScalarType): Mend {
  const ofText = (mend: (text: string) => unknown): Mend => (json) => (typeof json === "string" ? mend(json) : json);
  switch (scalar) {
    case ScalarType.STRING:
    case ScalarType.BOOL:
      return asIs;
    case ScalarType.BYTES:
      return ofText((text) => (base64.test(text) ? text : refuse(field)));
    case ScalarType.FLOAT:
      return (json) => {
        const value = typeof json === "string" && number.test(json) ? Number(json) : json;
        // What no 32 bits hold is for protobuf-es to refuse.
        if (typeof value === "number") return Number.isFinite(Math.fround(value)) ? textIfNegativeZero(Math.fround(value)) : json;
        return typeof json !== "string" || special.test(json) ? json : refuse(field);
      };
    case ScalarType.DOUBLE:
      return (json) => {
        if (typeof json === "number") return textIfNegativeZero(json);
        return typeof json !== "string" || number.test(json) || special.test(json) ? json : refuse(field);
      };
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return ofText((text) => (number.test(text) ? text : refuse(field)));
    default:
      return ofText((text) => wholeOf(text) ?? refuse(field));
  }
}

/** `JSON.stringify` forgets the sign of -0, text keeps it. */
const textIfNegativeZero = (value: number): number | string => (Object.is(value, -0) ? "-0" : value);

/** The digits of a whole number, written with exponents and zero fractions or without; undefined for other text. */
function wholeOf(text: string): string | undefined {
  const found = number.exec(text);
  if (found === null) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = found;
  const digits = `${whole}${fraction}`;
  const end = whole.length + Number(exponent);
  // 64 bits have at most twenty digits.
  if (!/[1-9]/.test(digits)) return "0";
  if (end <= 0 || end > 20 + digits.length || /[1-9]/.test(digits.slice(end))) return undefined;
  return `${sign}${digits.slice(0, end).padEnd(end, "0")}`;
}

/** Messages with a JSON form of their own; the others of google.protobuf have none, or are read rightly. */
const wellKnown: ReadonlyMap<string, (desc: DescMessage, menders: Menders) => Mend> = new Map(
  Object.entries<(desc: DescMessage, menders: Menders) => Mend>({
    "google.protobuf.Any": (_desc, menders) => (json, levels) => anyMended(json, levels, menders),
    "google.protobuf.FieldMask": () => asIs,
    "google.protobuf.Timestamp": (desc) => (json) => (typeof json !== "string" || isTime(json) ? json : refuse(desc)),
    "google.protobuf.Duration": (desc) => (json) => (typeof json !== "string" || /^-?\d{1,12}(?:\.\d{1,9})?s$/.test(json) ? json : refuse(desc)),
    "google.protobuf.Struct": (desc) => (json, levels) => checkedValue(json, levels, desc),
    "google.protobuf.Value": (desc) => (json, levels) => checkedValue(json, levels, desc),
    "google.protobuf.ListValue": (desc) => (json, levels) => checkedValue(json, levels, desc),
  }),
);

const monthDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** True for a time of RFC 3339 in the profile of ProtoJSON: capital letters, at most nine digits of a second, none of them leap. */
function isTime(text: string): boolean {
  const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:Z|[+-](\d\d):(\d\d))$/.exec(text);
  if (found === null) return false;
  const [year, month, day, hour, minute, second, offsetHour = 0, offsetMinute = 0] = found.slice(1).map((part) => (part === undefined ? undefined : Number(part))) as number[];
  if (day! < 1 || day! > (monthDays[month! - 1] ?? 0)) return false;
  if (month === 2 && day === 29 && !(year! % 4 === 0 && (year! % 100 !== 0 || year! % 400 === 0))) return false;
  return hour! < 24 && minute! < 60 && second! < 60 && offsetHour < 24 && offsetMinute < 60;
}

/** What an Any holds, in the forms of its type. */
function anyMended(json: unknown, levels: number, menders: Menders): unknown {
  if (!isObject(json) || levels === 0) return json;
  const url = json["@type"];
  const desc = typeof url === "string" ? menders.types().getMessage(url.slice(url.lastIndexOf("/") + 1)) : undefined;
  if (desc === undefined) return json;
  const { mend } = menderOf(desc, menders);
  if (wellKnown.has(desc.typeName) || isWrapperDesc(desc)) {
    // A message with a form of its own stands under `value`; only of a Value that form may be null.
    const isThere = Object.hasOwn(json, "value") && (json["value"] !== null || desc.typeName === "google.protobuf.Value");
    return isThere ? { ...json, value: mend(json["value"], levels - 1) } : refuse(desc);
  }
  return { ...(mend(json, levels - 1) as object), "@type": url };
}

/** Any JSON, unless it holds a number that none is, or text that none is. */
function checkedValue(json: unknown, levels: number, desc: DescMessage): unknown {
  if (typeof json === "string") return isWellFormed(json) ? json : refuse(desc);
  if (typeof json === "number") return Number.isFinite(json) ? json : refuse(desc);
  if (typeof json !== "object" || json === null || levels === 0) return json;
  for (const [key, value] of Object.entries(json)) {
    if (!isWellFormed(key)) refuse(desc);
    checkedValue(value, levels - 1, desc);
  }
  return json;
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
