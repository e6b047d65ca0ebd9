/** Writes messages as JSON text (protobuf.dev/programming-guides/json), fast where they hold what their type says. */
import { type DescEnum, type DescField, type DescMessage, type Message, ScalarType, toJson } from "@bufbuild/protobuf";
import { type Duration, type FieldMask, FieldMaskSchema, isWrapperDesc, type ListValue, type Struct, type Timestamp, type Value } from "@bufbuild/protobuf/wkt";
import { quote } from "./json-quote.js";
import { writeDuration, writeTimestamp } from "./json-times.js";
import { writeListValue, writeObject, writeStruct, writeValue } from "./json-values.js";
import type { Fields } from "./new-message.js";
import { uncommon } from "./uncommon.js";

/** The JSON text of one value. Throws `uncommon`. */
type Write = (value: unknown) => string;

/** The writer of a message type. Messages may hold themselves, so it is known before it is compiled. */
interface Writer {
  write: Write;
}

/**
 * Compiles the writer of a message type: the text that `JSON.stringify` makes of `toJson` with `alwaysEmitImplicit`.
 * Throws for a message that does not plainly hold what its type says.
 */
export function compileJsonWriter(desc: DescMessage): (message: Message) => string {
  const writer = writerOf(desc, new Map());
  return (message) => writer.write(message);
}

const leave: Write = () => {
  throw uncommon;
};

const wellKnown: ReadonlyMap<string, Write> = new Map(
  Object.entries<Write>({
    "google.protobuf.Any": leave,
    "google.protobuf.FieldMask": (message) => JSON.stringify(toJson(FieldMaskSchema, message as FieldMask)),
    "google.protobuf.Timestamp": (message) => `"${writeTimestamp(message as Timestamp)}"`,
    "google.protobuf.Duration": (message) => `"${writeDuration(message as Duration)}"`,
    "google.protobuf.Struct": (message) => writeStruct(message as Struct),
    "google.protobuf.Value": (message) => writeValue(message as Value),
    "google.protobuf.ListValue": (message) => writeListValue(message as ListValue),
  }),
);

function writerOf(desc: DescMessage, writers: Map<DescMessage, Writer>): Writer {
  let writer = writers.get(desc);
  if (writer !== undefined) return writer;
  writers.set(desc, (writer = { write: leave }));
  const write = wellKnown.get(desc.typeName) ?? (isWrapperDesc(desc) ? wrapperWrite(desc) : messageWrite(desc, writers));
  writer.write = (message) => {
    if ((message as Message).$typeName !== desc.typeName) throw uncommon;
    return write(message);
  };
  return writer;
}

function wrapperWrite(desc: DescMessage): Write {
  const field = desc.fields[0]!;
  const write = scalars[field.scalar!];
  return (message) => write((message as Fields)[field.localName]);
}

/** One field of a message: its name with colon, and how it is written. */
interface Entry {
  readonly localName: string;
  readonly name: string;
  readonly oneof: string | undefined;
  readonly implicit: boolean;
  readonly required: boolean;
  readonly write: Write;
}

// google.protobuf.FeatureSet.FieldPresence
const implicitPresence = 2;
const legacyRequired = 3;

function messageWrite(desc: DescMessage, writers: Map<DescMessage, Writer>): Write {
  const fields = desc.fields.toSorted((a, b) => a.number - b.number);
  const names = new Set(fields.map((field) => field.jsonName));
  // An object would put such names elsewhere than where they stand.
  if (names.size < fields.length || fields.some((field) => /^(?:\d+|__proto__)$/.test(field.jsonName))) return leave;
  const entries = fields.map(
    (field): Entry => ({
      localName: field.localName,
      name: `${JSON.stringify(field.jsonName)}:`,
      oneof: field.oneof?.localName,
      implicit: field.fieldKind === "list" || field.fieldKind === "map" || field.presence === implicitPresence,
      required: field.presence === legacyRequired,
      write: fieldWrite(field, writers),
    }),
  );
  return (message) => {
    let text = "{";
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      let value: unknown;
      if (entry.oneof !== undefined) {
        const oneof = (message as Fields)[entry.oneof] as { case: string | undefined; value: unknown };
        if (oneof.case !== entry.localName) continue;
        value = oneof.value;
      } else {
        value = (message as Fields)[entry.localName];
        if (!entry.implicit && (value === undefined || !Object.hasOwn(message as Fields, entry.localName))) {
          if (entry.required) throw uncommon;
          continue;
        }
      }
      text += (text === "{" ? entry.name : `,${entry.name}`) + entry.write(value);
    }
    return `${text}}`;
  };
}

function fieldWrite(field: DescField, writers: Map<DescMessage, Writer>): Write {
  switch (field.fieldKind) {
    case "list":
      return listWrite(elementWrite(field, writers));
    case "map":
      return mapWrite(elementWrite(field, writers));
    case "message":
      // A wrapper is held as its value, unless it stands in a oneof.
      if (field.oneof === undefined && isWrapperDesc(field.message)) return scalars[field.message.fields[0]!.scalar!];
      return elementWrite(field, writers);
    default:
      return elementWrite(field, writers);
  }
}

/** Writes a singular value, an item of a list or a value of a map. */
function elementWrite(field: DescField, writers: Map<DescMessage, Writer>): Write {
  if (field.scalar !== undefined) return scalars[field.scalar];
  if (field.enum !== undefined) return enumWrite(field.enum);
  const message = field.message!;
  // A Struct is held as a JSON object, unless a Value holds it.
  if (message.typeName === "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value") return writeObject;
  const writer = writerOf(message, writers);
  return (value) => writer.write(value);
}

function listWrite(write: Write): Write {
  return (value) => {
    const items = value as readonly unknown[];
    if (items.length === 0) return "[]";
    let text = `[${write(items[0])}`;
    for (let i = 1; i < items.length; i++) text += `,${write(items[i])}`;
    return `${text}]`;
  };
}

function mapWrite(write: Write): Write {
  return (value) => {
    let text = "{";
    const keys = Object.keys(value as Fields);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      text += `${i === 0 ? "" : ","}${quote(key)}:${write((value as Fields)[key])}`;
    }
    return `${text}}`;
  };
}

function enumWrite(desc: DescEnum): Write {
  if (desc.typeName === "google.protobuf.NullValue") return leave;
  const names = new Map<unknown, string>(desc.values.map((value) => [value.number, JSON.stringify(desc.value[value.number]!.jsonName)]));
  return (value) => names.get(value) ?? number(value);
}

const number: Write = (value) => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw uncommon;
  return String(value);
};

const long: Write = (value) => {
  if (typeof value === "bigint") return `"${value}"`;
  if (typeof value === "string") return quote(value);
  throw uncommon;
};

const scalars: Readonly<Record<ScalarType, Write>> = {
  [ScalarType.STRING]: (value) => {
    if (typeof value !== "string") throw uncommon;
    return quote(value);
  },
  [ScalarType.BOOL]: (value) => {
    if (typeof value !== "boolean") throw uncommon;
    return value ? "true" : "false";
  },
  [ScalarType.DOUBLE]: number,
  [ScalarType.FLOAT]: number,
  [ScalarType.INT32]: number,
  [ScalarType.SINT32]: number,
  [ScalarType.SFIXED32]: number,
  [ScalarType.UINT32]: number,
  [ScalarType.FIXED32]: number,
  [ScalarType.INT64]: long,
  [ScalarType.SINT64]: long,
  [ScalarType.SFIXED64]: long,
  [ScalarType.UINT64]: long,
  [ScalarType.FIXED64]: long,
  [ScalarType.BYTES]: (value) => {
    if (!(value instanceof Uint8Array)) throw uncommon;
    return `"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64")}"`;
  },
};
