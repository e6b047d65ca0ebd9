/** Fresh request ids. */
import { randomFillSync } from "node:crypto";

const uuidBytes = 16;
const uuidChars = 36;
/** Ids whose random bytes are drawn at a time. */
const drawnAtATime = 256;

const hexDigits = Buffer.from("0123456789abcdef");
const dash = 0x2d;

/**
 * Makes a function that gives fresh UUIDs of version 4 (RFC 9562 section 5.4), 36 characters in lower case.
 *
 * Each is one flat string: those of `crypto.randomUUID` are trees of sixteen pieces, which live as long as the stream that
 * they were sent on.
 */
export function createRequestIds(): () => string {
  const random = Buffer.allocUnsafeSlow(uuidBytes * drawnAtATime);
  const text = Buffer.allocUnsafeSlow(uuidChars);
  let at = random.length;
  return () => {
    if (at === random.length) {
      randomFillSync(random);
      at = 0;
    }
    random[at + 6] = (random[at + 6]! & 0x0f) | 0x40;
    random[at + 8] = (random[at + 8]! & 0x3f) | 0x80;
    for (let byte = 0, to = 0; byte < uuidBytes; byte++) {
      if (byte === 4 || byte === 6 || byte === 8 || byte === 10) text[to++] = dash;
      const value = random[at++]!;
      text[to++] = hexDigits[value >> 4]!;
      text[to++] = hexDigits[value & 0x0f]!;
    }
    return text.toString("latin1");
  };
}
