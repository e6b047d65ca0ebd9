/** Checks the frames of a streamed request as they come in, ahead of whoever takes them apart. */
import { faultOfHead, type FrameBounds, frameHeadBytes } from "./frame.js";
import { faults, malformed } from "./malformed.js";

/**
 * Passes bytes on until a frame is not as it must be. Throws MESSAGE_TOO_LARGE as soon as a length says so, and
 * REQUEST_MALFORMED for flags that are not known, a message said to be compressed where the call names no compression,
 * and a stream that ends within a frame (gRPC over HTTP/2, Length-Prefixed-Message; Connect protocol, Enveloped-Message).
 */
export async function* checkedFrames(source: AsyncIterable<Uint8Array>, bounds: FrameBounds): AsyncGenerator<Uint8Array> {
  const head = Buffer.alloc(frameHeadBytes);
  let headLength = 0;
  let missing = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      if (missing > 0) {
        const taken = Math.min(missing, chunk.length - at);
        missing -= taken;
        at += taken;
        continue;
      }
      head[headLength++] = chunk[at++]!;
      if (headLength < frameHeadBytes) continue;
      headLength = 0;
      missing = head.readUInt32BE(1);
      const fault = faultOfHead(head[0]!, missing, bounds);
      if (fault !== undefined) throw fault;
    }
    yield chunk;
  }
  if (headLength > 0 || missing > 0) throw malformed(faults.cutOff);
}
