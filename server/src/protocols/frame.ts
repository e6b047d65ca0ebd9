/** Length-prefixed messages, as the gRPC family and Connect streams carry them. */
import { fail, Reason } from "../errors.js";

/** Flag of a compressed message; no other is known in a request. */
export const compressedFlag = 0x01;
/** Bytes ahead of a message: its flags, and its length in four bytes. */
export const frameHeadBytes = 5;

/** The one message of a body. Throws REQUEST_MALFORMED if there is not exactly one, whole. */
export function onlyMessage(body: Buffer, encoding: string): { bytes: Buffer; compressed: boolean } {
  if (body.length < frameHeadBytes) throw malformed(body.length === 0 ? "the call holds no message" : "the message is cut off");
  const flags = body[0]!;
  const end = frameHeadBytes + body.readUInt32BE(1);
  if (body.length < end) throw malformed("the message is shorter than it says");
  if (body.length > end) throw malformed("a unary call holds one message");
  if ((flags & ~compressedFlag) !== 0) throw malformed("the message has a flag that is not known");
  const compressed = (flags & compressedFlag) !== 0;
  if (compressed && encoding === "identity") throw malformed("the message says that it is compressed, the call does not say how");
  return { bytes: body.subarray(frameHeadBytes, end), compressed };
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

function malformed(message: string): Error {
  return fail(Reason.REQUEST_MALFORMED, {}, { message });
}
