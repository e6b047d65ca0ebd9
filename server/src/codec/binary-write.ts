/** Writes messages in protobuf's binary encoding (protobuf.dev/programming-guides/encoding), fast where they hold what their type says. */
import { type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc, type ListValue, type Value } from "@bufbuild/protobuf/wkt";
import type { Fields } from "./new-message.js";
import { int64, Sink, uint64 } from "./sink.js";
import { uncommon } from "./uncommon.js";
import { numberMax, tagOf, WireType, wireTypeOf } from "./wire.js";

/** Writes one value. Throws `uncommon`. */
type Write = (sink: Sink, value: unknown) => void;

/** The writer of a message type. Messages may hold themselves, so it is known before it is compiled. */
interface Writer {
  write: Write;
}

/** Compiles the writer of a message type: the bytes that `toBinary` makes. Throws for a message that does not plainly hold what its type says, and for unknown fields. */
export function compileBinaryWriter(desc: DescMessage): (message: Message) => Uint8Array {
  const writer = writerOf(desc, new Map());
  const sink = new Sink();
  return (message) => {
    sink.clear();
    writer.write(sink, message);
    return sink.take();
  };
}

const leave: Write = () => {
  throw uncommon;
};

function writerOf(desc: DescMessage, writers: Map<DescMessage, Writer>): Writer {
  let writer = writers.get(desc);
  if (writer !== undefined) return writer;
  writers.set(desc, (writer = { write: leave }));
  writer.write = wellKnown.get(desc.typeName) ?? messageWrite(desc, writers);
  return writer;
}

/** One field of a message. */
interface Entry {
  readonly localName: string;
  readonly oneof: string | undefined;
  /** True if the field is absent where there is no property of its own. */
  readonly explicit: boolean;
  readonly required: boolean;
  /** The value that is not written; undefined if every value is. */
  readonly isZero: ((value: unknown) => boolean) | undefined;
  /** Writes tags too. */
  readonly write: Write;
}

// google.protobuf.FeatureSet.FieldPresence
const implicitPresence = 2;
const legacyRequired = 3;

function messageWrite(desc: DescMessage, writers: Map<DescMessage, Writer>): Write {
  const fields = desc.fields.toSorted((a, b) => a.number - b.number);
  if (fields.some((field) => field.number > numberMax)) return leave;
  const entries = fields.map((field): Entry => {
    const implicit = field.fieldKind !== "list" && field.fieldKind !== "map" && field.presence === implicitPresence;
    return {
      localName: field.localName,
      oneof: field.oneof?.localName,
      explicit: !implicit && field.fieldKind !== "list" && field.fieldKind !== "map",
      required: field.presence === legacyRequired,
      isZero: implicit ? zeroTest(field) : undefined,
      write: fieldWrite(field, writers),
    };
  });
  const { typeName } = desc;
  return (sink, given) => {
    const message = given as Fields;
    if (message["$typeName"] !== typeName || message["$unknown"] !== undefined) throw uncommon;
    for (let i = 0; i < entries.length; i++) {
      const { localName, oneof, explicit, required, isZero, write } = entries[i]!;
      if (oneof !== undefined) {
        const chosen = message[oneof] as { case: string | undefined; value: unknown };
        if (chosen.case === localName) write(sink, chosen.value);
        continue;
      }
      const value = message[localName];
      if (explicit) {
        if (value !== undefined && Object.hasOwn(message, localName)) write(sink, value);
        else if (required) throw uncommon;
      } else if (isZero === undefined || !isZero(value)) write(sink, value);
    }
  };
}

function zeroTest(field: DescField): (value: unknown) => boolean {
  if (field.fieldKind === "enum") {
    const zero = field.enum.values[0]!.number;
    return (value) => value === zero;
  }
  return zeroTests[field.scalar!] ?? ((value) => value === 0);
}

const isZeroBigint = (value: unknown): boolean => value === 0n;
const isPlusZero = (value: unknown): boolean => Object.is(value, 0);

const zeroTests: Readonly<Partial<Record<ScalarType, (value: unknown) => boolean>>> = {
  [ScalarType.STRING]: (value) => value === "",
  [ScalarType.BOOL]: (value) => value === false,
  [ScalarType.BYTES]: (value) => value instanceof Uint8Array && value.length === 0,
  [ScalarType.DOUBLE]: isPlusZero,
  [ScalarType.FLOAT]: isPlusZero,
  [ScalarType.INT64]: isZeroBigint,
  [ScalarType.SINT64]: isZeroBigint,
  [ScalarType.SFIXED64]: isZeroBigint,
  [ScalarType.UINT64]: isZeroBigint,
  [ScalarType.FIXED64]: isZeroBigint,
};

function fieldWrite(field: DescField, writers: Map<DescMessage, Writer>): Write {
  if (field.fieldKind === "map") return mapWrite(field, writers);
  const write = elementWrite(field, writers);
  const wireType = field.message !== undefined ? WireType.Bytes : wireTypeOf(field.scalar ?? ScalarType.INT32);
  const tag = tagOf(field.number, wireType);
  if (field.fieldKind !== "list") {
    return (sink, value) => {
      sink.uint32(tag);
      write(sink, value);
    };
  }
  if (!field.packed) {
    return (sink, value) => {
      const items = value as readonly unknown[];
      for (let i = 0; i < items.length; i++) {
        sink.uint32(tag);
        write(sink, items[i]);
      }
    };
  }
  const packedTag = tagOf(field.number, WireType.Bytes);
  return (sink, value) => {
    const items = value as readonly unknown[];
    if (items.length === 0) return;
    sink.uint32(packedTag);
    const start = sink.open();
    for (let i = 0; i < items.length; i++) write(sink, items[i]);
    sink.close(start);
  };
}

/** Writes a singular value, an item of a list or a value of a map, without its tag. */
function elementWrite(field: DescField, writers: Map<DescMessage, Writer>): Write {
  if (field.scalar !== undefined) return scalars[field.scalar];
  if (field.enum !== undefined) return scalars[ScalarType.INT32];
  const message = field.message!;
  // Groups, and what is held in another form than its message, are rare.
  if ("delimitedEncoding" in field && field.delimitedEncoding) return leave;
  if (message.typeName === "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value") return leave;
  if (field.fieldKind === "message" && field.oneof === undefined && isWrapperDesc(message)) return leave;
  const writer = writerOf(message, writers);
  return (sink, value) => {
    const start = sink.open();
    writer.write(sink, value);
    sink.close(start);
  };
}

function mapWrite(field: DescField & { fieldKind: "map" }, writers: Map<DescMessage, Writer>): Write {
  const tag = tagOf(field.number, WireType.Bytes);
  const keyTag = tagOf(1, wireTypeOf(field.mapKey));
  const valueTag = tagOf(2, field.mapKind === "message" ? WireType.Bytes : wireTypeOf(field.scalar ?? ScalarType.INT32));
  const keyOf = mapKeys[field.mapKey] ?? intKey;
  const writeKey = scalars[field.mapKey];
  const writeValue = elementWrite(field, writers);
  return (sink, map) => {
    const keys = Object.keys(map as Fields);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      sink.uint32(tag);
      const start = sink.open();
      sink.uint32(keyTag);
      writeKey(sink, keyOf(key));
      sink.uint32(valueTag);
      writeValue(sink, (map as Fields)[key]);
      sink.close(start);
    }
  };
}

/** Keys are properties, so text; here is what they stand for. */
const intKey = (key: string): number => {
  if (!/^-?\d{1,10}$/.test(key)) throw uncommon;
  return Number(key);
};
const longKey = (key: string): bigint => {
  if (!/^-?\d{1,20}$/.test(key)) throw uncommon;
  return BigInt(key);
};
const mapKeys: Readonly<Partial<Record<ScalarType, (key: string) => unknown>>> = {
  [ScalarType.STRING]: (key) => key,
  [ScalarType.BOOL]: (key) => (key === "true" ? true : key === "false" ? false : key),
  [ScalarType.INT64]: longKey,
  [ScalarType.SINT64]: longKey,
  [ScalarType.SFIXED64]: longKey,
  [ScalarType.UINT64]: longKey,
  [ScalarType.FIXED64]: longKey,
};

function writeValue(sink: Sink, given: unknown): void {
  const { $typeName, $unknown, kind } = given as Value;
  if ($typeName !== "google.protobuf.Value" || $unknown !== undefined) throw uncommon;
  switch (kind.case) {
    case "stringValue":
      sink.byte(0x1a);
      return scalars[ScalarType.STRING](sink, kind.value);
    case "numberValue":
      sink.byte(0x11);
      return scalars[ScalarType.DOUBLE](sink, kind.value);
    case "boolValue":
      sink.byte(0x20);
      return scalars[ScalarType.BOOL](sink, kind.value);
    case "listValue": {
      sink.byte(0x32);
      const start = sink.open();
      writeListValue(sink, kind.value);
      return sink.close(start);
    }
    case undefined:
      return;
    default:
      throw uncommon;
  }
}

function writeListValue(sink: Sink, given: unknown): void {
  const { $typeName, $unknown, values } = given as ListValue;
  if ($typeName !== "google.protobuf.ListValue" || $unknown !== undefined) throw uncommon;
  for (let i = 0; i < values.length; i++) {
    sink.byte(0x0a);
    const start = sink.open();
    writeValue(sink, values[i]);
    sink.close(start);
  }
}

const wellKnown: ReadonlyMap<string, Write> = new Map(
  Object.entries<Write>({
    "google.protobuf.Value": writeValue,
    "google.protobuf.ListValue": writeListValue,
  }),
);

/** The value, if it is a whole number of 32 bits with a sign. */
function int32(value: unknown): number {
  if (typeof value !== "number" || (value | 0) !== value) throw uncommon;
  return value;
}

/** The value, if it is a whole number of 32 bits without a sign. */
function uint32(value: unknown): number {
  if (typeof value !== "number" || value >>> 0 !== value) throw uncommon;
  return value;
}

function float64(value: unknown): number {
  if (typeof value !== "number") throw uncommon;
  return value;
}

const scalars: Readonly<Record<ScalarType, Write>> = {
  [ScalarType.STRING]: (sink, value) => {
    if (typeof value !== "string") throw uncommon;
    sink.text(value);
  },
  [ScalarType.BYTES]: (sink, value) => {
    if (!(value instanceof Uint8Array)) throw uncommon;
    sink.slice(value);
  },
  [ScalarType.BOOL]: (sink, value) => {
    if (typeof value !== "boolean") throw uncommon;
    sink.byte(value ? 1 : 0);
  },
  [ScalarType.DOUBLE]: (sink, value) => sink.double(float64(value)),
  [ScalarType.FLOAT]: (sink, value) => {
    const number = float64(value);
    // A number too large for a float is an error, and protobuf-es has the words for it.
    if (Number.isFinite(number) && !Number.isFinite(Math.fround(number))) throw uncommon;
    sink.float(number);
  },
  [ScalarType.INT32]: (sink, value) => {
    const number = int32(value);
    // Negative numbers are sign-extended to 64 bits.
    if (number < 0) sink.uint64(number >>> 0, 0xffff_ffff);
    else sink.uint32(number);
  },
  [ScalarType.UINT32]: (sink, value) => sink.uint32(uint32(value)),
  [ScalarType.SINT32]: (sink, value) => {
    const number = int32(value);
    sink.uint32(((number << 1) ^ (number >> 31)) >>> 0);
  },
  [ScalarType.FIXED32]: (sink, value) => sink.fixed32(uint32(value)),
  [ScalarType.SFIXED32]: (sink, value) => sink.fixed32(int32(value) >>> 0),
  [ScalarType.INT64]: (sink, value) => sink.bigint(int64(value)),
  [ScalarType.UINT64]: (sink, value) => sink.bigint(uint64(value)),
  [ScalarType.SINT64]: (sink, value) => {
    const number = int64(value);
    sink.bigint((number << 1n) ^ (number >> 63n));
  },
  [ScalarType.FIXED64]: (sink, value) => sink.fixed64(uint64(value)),
  [ScalarType.SFIXED64]: (sink, value) => sink.fixed64(BigInt.asUintN(64, int64(value))),
};
