/** The frames of Connect streams: one byte of flags, four of length, then the message (connectrpc.com/docs/protocol, enveloped message). */

import { clientError } from "./error.js";

/** A frame. */
export interface Envelope {
  readonly flags: number;
  readonly data: Uint8Array;
}

/** The frame ends the stream: its JSON holds `error` and `metadata`. */
export const flagEnd = 2;

/** Bytes in front of each message. */
export const headBytes = 5;

/** Messages as one body. */
export function encodeEnvelopes(messages: readonly string[]): Blob {
  return new Blob(
    messages.flatMap((message) => {
      const data = new Blob([message]);
      const { size } = data;
      // Each element keeps its lowest eight bits.
      return [Uint8Array.of(0, size >>> 24, size >>> 16, size >>> 8, size), data];
    }),
  );
}

/** What is read from: `read` of a stream's reader. */
export type ReadChunk = () => Promise<{ readonly value?: Uint8Array | undefined }>;

/** Makes a reader of frames: each call gives the next one. Throws ParapetError (RESPONSE_MALFORMED) for a larger message, and Error where the body ends. */
export function createEnvelopeReader(read: ReadChunk, messageBytesMax: number): () => Promise<Envelope> {
  let held = new Uint8Array();

  const take = async (bytes: number): Promise<Uint8Array> => {
    const chunks = [held];
    let size = held.length;
    while (size < bytes) {
      const { value } = await read();
      if (!value) throw new Error("the stream ended early");
      chunks.push(value as Uint8Array<ArrayBuffer>);
      size += value.length;
    }
    // Joined once a whole frame is there, not at each chunk: that would copy a large message over and over.
    if (chunks[1]) held = new Uint8Array(await new Blob(chunks).arrayBuffer());
    const taken = held.subarray(0, bytes);
    held = held.subarray(bytes);
    return taken;
  };

  return async () => {
    const [flags = 0, ...digits] = await take(headBytes);
    const length = digits.reduce((sum, byte) => sum * 256 + byte);
    if (length > messageBytesMax) throw clientError("RESPONSE_MALFORMED", `a message of ${length} bytes is larger than ${messageBytesMax}`, { code: "resource_exhausted" });
    return { flags, data: await take(length) };
  };
}
