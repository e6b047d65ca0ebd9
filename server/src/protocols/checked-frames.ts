/** Checks the frames of a request as they come in, ahead of whoever takes them apart. */
import { Failure } from "../errors.js";
import { unpack } from "./codings.js";
import { compressedFlag, faultOfHead, type FrameBounds, frameHeadBytes, prefixed } from "./frame.js";
import { faults, malformed } from "./malformed.js";
import type { Coding } from "./protocol.js";

/** What frames and their messages may be. */
export interface MessageBounds extends FrameBounds {
  /** Messages of no more bytes are ready as they come. */
  readonly readyBytesMax: number;
  /** What is passed on of a message, decompressed. Throws what keeps it from being read. */
  readonly ready: (message: Uint8Array) => Uint8Array;
}

/**
 * Passes bytes on until a frame is not as it must be. Throws MESSAGE_TOO_LARGE as soon as a length says so, and
 * REQUEST_MALFORMED for flags that are not known, a message said to be compressed where the call names no compression,
 * one that cannot be decompressed, and a stream that ends within a frame (gRPC over HTTP/2, Length-Prefixed-Message; Connect
 * protocol, Enveloped-Message). Messages that must be made ready are kept until they are whole, and passed on decompressed.
 */
export async function* checkedFrames(source: AsyncIterable<Uint8Array>, bounds: MessageBounds): AsyncGenerator<Uint8Array> {
  const head = Buffer.alloc(frameHeadBytes);
  let headLength = 0;
  let missing = 0;
  /** What there is of a message that must be made ready. */
  let kept: Uint8Array[] | undefined;
  for await (const chunk of source) {
    /** Of the chunk, what was passed on, or is kept. */
    let passed = 0;
    let at = 0;
    for (;;) {
      if (missing > 0) {
        if (at === chunk.length) break;
        const taken = Math.min(missing, chunk.length - at);
        missing -= taken;
        at += taken;
        if (kept === undefined) continue;
        kept.push(chunk.subarray(passed, at));
        passed = at;
      }
      if (kept !== undefined) {
        if (missing > 0) break;
        const message = Buffer.concat(kept);
        yield prefixed(bounds.ready(head[0] === compressedFlag ? await unpacked(message, bounds.encoding, bounds.messageBytesMax) : message), false);
        kept = undefined;
      }
      if (at === chunk.length) break;
      head[headLength++] = chunk[at++]!;
      if (headLength < frameHeadBytes) continue;
      headLength = 0;
      missing = head.readUInt32BE(1);
      const fault = faultOfHead(head[0]!, missing, bounds);
      if (fault !== undefined) throw fault;
      if (head[0] !== compressedFlag && missing <= bounds.readyBytesMax) {
        if (at < frameHeadBytes) yield Buffer.from(head.subarray(0, frameHeadBytes - at));
        continue;
      }
      if (at - frameHeadBytes > passed) yield chunk.subarray(passed, at - frameHeadBytes);
      passed = at;
      kept = [];
    }
    // A head that is not whole waits: what follows it decides.
    const end = chunk.length - Math.min(headLength, chunk.length);
    if (end > passed) yield chunk.subarray(passed, end);
  }
  if (headLength > 0 || missing > 0) throw malformed(faults.cutOff);
}

/** A message as it was before it was compressed. Throws MESSAGE_TOO_LARGE and REQUEST_MALFORMED. */
export function unpacked(message: Buffer, encoding: string, messageBytesMax: number): Promise<Buffer> {
  if (encoding === "identity" || message.length === 0) return Promise.resolve(message);
  return new Promise((resolve, reject) => unpack(encoding as Coding, message, messageBytesMax, (plain) => (plain instanceof Failure ? reject(plain) : resolve(plain))));
}
