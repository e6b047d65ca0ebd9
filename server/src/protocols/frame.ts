/** Length-prefixed messages, as the gRPC family and Connect streams carry them. */
import type { Failure } from "../errors.js";
import { faults, malformed, tooLarge } from "./malformed.js";

/** Flag of a compressed message; no other is known in a request. */
export const compressedFlag = 0x01;
/** Bytes ahead of a message: its flags, and its length in four bytes. */
export const frameHeadBytes = 5;

/** What frames may be. */
export interface FrameBounds {
  /** Largest message, in bytes as sent. */
  readonly messageBytesMax: number;
  /** Compression that the call names; `identity`: none. */
  readonly encoding: string;
}

/**
 * What is wrong with the head of a request's frame: flags that are not known, a message said to be compressed where the
 * call names no compression, or one that is longer than allowed (gRPC over HTTP/2, Length-Prefixed-Message; Connect
 * protocol, Enveloped-Message). Undefined: nothing.
 */
export function faultOfHead(flags: number, length: number, { messageBytesMax, encoding }: FrameBounds): Failure | undefined {
  if ((flags & ~compressedFlag) !== 0) return malformed(faults.flagUnknown);
  if ((flags & compressedFlag) !== 0 && encoding === "identity") return malformed(faults.compressionUnnamed);
  return length > messageBytesMax ? tooLarge(messageBytesMax) : undefined;
}

/** The one message of a body. Throws REQUEST_MALFORMED if there is not exactly one, whole; MESSAGE_TOO_LARGE. */
export function onlyMessage(body: Buffer, bounds: FrameBounds): { bytes: Buffer; compressed: boolean } {
  let count = 0;
  for (let at = 0; at < body.length; count++) {
    if (body.length < at + frameHeadBytes) throw malformed(faults.cutOff);
    const length = body.readUInt32BE(at + 1);
    const fault = faultOfHead(body[at]!, length, bounds);
    if (fault !== undefined) throw fault;
    at += frameHeadBytes + length;
    if (body.length < at) throw malformed(faults.cutOff);
  }
  if (count !== 1) throw malformed(count === 0 ? faults.noMessage : faults.moreMessages);
  return { bytes: body.subarray(frameHeadBytes), compressed: body[0] === compressedFlag };
}

/** A message with its head. */
export function prefixed(given: Uint8Array | string, compressed: boolean): Buffer {
  const message = typeof given === "string" ? Buffer.from(given) : given;
  const out = Buffer.allocUnsafe(frameHeadBytes + message.length);
  out[0] = compressed ? compressedFlag : 0;
  out.writeUInt32BE(message.length, 1);
  out.set(message, frameHeadBytes);
  return out;
}
