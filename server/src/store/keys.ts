/** Keys of the store: tuples that sort as their parts do, in which no name a user can type reaches into another's range. */
import { plain, roomFor } from "./slab.js";

/** One part of a key: text and bytes are escaped and ended, numbers are eight bytes big endian. */
export type Part = string | Uint8Array | bigint | number;

/**
 * Packs parts into a key. In text and bytes 0x00 becomes 0x00 0xFF and the end is 0x00 0x01 (the tuple encoding of
 * FoundationDB, shortened), so keys compare part by part, `["a"]` is never a prefix of `["ab"]`, and a range over all
 * keys that begin with some parts is `[pack(parts), pack(parts) + 0xFF…)`.
 */
export function pack(parts: readonly Part[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += lengthOf(part);
  const key = roomFor(length);
  let offset = 0;
  for (const part of parts) {
    if (typeof part === "string") offset = endFrame(key, offset, key.write(part, offset, "utf8"));
    else if (part instanceof Uint8Array) offset = (key.set(part, offset), endFrame(key, offset, part.length));
    else offset = writeInteger(key, offset, part);
  }
  return plain(key);
}

/** Length of a packed part, in bytes. */
function lengthOf(part: Part): number {
  if (typeof part === "string") return Buffer.byteLength(part, "utf8") + zerosOf(part) + 2;
  if (part instanceof Uint8Array) return part.length + part.reduce((zeros, byte) => (byte === 0 ? zeros + 1 : zeros), 0) + 2;
  return 8;
}

function zerosOf(text: string): number {
  let zeros = 0;
  for (let at = text.indexOf("\0"); at >= 0; at = text.indexOf("\0", at + 1)) zeros++;
  return zeros;
}

/** Escapes the `length` bytes at `offset` in place, ends them, and returns the offset behind. */
function endFrame(key: Uint8Array, offset: number, length: number): number {
  let end = offset + length;
  for (let i = offset; i < end; i++) {
    if (key[i] !== 0) continue;
    key.copyWithin(i + 2, i + 1, end);
    key[++i] = 0xff;
    end++;
  }
  key[end] = 0;
  key[end + 1] = 0x01;
  return end + 2;
}

function writeInteger(bytes: Buffer, offset: number, value: bigint | number): number {
  if (typeof value === "bigint") return bytes.writeBigUInt64BE(value, offset);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no part of a key`);
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), offset);
  return bytes.writeUInt32BE(value % 2 ** 32, offset + 4);
}

/** The range of all keys that begin with these parts. */
export function rangeOf(parts: readonly Part[]): { gte: Uint8Array; lt: Uint8Array } {
  const gte = pack(parts);
  return { gte, lt: after(gte) };
}

/** The first key that does not begin with `prefix`. */
export function after(prefix: Uint8Array): Uint8Array {
  for (let end = prefix.length; end > 0; end--) {
    const byte = prefix[end - 1]!;
    if (byte !== 0xff) {
      // Not `slice`: a Buffer's shares its bytes, and the prefix must stay as it is.
      const key = Uint8Array.from(prefix.subarray(0, end));
      key[end - 1] = byte + 1;
      return key;
    }
  }
  throw new RangeError("a prefix of 0xFF bytes has no end");
}

/** Reads the text or byte part at `offset`; returns it with the offset behind it. */
export function unpackBytes(key: Uint8Array, offset: number): { value: Uint8Array; next: number } {
  const out: number[] = [];
  for (let i = offset; i < key.length; i++) {
    const byte = key[i]!;
    if (byte !== 0) {
      out.push(byte);
    } else if (key[i + 1] === 0xff) {
      out.push(0);
      i++;
    } else {
      return { value: Uint8Array.from(out), next: i + 2 };
    }
  }
  throw new RangeError("a key part has no end");
}

/** Reads the integer part at `offset`. */
export function unpackInteger(key: Uint8Array, offset: number): bigint {
  return new DataView(key.buffer, key.byteOffset, key.byteLength).getBigUint64(offset);
}

/** Kinds of rows: the part that follows the tenant in every key. */
export const kinds = {
  layout: 0x01,
  auditRecord: 0x10,
  auditHead: 0x11,
  auditNode: 0x12,
  auditByRequest: 0x13,
  sealingKey: 0x18,
  user: 0x20,
  userByName: 0x21,
  grant: 0x22,
  apiKey: 0x23,
  apiKeyByUser: 0x24,
  limitOverride: 0x28,
  idempotency: 0x30,
  idempotencyByTime: 0x31,
  collection: 0x40,
  document: 0x41,
  documentByAddition: 0x42,
  documentByMeta: 0x43,
  documentByUpdate: 0x44,
  documentByExpiry: 0x45,
  revision: 0x46,
  sharedChanges: 0x7e,
  probe: 0x7f,
} as const;
