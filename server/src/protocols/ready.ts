/** Makes messages ready for connect-es, whatever they are written in: within bounds, and in the forms of ProtoJSON alone. */
import type { Codecs } from "../codec/codec.js";
import { messageFieldsMax } from "../limits.js";
import { parseJson } from "./json.js";
import { faults, malformed } from "./malformed.js";
import type { Spelling } from "./protocol.js";

/** Messages of no more bytes than this, by what they are written in, are ready as they come. */
export const readyBytesMax: Readonly<Record<Spelling["codec"], number>> = { json: 0, proto: messageFieldsMax };

/**
 * A message, decompressed, such that protobuf-es makes of it what the codec of unary calls would.
 * Throws REQUEST_MALFORMED for what would take much time and memory for few bytes, and for what is no message.
 */
export function ready(input: Codecs, codec: Spelling["codec"], bytes: Uint8Array): Uint8Array {
  if (bytes.length <= readyBytesMax[codec]) return bytes;
  if (codec === "json") return inForm(input, bytes);
  checkBinary(input, bytes);
  return bytes;
}

/** Throws REQUEST_MALFORMED for a message in binary that is out of bounds. */
export function checkBinary(input: Codecs, bytes: Uint8Array): void {
  const fault = input.faultOfBinary(bytes);
  if (fault !== undefined) throw malformed(fault === "unbounded" ? faults.unbounded : faults.notFitting);
}

function inForm(input: Codecs, bytes: Uint8Array): Uint8Array {
  const json = parseJson(bytes);
  try {
    return Buffer.from(JSON.stringify(input.inForm(json!)));
  } catch (cause) {
    throw malformed(faults.notFitting, cause);
  }
}
