/** The frames of Connect streams: one byte of flags, four of length, then the message (connectrpc.com/docs/protocol, enveloped message). */

/** A frame. */
export interface Envelope {
  readonly flags: number;
  readonly data: Uint8Array;
}

/** The message is compressed. */
export const flagCompressed = 1;
/** The frame ends the stream: its JSON holds `error` and `metadata`. */
export const flagEnd = 2;

const headBytes = 5;

/** Messages as one body. */
export function encodeEnvelopes(messages: readonly string[]): Uint8Array<ArrayBuffer> {
  const encoded = messages.map((message) => new TextEncoder().encode(message));
  const body = new Uint8Array(encoded.reduce((bytes, { length }) => bytes + headBytes + length, 0));
  const view = new DataView(body.buffer);
  let at = 0;
  for (const data of encoded) {
    view.setUint32(at + 1, data.length);
    body.set(data, at + headBytes);
    at += headBytes + data.length;
  }
  return body;
}

/** What is read from: `read` of a stream's reader. */
export type ReadChunk = () => Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;

/** Makes a reader of frames: each call gives the next one, or undefined where the body ends between two. Throws RangeError for a larger message, and Error where the body ends inside one. */
export function createEnvelopeReader(read: ReadChunk, messageBytesMax: number): () => Promise<Envelope | undefined> {
  let chunks: Uint8Array[] = [];
  let held = 0;
  let ended = false;

  const fill = async (bytes: number): Promise<boolean> => {
    while (held < bytes && !ended) {
      const { done, value } = await read();
      if (done) ended = true;
      else if (value) {
        chunks.push(value);
        held += value.length;
      }
    }
    return held >= bytes;
  };
  // Joins once a whole frame is there, not at each chunk: that would copy a large message over and over.
  const take = (bytes: number): Uint8Array => {
    const all = chunks.length === 1 ? chunks[0]! : new Uint8Array(held);
    if (chunks.length !== 1) {
      let at = 0;
      for (const chunk of chunks) {
        all.set(chunk, at);
        at += chunk.length;
      }
    }
    held -= bytes;
    chunks = held > 0 ? [all.subarray(bytes)] : [];
    return all.subarray(0, bytes);
  };

  return async () => {
    if (!(await fill(headBytes))) {
      if (held > 0) throw new Error("the stream ended inside a frame");
      return undefined;
    }
    const head = take(headBytes);
    const length = new DataView(head.buffer, head.byteOffset).getUint32(1);
    if (length > messageBytesMax) throw new RangeError(`a message of ${length} bytes is larger than ${messageBytesMax}`);
    if (!(await fill(length))) throw new Error("the stream ended inside a frame");
    return { flags: head[0]!, data: take(length) };
  };
}
