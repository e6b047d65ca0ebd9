/** Tells binary messages that would take much time and memory for few bytes, before they are read. */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { messageFieldsMax, packedNumbersPerField } from "../limits.js";
import { WireType, wireTypeOf } from "./wire.js";

/** `unbounded`: more fields than the server takes. `unfit`: no encoding of the message, as far as it was looked at. */
export type BinaryFault = "unbounded" | "unfit";

/** Goes past a field behind its tag. Throws `unbounded` or `unfit`. */
type Pass = (walk: Walk, wireType: number, number: number) => void;

/** How to go past the fields of a message type, by number; any other is skipped. */
type Passes = ReadonlyMap<number, Pass>;

const startGroup = 3;
const endGroup = 4;
/** Where protobuf-es stops. */
const depthMax = 100;

/**
 * Compiles the bounds of a message type. It counts what stands in the bytes as every reader of it does, known or not: a field
 * that is not written as its type is has no meaning, and a reader might take more for it than was counted.
 */
export function compileBinaryBounds(desc: DescMessage, fieldsMax = messageFieldsMax): (bytes: Uint8Array) => BinaryFault | undefined {
  const passes = passesOf(desc, new Map());
  return (bytes) => {
    try {
      new Walk(bytes, fieldsMax * packedNumbersPerField).message(passes, bytes.length);
      return undefined;
    } catch (thrown) {
      return thrown === unbounded ? "unbounded" : "unfit";
    }
  };
}

/** A place in a message, and how much may still come. */
class Walk {
  at = 0;
  #end: number;
  #room: number;
  #depth = 0;

  constructor(
    private readonly bytes: Uint8Array,
    room: number,
  ) {
    this.#room = room;
    this.#end = bytes.length;
  }

  /** The fields up to an end. */
  message(passes: Passes, end: number): void {
    const outer = this.#enter(end);
    while (this.at < end) {
      const tag = this.#tag();
      this.#field(passes, tag & 7, tag >>> 3);
    }
    this.#leave(outer);
  }

  /** A message behind its length. */
  child(passes: Passes): void {
    this.message(passes, this.#length());
  }

  /** The fields up to the end of a group. */
  group(passes: Passes, number: number): void {
    const outer = this.#enter(this.#end);
    for (;;) {
      const tag = this.#tag();
      if ((tag & 7) !== endGroup) this.#field(passes, tag & 7, tag >>> 3);
      else if (tag >>> 3 === number) break;
      else throw unfit;
    }
    this.#leave(outer);
  }

  /** Numbers in one piece. */
  packed(wireType: WireType): void {
    const end = this.#length();
    if (wireType === WireType.Varint) {
      const outer = this.#enter(end);
      for (; this.at < end; this.#spend(1)) this.#varint();
      this.#leave(outer);
    } else {
      const width = wireType === WireType.Bit32 ? 4 : 8;
      if ((end - this.at) % width !== 0) throw unfit;
      this.#spend((end - this.at) / width);
      this.at = end;
    }
  }

  /** A value whose type is not asked for. */
  skip(wireType: number, number: number): void {
    switch (wireType) {
      case WireType.Varint:
        this.#varint();
        return;
      case WireType.Bit64:
        return this.#to(this.at + 8);
      case WireType.Bytes:
        return this.#to(this.#length());
      case WireType.Bit32:
        return this.#to(this.at + 4);
      case startGroup:
        return this.group(none, number);
      default:
        throw unfit;
    }
  }

  #field(passes: Passes, wireType: number, number: number): void {
    this.#spend(packedNumbersPerField);
    const pass = passes.get(number);
    if (pass === undefined) this.skip(wireType, number);
    else pass(this, wireType, number);
  }

  #spend(much: number): void {
    if ((this.#room -= much) < 0) throw unbounded;
  }

  #enter(end: number): number {
    if (++this.#depth > depthMax) throw unfit;
    const outer = this.#end;
    this.#end = end;
    return outer;
  }

  #leave(outer: number): void {
    this.#depth--;
    this.#end = outer;
  }

  /** A tag: a varint of 32 bits, whose field number is not 0. */
  #tag(): number {
    const from = this.at;
    const tag = this.#varint();
    const length = this.at - from;
    if (tag >>> 3 === 0 || length > 5 || (length === 5 && this.bytes[this.at - 1]! > 0x0f)) throw unfit;
    return tag;
  }

  /** Reads a length; gives where it leads. */
  #length(): number {
    const length = this.#varint();
    const end = this.at + length;
    if (end > this.#end) throw unfit;
    return end;
  }

  #to(end: number): void {
    if (end > this.#end) throw unfit;
    this.at = end;
  }

  /** The low 32 bits of a varint. */
  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= this.#end) throw unfit;
      const byte = this.bytes[this.at++]!;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw unfit;
  }
}

const unbounded = new Error("more fields than may be");
const unfit = new Error("no encoding of the message");
const none: Passes = new Map();

/** Messages may hold themselves, so a type's fields are known before they are compiled. */
function passesOf(desc: DescMessage, types: Map<DescMessage, Map<number, Pass>>): Passes {
  const known = types.get(desc);
  if (known !== undefined) return known;
  const passes = new Map<number, Pass>();
  types.set(desc, passes);
  for (const field of desc.fields) passes.set(field.number, passOf(field, types));
  return passes;
}

function passOf(field: DescField, types: Map<DescMessage, Map<number, Pass>>): Pass {
  if (field.fieldKind === "map") return only(WireType.Bytes, childOf(entryOf(field, types)));
  const { message } = field;
  if (message !== undefined) {
    const passes = passesOf(message, types);
    const delimited = "delimitedEncoding" in field && field.delimitedEncoding;
    return delimited ? only(startGroup, (walk, _wireType, number) => walk.group(passes, number)) : only(WireType.Bytes, childOf(passes));
  }
  const wireType = wireTypeOf(field.scalar ?? ScalarType.INT32);
  const one = only(wireType, skip);
  if (field.fieldKind !== "list" || wireType === WireType.Bytes) return one;
  return (walk, given, number) => (given === WireType.Bytes ? walk.packed(wireType) : one(walk, given, number));
}

/** A map is a list of messages of a key and a value. */
function entryOf(field: DescField & { fieldKind: "map" }, types: Map<DescMessage, Map<number, Pass>>): Passes {
  const value = field.message === undefined ? only(wireTypeOf(field.scalar ?? ScalarType.INT32), skip) : only(WireType.Bytes, childOf(passesOf(field.message, types)));
  return new Map([
    [1, only(wireTypeOf(field.mapKey), skip)],
    [2, value],
  ]);
}

const childOf = (passes: Passes): Pass => (walk) => walk.child(passes);
const skip: Pass = (walk, wireType, number) => walk.skip(wireType, number);

function only(wireType: number, pass: Pass): Pass {
  return (walk, given, number) => {
    if (given !== wireType) throw unfit;
    pass(walk, given, number);
  };
}
