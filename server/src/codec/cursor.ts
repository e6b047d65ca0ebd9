/** Walks over bytes in protobuf's binary encoding, one plain value at a time. */
import { uncommon } from "./uncommon.js";

/** Up to this many bytes, text is put together here; beyond, the engine's own decoding is faster. */
const shortMax = 16;
const twoTo32 = 4_294_967_296;

/** A place in a message. Reading past the end is noticed by whoever compares `at` with `end`; every method but that throws `uncommon`. */
export class Cursor {
  at = 0;
  /** Where the message that is being read ends. */
  end: number;
  readonly #buffer: Buffer;

  constructor(private readonly bytes: Uint8Array) {
    this.#buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
  }

  /** A tag of one or two bytes. */
  tag(): number {
    const low = this.#buffer[this.at++]!;
    if (low < 0x80) return low;
    const high = this.#buffer[this.at++]!;
    if (high < 0x80) return (high << 7) | (low & 0x7f);
    throw uncommon;
  }

  /** Reads a length, makes it the end, gives the end there was. */
  enter(): number {
    const outer = this.end;
    const end = this.uint32() + this.at;
    // Written so that a length that is not a number, at the end of the bytes, fails too.
    if (!(end <= outer)) throw uncommon;
    this.end = end;
    return outer;
  }

  /** The low 32 bits of a varint. */
  uint32(): number {
    const buffer = this.#buffer;
    let byte = buffer[this.at++]!;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      byte = buffer[this.at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    for (let more = 0; more < 5; more++) if (buffer[this.at++]! < 0x80) return value >>> 0;
    throw uncommon;
  }

  /** A varint of 64 bits. */
  uint64(): bigint {
    const buffer = this.#buffer;
    let low = 0;
    // Four bytes hold 28 bits, and so do the next four; what is above is for the largest and for negative numbers.
    for (let i = 0; i < 4; i++) {
      const byte = buffer[this.at++]!;
      low |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) return BigInt(low);
    }
    let middle = 0;
    for (let i = 0; i < 4; i++) {
      const byte = buffer[this.at++]!;
      middle |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) return bigOf(low, middle, 0);
    }
    const ninth = buffer[this.at++]!;
    if (ninth < 0x80) return bigOf(low, middle, ninth);
    const tenth = buffer[this.at++]!;
    if (tenth > 1 || tenth === undefined) throw uncommon;
    return bigOf(low, middle, (ninth & 0x7f) | (tenth << 7));
  }

  bool(): boolean {
    const byte = this.#buffer[this.at++]!;
    if (byte > 1) throw uncommon;
    return byte === 1;
  }

  fixed32(): number {
    const at = this.#skip(4);
    return this.#buffer.readUInt32LE(at);
  }

  fixed64(): bigint {
    const at = this.#skip(8);
    return this.#buffer.readBigUInt64LE(at);
  }

  float(): number {
    const at = this.#skip(4);
    return this.#buffer.readFloatLE(at);
  }

  double(): number {
    const at = this.#skip(8);
    return this.#buffer.readDoubleLE(at);
  }

  /** A view of bytes, of the same kind as those that are read. */
  slice(): Uint8Array {
    const length = this.uint32();
    const at = this.#skip(length);
    return this.bytes.subarray(at, at + length);
  }

  /** Text. Text with a replacement character may come from bytes that are not UTF-8 and is uncommon. */
  text(): string {
    const length = this.uint32();
    const at = this.#skip(length);
    const buffer = this.#buffer;
    if (length <= shortMax) {
      const text = shortText(buffer, at, this.at);
      if (text !== undefined) return text;
    }
    const text = buffer.toString("utf8", at, this.at);
    if (text.includes("\ufffd")) throw uncommon;
    return text;
  }

  /** Steps over bytes that must be there; gives where they begin. */
  #skip(length: number): number {
    const at = this.at;
    if (!((this.at += length) <= this.end)) throw uncommon;
    return at;
  }
}

/** ASCII text, four characters at a time; undefined if it is not ASCII. */
function shortText(bytes: Uint8Array, from: number, to: number): string | undefined {
  let text = "";
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const a = bytes[i]!;
    const b = bytes[i + 1]!;
    const c = bytes[i + 2]!;
    const d = bytes[i + 3]!;
    if ((a | b | c | d) > 0x7f) return undefined;
    text += String.fromCharCode(a, b, c, d);
  }
  for (; i < to; i++) {
    const byte = bytes[i]!;
    if (byte > 0x7f) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** 28 bits, 28 bits above, 8 bits on top. */
function bigOf(low: number, middle: number, top: number): bigint {
  const above = (middle >>> 4) + top * 16_777_216;
  const below = (low + (middle & 0xf) * 268_435_456) >>> 0;
  return above < 2_097_152 ? BigInt(above * twoTo32 + below) : (BigInt(above) << 32n) | BigInt(below);
}
