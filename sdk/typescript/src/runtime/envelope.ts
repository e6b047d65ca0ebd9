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
export function encodeEnvelopes(messages: readonly string[]): Blob {
  return new Blob(
    messages.flatMap((message) => {
      const data = new TextEncoder().encode(message);
      const head = new DataView(new ArrayBuffer(headBytes));
      head.setUint32(1, data.length);
      return [head, data];
    }),
  );
}

/** What is read from: `read` of a stream's reader. */
export type ReadChunk = () => Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;

/** Makes a reader of frames: each call gives the next one, or undefined where the body ends between two. Throws RangeError for a larger message, and Error where the body ends inside one. */
export function createEnvelopeReader(read: ReadChunk, messageBytesMax: number): () => Promise<Envelope | undefined> {
  let held = new Uint8Array();

  /** So many bytes; undefined where the body ends just before them and may do so. */
  const take = async (bytes: number, mayEnd: boolean): Promise<Uint8Array | undefined> => {
    const chunks = [held];
    let size = held.length;
    while (size < bytes) {
      const { done, value } = await read();
      if (done) {
        if (mayEnd && !size) return undefined;
        throw new Error("the stream ended inside a frame");
      }
      chunks.push(value as Uint8Array<ArrayBuffer>);
      size += value!.length;
    }
    // Joined once a whole frame is there, not at each chunk: that would copy a large message over and over.
    const all = chunks[1] ? new Uint8Array(await new Blob(chunks).arrayBuffer()) : held;
    held = all.subarray(bytes);
    return all.subarray(0, bytes);
  };

  return async () => {
    const head = await take(headBytes, true);
    if (!head) return undefined;
    const length = new DataView(head.buffer, head.byteOffset).getUint32(1);
    if (length > messageBytesMax) throw new RangeError(`a message of ${length} bytes is larger than ${messageBytesMax}`);
    return { flags: head[0]!, data: (await take(length, false))! };
  };
}
