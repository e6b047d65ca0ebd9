/** Server-sent events out of the text of a body (html.spec.whatwg.org, server-sent events). */
import { clientError } from "../runtime/error.js";

/** An event. */
export interface ServerEvent {
  /** Where a stream goes on behind it; empty where it does not say. */
  readonly id: string;
  /** Its type; empty for a message. */
  readonly event: string;
  readonly data: string;
  /** As it came, with the empty line behind it. */
  readonly text: string;
}

/** True for a response that is made of events. */
export function isEvents({ headers }: Pick<Response, "headers">): boolean {
  return /\btext\/event-stream\b/i.test(headers.get("content-type") ?? "");
}

/** What is read from: `read` of a stream's reader. */
export type ReadBytes = () => Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;

/** The empty line behind an event. */
const end = /(?:\r\n|\n|\r(?!\n)){2}/;
/** Characters that an empty line may have in front of a chunk. */
const tailChars = 3;

/** Makes a reader of events: each call gives the next one; undefined at the end of the body. Throws ParapetError (RESPONSE_MALFORMED) for a longer event, and Error for a body that ends inside one. */
export function createEventReader(read: ReadBytes, charsMax: number): () => Promise<ServerEvent | undefined> {
  const decoder = new TextDecoder();
  let held = "";

  /** Reads until an event may have ended; false at the end of the body. What comes is joined only then, not at each chunk: that would copy a large event over and over. */
  const fill = async (): Promise<boolean> => {
    const parts = [held];
    let size = held.length;
    for (let tail = held; ; tail = tail.slice(-tailChars)) {
      const { done, value } = await read();
      if (done && parts.every((part) => part.trim() === "")) return false;
      if (done) throw new Error("the stream ended early");
      const text = decoder.decode(value, { stream: true });
      parts.push(text);
      size += text.length;
      if (size > charsMax) throw clientError("RESPONSE_MALFORMED", `an event is larger than ${charsMax} characters`, { code: "resource_exhausted" });
      tail += text;
      if (!end.test(tail)) continue;
      held = parts.join("");
      return true;
    }
  };

  return async () => {
    do {
      for (let found = end.exec(held); found; found = end.exec(held)) {
        const to = found.index + found[0].length;
        const event = parse(held.slice(0, found.index), held.slice(0, to));
        held = held.slice(to);
        if (event) return event;
      }
    } while (await fill());
    return undefined;
  };
}

/** The event of a block of lines; undefined for a block without data, such as a comment that keeps a connection alive. */
function parse(block: string, text: string): ServerEvent | undefined {
  const fields = { id: "", event: "", data: "" };
  const data: string[] = [];
  for (const line of block.split(/\r\n|\n|\r/)) {
    const [, name = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
    if (name === "data") data.push(value);
    else if (name === "id" || name === "event") fields[name] = value;
  }
  return data.length > 0 ? { ...fields, data: data.join("\n"), text } : undefined;
}
