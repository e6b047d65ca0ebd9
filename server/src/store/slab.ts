/** Room for bytes that do not live long, many of them in one piece of memory: an allocation of its own costs more than what most are made for. */

/** Bytes of a piece. What is kept out of it keeps all of it. */
const slabBytes = 32 * 1024;
/** What is longer has memory of its own. */
const sharedMax = slabBytes / 8;

let slab = Buffer.allocUnsafeSlow(slabBytes);
let used = 0;

/**
 * Room for `length` bytes that the caller fills, all of them: what lay there before is still in it. Whoever keeps few such bytes for long
 * copies them first.
 */
export function roomFor(length: number): Buffer {
  if (length > sharedMax) return Buffer.allocUnsafeSlow(length);
  if (used + length > slabBytes) {
    slab = Buffer.allocUnsafeSlow(slabBytes);
    used = 0;
  }
  const room = slab.subarray(used, used + length);
  // As far apart as numbers lie, so that two may be read as such.
  used = (used + length + 7) & ~7;
  return room;
}

/** The same bytes elsewhere. */
export function copyOf(bytes: Uint8Array): Buffer {
  const room = roomFor(bytes.length);
  room.set(bytes);
  return room;
}

/** The same bytes without Buffer's own ideas, such as a `slice` that does not copy. */
export function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
