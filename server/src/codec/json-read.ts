/** Reads messages from parsed JSON (protobuf.dev/programming-guides/json), fast where it is written plainly. */
import { type DescEnum, type DescField, type DescMessage, fromJson, type JsonValue, type Message, ScalarType } from "@bufbuild/protobuf";
import { FieldMaskSchema, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { isWellFormed } from "../unicode.js";
import { readDuration, readTimestamp } from "./json-times.js";
import { copyObject, readListValue, readStruct, readValue } from "./json-values.js";
import { mapKeys } from "./map-keys.js";
import { compileNew, type Fields } from "./new-message.js";
import { uncommon } from "./uncommon.js";

/** Reads one value into what a field holds; `room` is how many levels of nesting are left. Throws `uncommon`. */
type Read = (json: unknown, room: number) => unknown;

/** The reader of a message type. Messages may hold themselves, so it is known before it is compiled. */
interface Reader {
  read: Read;
}

/** Levels that are read here. protobuf-es counts at most two for one of ours, and stops at a hundred. */
const levelsMax = 40;

/**
 * Compiles the reader of a message type: what `fromJson` with `ignoreUnknownFields` makes of the JSON, properties in the
 * order of the text. Throws for JSON that is not written plainly, right or wrong.
 */
export function compileJsonReader(desc: DescMessage): (json: JsonValue) => Message {
  const reader = readerOf(desc, new Map());
  return (json) => reader.read(json, levelsMax) as Message;
}

const leave: Read = () => {
  throw uncommon;
};

const wellKnown: ReadonlyMap<string, Read> = new Map(
  Object.entries<Read>({
    "google.protobuf.Any": leave,
    "google.protobuf.FieldMask": (json) => fromJson(FieldMaskSchema, json as JsonValue),
    "google.protobuf.Timestamp": (json) => readTimestamp(textOf(json)),
    "google.protobuf.Duration": (json) => readDuration(textOf(json)),
    "google.protobuf.Struct": readStruct,
    "google.protobuf.Value": readValue,
    "google.protobuf.ListValue": readListValue,
  }),
);

function textOf(json: unknown): string {
  if (typeof json !== "string") throw uncommon;
  return json;
}

function readerOf(desc: DescMessage, readers: Map<DescMessage, Reader>): Reader {
  let reader = readers.get(desc);
  if (reader !== undefined) return reader;
  readers.set(desc, (reader = { read: leave }));
  reader.read = wellKnown.get(desc.typeName) ?? (isWrapperDesc(desc) ? wrapperRead(desc) : messageRead(desc, readers));
  return reader;
}

function wrapperRead(desc: DescMessage): Read {
  const fresh = compileNew(desc);
  const field = desc.fields[0]!;
  const read = scalarRead(field.scalar!, longAsString(field));
  return (json) => {
    const message = fresh();
    message[field.localName] = read(json, 0);
    return message;
  };
}

/** One field, by its JSON name. */
interface Entry {
  readonly localName: string;
  readonly oneof: string | undefined;
  readonly read: Read;
  /** True if null leaves the field as it is. */
  readonly nullSkips: boolean;
}

function messageRead(desc: DescMessage, readers: Map<DescMessage, Reader>): Read {
  const fresh = compileNew(desc);
  const entries = entriesOf(desc, readers);
  return (json, room) => {
    if (room === 0 || typeof json !== "object" || json === null || Array.isArray(json)) throw uncommon;
    const message = fresh();
    const keys = Object.keys(json);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      const entry = entries.get(key);
      if (entry === undefined) continue;
      const value: unknown = (json as Fields)[key];
      if (value === null && entry.nullSkips) continue;
      const local = entry.read(value, room - 1);
      if (entry.oneof === undefined) message[entry.localName] = local;
      else if ((message[entry.oneof] as { case?: string }).case !== undefined) throw uncommon;
      else message[entry.oneof] = { case: entry.localName, value: local };
    }
    return message;
  };
}

/** What is read under which name: the JSON name fast, the proto name, where it differs, by protobuf-es. */
function entriesOf(desc: DescMessage, readers: Map<DescMessage, Reader>): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const field of desc.fields) {
    const entry: Entry = {
      localName: field.localName,
      oneof: field.oneof?.localName,
      read: fieldRead(field, readers),
      nullSkips: field.oneof === undefined && !takesNull(field),
    };
    // A name that two fields claim is nobody's here.
    for (const name of new Set([field.name, field.jsonName])) {
      const plain = name === field.jsonName && !entries.has(name) && name !== "__proto__" && field.localName !== "__proto__";
      entries.set(name, plain ? entry : { ...entry, read: leave, nullSkips: false });
    }
  }
  return entries;
}

const takesNull = (field: DescField): boolean => (field.message ?? field.enum)?.typeName === "google.protobuf.Value" || field.enum?.typeName === "google.protobuf.NullValue";

const longAsString = (field: DescField): boolean => "longAsString" in field && field.longAsString;

function fieldRead(field: DescField, readers: Map<DescMessage, Reader>): Read {
  switch (field.fieldKind) {
    case "list":
      return listRead(elementRead(field, readers));
    case "map":
      return mapRead(field.mapKey, elementRead(field, readers));
    case "message":
      // A wrapper is held as its value, unless it stands in a oneof.
      if (field.oneof === undefined && isWrapperDesc(field.message)) return scalarRead(field.message.fields[0]!.scalar!, longAsString(field.message.fields[0]!));
      return elementRead(field, readers);
    default:
      return elementRead(field, readers);
  }
}

/** Reads a singular value, an item of a list or a value of a map. */
function elementRead(field: DescField, readers: Map<DescMessage, Reader>): Read {
  if (field.scalar !== undefined) return scalarRead(field.scalar, field.fieldKind !== "map" && longAsString(field));
  if (field.enum !== undefined) return enumRead(field.enum);
  const message = field.message!;
  // A Struct is held as a JSON object, unless a Value holds it.
  if (message.typeName === "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value") return copyObject;
  const reader = readerOf(message, readers);
  return (json, room) => reader.read(json, room);
}

function listRead(read: Read): Read {
  return (json, room) => {
    if (!Array.isArray(json)) throw uncommon;
    const items: unknown[] = [];
    for (let i = 0; i < json.length; i++) items.push(read(json[i], room));
    return items;
  };
}

function mapRead(keyType: ScalarType, read: Read): Read {
  const isKey = mapKeys[keyType]!;
  return (json, room) => {
    if (typeof json !== "object" || json === null || Array.isArray(json)) throw uncommon;
    const map: Fields = {};
    const keys = Object.keys(json);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      if (key === "__proto__" || !isKey(key)) throw uncommon;
      map[key] = read((json as Fields)[key], room);
    }
    return map;
  };
}

function enumRead(desc: DescEnum): Read {
  if (desc.typeName === "google.protobuf.NullValue") return leave;
  const numbers = new Map<unknown, number>();
  for (const { jsonName, number } of desc.values) numbers.set(jsonName, number);
  for (const { name, number } of desc.values) numbers.set(name, number);
  const known = new Set<unknown>(desc.values.map((value) => value.number));
  const { open } = desc;
  return (json) => {
    if (typeof json === "number") {
      if ((open && isInt32(json)) || known.has(json)) return json;
      throw uncommon;
    }
    const number = numbers.get(json);
    if (number === undefined) throw uncommon;
    return number;
  };
}

const isInt32 = (value: unknown): boolean => typeof value === "number" && (value | 0) === value;
const isUint32 = (value: unknown): boolean => typeof value === "number" && value >>> 0 === value;
const isDigits = /^(?:0|-?[1-9]\d{0,17})$/;

/** A reader of values that are held as they came. */
const asIs =
  (fits: (json: unknown) => boolean): Read =>
  (json) => {
    if (!fits(json)) throw uncommon;
    return json;
  };

const int32: Read = asIs(isInt32);
const uint32: Read = asIs(isUint32);
const int64: Read = (json) => {
  // Beyond eighteen digits it takes more to say what fits.
  if (typeof json === "string" ? isDigits.test(json) : Number.isSafeInteger(json)) return BigInt(json as string | number);
  throw uncommon;
};
const uint64: Read = (json) => {
  const value = int64(json, 0) as bigint;
  if (value < 0n) throw uncommon;
  return value;
};

const scalars: Readonly<Record<ScalarType, Read>> = {
  [ScalarType.STRING]: asIs((json) => typeof json === "string" && isWellFormed(json)),
  [ScalarType.BOOL]: asIs((json) => typeof json === "boolean"),
  [ScalarType.DOUBLE]: asIs(Number.isFinite),
  [ScalarType.FLOAT]: (json) => {
    const near = typeof json === "number" ? Math.fround(json) : Number.NaN;
    if (!Number.isFinite(near)) throw uncommon;
    return near;
  },
  [ScalarType.INT32]: int32,
  [ScalarType.SINT32]: int32,
  [ScalarType.SFIXED32]: int32,
  [ScalarType.UINT32]: uint32,
  [ScalarType.FIXED32]: uint32,
  [ScalarType.INT64]: int64,
  [ScalarType.SINT64]: int64,
  [ScalarType.SFIXED64]: int64,
  [ScalarType.UINT64]: uint64,
  [ScalarType.FIXED64]: uint64,
  [ScalarType.BYTES]: (json) => {
    if (typeof json !== "string" || json.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(json)) throw uncommon;
    // A copy: what Buffer makes may share its memory with other buffers.
    return new Uint8Array(Buffer.from(json, "base64"));
  },
};

function scalarRead(type: ScalarType, asString: boolean): Read {
  const read = scalars[type];
  if (!asString) return read;
  return (json, room) => {
    read(json, room);
    return String(json);
  };
}
