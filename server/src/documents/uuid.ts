/** Time-ordered ids: UUID version 7 (RFC 9562 section 5.7). */

/** Where ids come from. */
export interface UuidSource {
  /** Unix time in milliseconds. */
  readonly nowMs: () => number;
  /** Fills a buffer with random bytes. */
  readonly fillRandom: (bytes: Uint8Array) => void;
}

const randomBytes = 8;
const blockIds = 256;
const counterEnd = 0x1000;

/**
 * Makes ids of 16 bytes. Each is greater than all before it, also within one millisecond and when the clock steps back:
 * the twelve bits after the version count (RFC 9562 section 6.2, method 1), and a full count borrows the next millisecond.
 */
export function createUuids({ nowMs, fillRandom }: UuidSource): () => Uint8Array {
  const block = new Uint8Array(randomBytes * blockIds);
  let used = block.length;
  let lastMs = -1;
  let counter = 0;
  return () => {
    const now = nowMs();
    if (now > lastMs) {
      lastMs = now;
      counter = 0;
    } else if (++counter === counterEnd) {
      lastMs++;
      counter = 0;
    }
    if (used === block.length) {
      fillRandom(block);
      used = 0;
    }
    const id = new Uint8Array(16);
    const high = Math.floor(lastMs / 0x1_0000);
    id[0] = high >>> 24;
    id[1] = high >>> 16;
    id[2] = high >>> 8;
    id[3] = high;
    id[4] = (lastMs % 0x1_0000) >>> 8;
    id[5] = lastMs % 0x1_0000;
    id[6] = 0x70 | (counter >>> 8);
    id[7] = counter;
    id.set(block.subarray(used, used + randomBytes), 8);
    id[8] = 0x80 | (id[8]! & 0x3f);
    used += randomBytes;
    return id;
  };
}

/** The text form of an id, 36 characters. */
export function formatUuid(id: Uint8Array): string {
  const hex = Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
