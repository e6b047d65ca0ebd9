/** One kept HTTP/2 connection that sends requests with or without lengths and keeps the answer's fields as they came. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { type Arrived, type Fields, piecesOf, type Sent } from "./exchanged.js";

/** A connection that is opened when it is first needed, and again when the server closed it. */
export interface Http2Line {
  /** Sends one request and reads its answer. */
  exchange(sent: Sent): Promise<Arrived>;
  /** Opens a stream with its head alone, for tests that break off or wait. */
  begin(sent: Omit<Sent, "body" | "delivery">): ClientHttp2Stream;
  close(): void;
}

/** Makes a line to a port of this machine. */
export function createHttp2Line(port: number, waitMs = 10_000): Http2Line {
  const authority = `127.0.0.1:${port}`;
  let session: ClientHttp2Session | undefined;
  const open = (): ClientHttp2Session => {
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    session = connect(`http://${authority}`);
    session.on("error", () => undefined);
    return session;
  };
  const request = ({ verb, path, headers }: Pick<Sent, "verb" | "path" | "headers">, endStream: boolean): ClientHttp2Stream => {
    const fields: Record<string, string | string[]> = { ":method": verb, ":path": path, ":scheme": "http", ":authority": authority };
    for (const [name, value] of headers) {
      const before = fields[name];
      fields[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
    }
    return open().request(fields, { endStream });
  };
  return {
    exchange(sent) {
      const { body, delivery } = sent;
      const declared = body !== undefined && delivery === "declared";
      const stream = request(declared ? { ...sent, headers: [...sent.headers, ["content-length", String(body.length)]] } : sent, body === undefined);
      const arrived = answerOf(stream, waitMs);
      if (body !== undefined) void write(stream, body, sent);
      return arrived;
    },
    begin: (sent) => request(sent, false),
    close: () => session?.destroy(),
  };
}

/** Writes a body in the pieces that its delivery asks for, then ends the stream. */
async function write(stream: ClientHttp2Stream, body: Buffer, { delivery }: Pick<Sent, "delivery">): Promise<void> {
  for (const piece of piecesOf(body, delivery)) {
    if (stream.destroyed) return;
    stream.write(piece);
    if (delivery === "torn") await new Promise(setImmediate);
  }
  stream.end();
}

/** The whole answer of a stream, or how it ended without one. */
export function answerOf(stream: ClientHttp2Stream, waitMs = 10_000): Promise<Arrived> {
  return new Promise((resolve) => {
    let status = 0;
    let headers: Fields = [];
    let trailers: Fields = [];
    let ended = false;
    const chunks: Buffer[] = [];
    const finish = (outcome: string): void => {
      clearTimeout(timer);
      resolve({ outcome, status, headers, trailers, body: Buffer.concat(chunks) });
    };
    const timer = setTimeout(() => {
      stream.close(constants.NGHTTP2_CANCEL);
      finish("no whole answer in time");
    }, waitMs);
    stream.on("response", (fields, _flags, raw?: readonly string[]) => {
      status = Number(fields[":status"]);
      headers = fieldsOf(raw);
    });
    stream.on("trailers", (_fields, _flags, raw?: readonly string[]) => (trailers = fieldsOf(raw)));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    // Trailers come before the end; a server that answers early may reset the rest of the upload after it (RFC 9113 section 8.1).
    stream.on("end", () => {
      ended = status !== 0;
      if (ended) finish("answered");
    });
    stream.on("error", () => undefined);
    stream.on("close", () => {
      if (!ended) finish(status === 0 ? `reset with code ${stream.rstCode}` : `broken off with code ${stream.rstCode}`);
    });
  });
}

function fieldsOf(raw: readonly string[] | undefined): Fields {
  if (raw === undefined) throw new Error("this Node does not tell the fields of HTTP/2 as they came");
  const fields: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) if (!raw[index]!.startsWith(":")) fields.push([raw[index]!, raw[index + 1]!]);
  return fields;
}
