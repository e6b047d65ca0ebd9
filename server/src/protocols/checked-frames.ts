/** Checks the frames of a streamed request as they come in, ahead of whoever takes them apart. */
import { fail, type Failure, Reason } from "../errors.js";
import { compressedFlag, frameHeadBytes } from "./frame.js";

/** What frames may be. */
export interface FrameBounds {
  /** Largest message, in bytes as sent. */
  readonly messageBytesMax: number;
  /** Compression that the call names; `identity`: none. */
  readonly encoding: string;
}

/**
 * Passes bytes on until a frame is not as it must be. Throws MESSAGE_TOO_LARGE as soon as a length says so, and
 * REQUEST_MALFORMED for flags that are not known, a message said to be compressed where the call names no compression,
 * and a stream that ends within a frame (gRPC over HTTP/2, Length-Prefixed-Message; Connect protocol, Enveloped-Message).
 */
export async function* checkedFrames(source: AsyncIterable<Uint8Array>, { messageBytesMax, encoding }: FrameBounds): AsyncGenerator<Uint8Array> {
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
      const broken = faultOf(head[0]!, missing, messageBytesMax, encoding);
      if (broken !== undefined) throw broken;
    }
    yield chunk;
  }
  if (headLength > 0 || missing > 0) throw malformed("the last message is cut off");
}

function faultOf(flags: number, length: number, messageBytesMax: number, encoding: string): Failure | undefined {
  if ((flags & ~compressedFlag) !== 0) return malformed("a message has a flag that is not known");
  if ((flags & compressedFlag) !== 0 && encoding === "identity") return malformed("a message says that it is compressed, the call does not say how");
  if (length > messageBytesMax) return fail(Reason.MESSAGE_TOO_LARGE, { bytesMax: String(messageBytesMax) }, { message: `a message may have at most ${messageBytesMax} bytes` });
  return undefined;
}

function malformed(message: string): Failure {
  return fail(Reason.REQUEST_MALFORMED, {}, { message });
}
