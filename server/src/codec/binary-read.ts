/** Reads messages from protobuf's binary encoding (protobuf.dev/programming-guides/encoding), fast where it is written plainly. */
import { type DescEnum, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc, type ListValue, type Value } from "@bufbuild/protobuf/wkt";
import { Cursor } from "./cursor.js";
import { compileNew, type Fields } from "./new-message.js";
import { uncommon } from "./uncommon.js";
import { numberMax, tagOf, WireType, wireTypeOf } from "./wire.js";

/** Reads one value; `room` is how many levels of messages are left. Throws `uncommon`. */
type Read = (cursor: Cursor, room: number) => unknown;

/** Reads one field into its message. */
type ReadField = (cursor: Cursor, message: Fields, room: number) => void;

/** The reader of a message type, up to the cursor's end. Messages may hold themselves, so it is known before it is compiled. */
interface Reader {
  read: Read;
}

/** Levels of messages that are read here; protobuf-es stops at a hundred. */
const levelsMax = 90;

/** Compiles the reader of a message type: what `fromBinary` makes of the bytes. Throws for bytes that are not written plainly, and for unknown fields. */
export function compileBinaryReader(desc: DescMessage): (bytes: Uint8Array) => Message {
  const reader = readerOf(desc, new Map());
  return (bytes) => reader.read(new Cursor(bytes), levelsMax) as Message;
}

const leave: Read = () => {
  throw uncommon;
};

function readerOf(desc: DescMessage, readers: Map<DescMessage, Reader>): Reader {
  let reader = readers.get(desc);
  if (reader !== undefined) return reader;
  readers.set(desc, (reader = { read: leave }));
  reader.read = wellKnown.get(desc.typeName) ?? messageRead(desc, readers);
  return reader;
}

function messageRead(desc: DescMessage, readers: Map<DescMessage, Reader>): Read {
  if (desc.fields.some((field) => field.number > numberMax || field.localName === "__proto__")) return leave;
  const fresh = compileNew(desc);
  const fields: (ReadField | undefined)[] = [];
  for (const field of desc.fields) for (const [tag, read] of fieldReads(field, readers)) fields[tag] = read;
  return (cursor, room) => {
    if (room === 0) throw uncommon;
    const message = fresh();
    while (cursor.at < cursor.end) {
      const read = fields[cursor.tag()];
      if (read === undefined) throw uncommon;
      read(cursor, message, room);
    }
    if (cursor.at > cursor.end) throw uncommon;
    return message;
  };
}

/** Reads what stands behind a length, with a reader that reads all of it. */
function within(cursor: Cursor, read: Read, room: number): unknown {
  const outer = cursor.enter();
  const value = read(cursor, room);
  cursor.end = outer;
  return value;
}

/** Strings and lists of strings, without a detour: most of what documents' meta data is. */
function readValue(cursor: Cursor, room: number): Value {
  if (room === 0) throw uncommon;
  const kind = readKind(cursor, room);
  // A second field would have to be merged.
  if (cursor.at !== cursor.end) throw uncommon;
  return { $typeName: "google.protobuf.Value", kind };
}

function readKind(cursor: Cursor, room: number): Value["kind"] {
  switch (cursor.tag()) {
    case 0x1a:
      return { case: "stringValue", value: cursor.text() };
    case 0x11:
      return { case: "numberValue", value: cursor.double() };
    case 0x20:
      return { case: "boolValue", value: cursor.bool() };
    case 0x32:
      return { case: "listValue", value: within(cursor, readListValue, room - 1) as ListValue };
    default:
      throw uncommon;
  }
}

function readListValue(cursor: Cursor, room: number): ListValue {
  if (room === 0) throw uncommon;
  const values: Value[] = [];
  while (cursor.at < cursor.end) {
    if (cursor.tag() !== 0x0a) throw uncommon;
    values.push(within(cursor, readValue, room - 1) as Value);
  }
  return { $typeName: "google.protobuf.ListValue", values };
}

const wellKnown: ReadonlyMap<string, Read> = new Map(
  Object.entries<Read>({
    "google.protobuf.Value": readValue,
    "google.protobuf.ListValue": readListValue,
  }),
);

/** The tags under which a field is read. */
function fieldReads(field: DescField, readers: Map<DescMessage, Reader>): [tag: number, read: ReadField][] {
  const { localName, number } = field;
  if (field.fieldKind === "map") return [[tagOf(number, WireType.Bytes), mapRead(field, readers)]];
  const read = elementRead(field, readers);
  if (field.fieldKind === "list") {
    const wireType = field.listKind === "message" ? WireType.Bytes : wireTypeOf(field.scalar ?? ScalarType.INT32);
    const one: ReadField = (cursor, message, room) => {
      (message[localName] as unknown[]).push(read(cursor, room));
    };
    if (wireType === WireType.Bytes) return [[tagOf(number, wireType), one]];
    const packed: ReadField = (cursor, message, room) => {
      const outer = cursor.enter();
      while (cursor.at < cursor.end) one(cursor, message, room);
      if (cursor.at > cursor.end) throw uncommon;
      cursor.end = outer;
    };
    return [
      [tagOf(number, wireType), one],
      [tagOf(number, WireType.Bytes), packed],
    ];
  }
  const tag = tagOf(number, field.fieldKind === "message" ? WireType.Bytes : wireTypeOf(field.scalar ?? ScalarType.INT32));
  if (field.oneof !== undefined) {
    const oneof = field.oneof.localName;
    return [
      [
        tag,
        (cursor, message, room) => {
          if ((message[oneof] as { case?: string }).case !== undefined) throw uncommon;
          message[oneof] = { case: localName, value: read(cursor, room) };
        },
      ],
    ];
  }
  if (field.fieldKind === "message") {
    return [
      [
        tag,
        (cursor, message, room) => {
          // A second one would have to be merged.
          if (message[localName] !== undefined) throw uncommon;
          message[localName] = read(cursor, room);
        },
      ],
    ];
  }
  return [
    [
      tag,
      (cursor, message, room) => {
        message[localName] = read(cursor, room);
      },
    ],
  ];
}

/** Reads a singular value, an item of a list or a value of a map. */
function elementRead(field: DescField, readers: Map<DescMessage, Reader>): Read {
  if (field.scalar !== undefined) {
    const read = scalars[field.scalar];
    return field.fieldKind !== "map" && field.longAsString ? (cursor, room) => String(read(cursor, room)) : read;
  }
  if (field.enum !== undefined) return enumRead(field.enum);
  const message = field.message!;
  // Groups, and a Struct that is held as a JSON object, are rare.
  if (("delimitedEncoding" in field && field.delimitedEncoding) || (message.typeName === "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value")) return leave;
  const reader = readerOf(message, readers);
  const child: Read = (cursor, room) => within(cursor, reader.read, room - 1);
  // A wrapper is held as its value, unless it stands in a oneof.
  if (field.fieldKind !== "message" || field.oneof !== undefined || !isWrapperDesc(message)) return child;
  const value = message.fields[0]!.localName;
  return (cursor, room) => (child(cursor, room) as Fields)[value];
}

function mapRead(field: DescField & { fieldKind: "map" }, readers: Map<DescMessage, Reader>): ReadField {
  const { localName } = field;
  const keyTag = tagOf(1, wireTypeOf(field.mapKey));
  const valueTag = tagOf(2, field.mapKind === "message" ? WireType.Bytes : wireTypeOf(field.scalar ?? ScalarType.INT32));
  const readKey = scalars[field.mapKey];
  const readValue = elementRead(field, readers);
  return (cursor, message, room) => {
    const outer = cursor.enter();
    if (cursor.tag() !== keyTag) throw uncommon;
    const key = readKey(cursor, room) as string;
    if (cursor.tag() !== valueTag || key === "__proto__") throw uncommon;
    const value = readValue(cursor, room);
    if (cursor.at !== cursor.end) throw uncommon;
    cursor.end = outer;
    (message[localName] as Fields)[key] = value;
  };
}

function enumRead(desc: DescEnum): Read {
  const int32 = scalars[ScalarType.INT32];
  if (desc.open) return int32;
  const known = new Set(desc.values.map((value) => value.number));
  return (cursor, room) => {
    const value = int32(cursor, room) as number;
    if (!known.has(value)) throw uncommon;
    return value;
  };
}

const scalars: Readonly<Record<ScalarType, Read>> = {
  [ScalarType.STRING]: (cursor) => cursor.text(),
  [ScalarType.BYTES]: (cursor) => cursor.slice(),
  [ScalarType.BOOL]: (cursor) => cursor.bool(),
  [ScalarType.DOUBLE]: (cursor) => cursor.double(),
  [ScalarType.FLOAT]: (cursor) => cursor.float(),
  [ScalarType.INT32]: (cursor) => cursor.uint32() | 0,
  [ScalarType.UINT32]: (cursor) => cursor.uint32(),
  [ScalarType.SINT32]: (cursor) => {
    const zigzag = cursor.uint32();
    return (zigzag >>> 1) ^ -(zigzag & 1);
  },
  [ScalarType.FIXED32]: (cursor) => cursor.fixed32(),
  [ScalarType.SFIXED32]: (cursor) => cursor.fixed32() | 0,
  [ScalarType.INT64]: (cursor) => BigInt.asIntN(64, cursor.uint64()),
  [ScalarType.UINT64]: (cursor) => cursor.uint64(),
  [ScalarType.SINT64]: (cursor) => {
    const zigzag = cursor.uint64();
    return (zigzag >> 1n) ^ -(zigzag & 1n);
  },
  [ScalarType.FIXED64]: (cursor) => cursor.fixed64(),
  [ScalarType.SFIXED64]: (cursor) => BigInt.asIntN(64, cursor.fixed64()),
};
