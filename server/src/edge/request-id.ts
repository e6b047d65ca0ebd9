/** Fresh request ids. */
import { randomFillSync } from "node:crypto";

const timeBytes = 6;
const randomBytes = 10;
const uuidChars = 36;
/** Ids whose random bytes are drawn at a time. */
const drawnAtATime = 256;

const hexDigits = Buffer.from("0123456789abcdef");
const dash = 0x2d;

/**
 * Makes a function that gives fresh UUIDs of version 7 (RFC 9562 section 5.7), 36 characters in lower case: the time in
 * milliseconds, then 74 random bits. Records are found by the ids of their requests, and what begins with the time is added at
 * one end of that index: scattered over it, each would have a page of its own copied and synced, a third of what a small
 * change costs.
 *
 * Each is one flat string: those of `crypto.randomUUID` are trees of sixteen pieces, which live as long as the stream that
 * they were sent on.
 */
export function createRequestIds(nowMs: () => number = Date.now): () => string {
  const random = Buffer.allocUnsafeSlow(randomBytes * drawnAtATime);
  const text = Buffer.allocUnsafeSlow(uuidChars);
  const time = Buffer.allocUnsafeSlow(timeBytes);
  let written = -1;
  let at = random.length;

  /** Writes bytes as digits, a dash ahead of those that begin a group; returns the offset behind. */
  const write = (bytes: Buffer, from: number, count: number, first: number, to: number): number => {
    for (let i = 0; i < count; i++) {
      const byte = first + i;
      if (byte === 4 || byte === 6 || byte === 8 || byte === 10) text[to++] = dash;
      const value = bytes[from + i]!;
      text[to++] = hexDigits[value >> 4]!;
      text[to++] = hexDigits[value & 0x0f]!;
    }
    return to;
  };

  return () => {
    const now = nowMs();
    if (now !== written) {
      time.writeUIntBE(now, 0, timeBytes);
      write(time, 0, timeBytes, 0, 0);
      written = now;
    }
    if (at === random.length) {
      randomFillSync(random);
      at = 0;
    }
    random[at] = (random[at]! & 0x0f) | 0x70;
    random[at + 2] = (random[at + 2]! & 0x3f) | 0x80;
    write(random, at, randomBytes, timeBytes, timeChars);
    at += randomBytes;
    return text.toString("latin1");
  };
}

/** Twelve digits and the dash between them. */
const timeChars = 13;
