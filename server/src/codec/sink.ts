/** Collects the bytes of a message in protobuf's binary encoding. */
import { uncommon } from "./uncommon.js";

/** Capacity a sink begins with, in bytes. */
const capacityMin = 4096;
/** Capacity a sink keeps between messages, in bytes. */
const capacityMax = 65_536;
/** Up to this many UTF-16 units, text is written here; beyond, the engine's own encoding is faster. */
const shortMax = 40;
/** A varint has at most this many bytes. */
const varintBytesMax = 10;
const twoTo32 = 4_294_967_296;

const none = Buffer.alloc(0);

/** A buffer that grows, used for one message after the other. */
export class Sink {
  #bytes = none;
  #at = 0;

  /** Forgets what was collected. */
  clear(): void {
    this.#at = 0;
  }

  /** What was collected, in bytes that nothing more is written to. */
  take(): Buffer {
    const bytes = this.#bytes;
    const kept = bytes.length <= capacityMax;
    if (!kept) this.#bytes = none;
    if (!kept && this.#at > bytes.length / 2) return bytes.subarray(0, this.#at);
    const taken = Buffer.allocUnsafe(this.#at);
    bytes.copy(taken, 0, 0, this.#at);
    return taken;
  }

  #reserve(length: number): void {
    const needed = this.#at + length;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2, capacityMin));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }

  /** A tag, or a varint that is known to have 32 bits. */
  uint32(value: number): void {
    this.#reserve(varintBytesMax);
    const bytes = this.#bytes;
    let at = this.#at;
    while (value > 0x7f) {
      bytes[at++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    bytes[at++] = value;
    this.#at = at;
  }

  /** A varint of 64 bits in two halves, each without a sign. */
  uint64(low: number, high: number): void {
    this.#reserve(varintBytesMax);
    const bytes = this.#bytes;
    let at = this.#at;
    while (high > 0 || low > 0x7f) {
      bytes[at++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    bytes[at++] = low;
    this.#at = at;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  fixed32(value: number): void {
    this.#reserve(4);
    this.#at = this.#bytes.writeUInt32LE(value, this.#at);
  }

  fixed64(value: bigint): void {
    this.#reserve(8);
    this.#at = this.#bytes.writeBigUInt64LE(value, this.#at);
  }

  float(value: number): void {
    this.#reserve(4);
    this.#at = this.#bytes.writeFloatLE(value, this.#at);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  /** Bytes behind their length. */
  slice(bytes: Uint8Array): void {
    this.uint32(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Text behind its length in bytes. A lone surrogate becomes the replacement character, as with TextEncoder. */
  text(text: string): void {
    const length = text.length;
    if (length <= shortMax) {
      this.#reserve(length + 1);
      const bytes = this.#bytes;
      let at = this.#at;
      bytes[at++] = length;
      let i = 0;
      for (; i < length; i++) {
        const unit = text.charCodeAt(i);
        if (unit > 0x7f) break;
        bytes[at++] = unit;
      }
      if (i === length) {
        this.#at = at;
        return;
      }
    }
    // A UTF-16 unit takes at most three bytes; above some length it pays to count instead.
    this.#reserve(2 * varintBytesMax + (length > capacityMin ? Buffer.byteLength(text) : length * 3));
    // Most text is ASCII, whose length is known.
    const head = varintBytes(length);
    const start = (this.#at += head);
    this.#at += this.#bytes.write(text, start, "utf8");
    this.#close(start, head);
  }

  /** Makes room for the length of what follows; hand the answer to `close`. */
  open(): number {
    this.#reserve(1);
    return ++this.#at;
  }

  /** Writes the length of what was collected since `open`. */
  close(start: number): void {
    this.#close(start, 1);
  }

  #close(start: number, head: number): void {
    const length = this.#at - start;
    const needed = varintBytes(length);
    if (needed !== head) {
      this.#reserve(needed);
      this.#bytes.copyWithin(start - head + needed, start, this.#at);
    }
    this.#at = start - head;
    this.uint32(length);
    this.#at += length;
  }

  /** A varint from a bigint of 64 bits; a negative one as its two's complement. */
  bigint(value: bigint): void {
    const number = Number(value);
    if (number >= 0 && number <= Number.MAX_SAFE_INTEGER) return this.uint64(number >>> 0, Math.floor(number / twoTo32));
    const bits = BigInt.asUintN(64, value);
    this.uint64(Number(bits & 0xffff_ffffn), Number(bits >> 32n));
  }
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

/** The value, if it is a bigint that fits 64 bits with a sign. Throws `uncommon`. */
export function int64(value: unknown): bigint {
  if (typeof value !== "bigint" || BigInt.asIntN(64, value) !== value) throw uncommon;
  return value;
}

/** The value, if it is a bigint that fits 64 bits without a sign. Throws `uncommon`. */
export function uint64(value: unknown): bigint {
  if (typeof value !== "bigint" || BigInt.asUintN(64, value) !== value) throw uncommon;
  return value;
}
