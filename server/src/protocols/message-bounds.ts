/** Tells messages that would take much time and memory for few bytes, whatever they are written in. */
import type { Codecs } from "../codec/codec.js";
import type { Failure } from "../errors.js";
import { jsonDepthMax, messageFieldsMax } from "../limits.js";
import { isUnbounded } from "./json-bounds.js";
import { faults, malformed } from "./malformed.js";
import type { Spelling } from "./protocol.js";

/** Messages of no more bytes than this, by what they are written in, have no room to be unbounded. */
export const boundlessBytesMax: Readonly<Record<Spelling["codec"], number>> = { json: jsonDepthMax, proto: messageFieldsMax };

/** What keeps a message, decompressed, from being read within bounds; undefined: nothing. */
export function faultOfBounds(input: Codecs, codec: Spelling["codec"], bytes: Uint8Array): Failure | undefined {
  if (bytes.length <= boundlessBytesMax[codec]) return undefined;
  if (codec === "json") return isUnbounded(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1")) ? malformed(faults.unbounded) : undefined;
  const fault = input.faultOfBinary(bytes);
  return fault && malformed(fault === "unbounded" ? faults.unbounded : faults.notFitting);
}
