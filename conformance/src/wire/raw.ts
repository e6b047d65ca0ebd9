/** Writes bytes of HTTP/1.1 as they are and reads what comes back, for requests that client libraries refuse to send. */
import { fromLines } from "./fields.js";
import type { Transport } from "./transport.js";
import type { HttpResponse } from "./wire.js";

/** What a raw exchange gave. */
export interface RawExchange {
  /** The first response, if a whole head came. */
  readonly response: HttpResponse | undefined;
  /** All bytes that came, as Latin-1 text. */
  readonly text: string;
  /** Bytes handed to the socket. */
  readonly bytesSent: number;
  /** Why it ended. */
  readonly end: "answered" | "closed" | "reset" | "time-out";
}

/** How to send. */
export interface RawOptions {
  readonly source?: string | undefined;
  readonly timeoutMs: number;
  /** Sent after the head in pieces until an answer came, the connection closed or this many bytes went out. */
  readonly flood?: { readonly bytesMax: number };
}

const floodPiece = Buffer.alloc(64 * 1024, 0x20);

/** Sends a head (and what follows it) and waits for the first whole response. Never rejects. */
export function sendRaw(transport: Transport, head: string | Uint8Array, options: RawOptions): Promise<RawExchange> {
  return new Promise((resolve) => {
    const socket = transport.open(options.source);
    const chunks: Buffer[] = [];
    let bytesSent = 0;
    let done = false;
    const finish = (end: RawExchange["end"]) => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      socket.destroy();
      const text = Buffer.concat(chunks).toString("latin1");
      resolve({ response: parseResponse(text)?.response, text, bytesSent, end });
    };
    const timer = setTimeout(() => finish("time-out"), options.timeoutMs);
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      if (options.flood === undefined && parseResponse(Buffer.concat(chunks).toString("latin1"))?.whole) finish("answered");
    });
    socket.on("error", () => finish("reset"));
    socket.on("close", () => finish(chunks.length > 0 ? "answered" : "closed"));
    socket.on("end", () => finish(chunks.length > 0 ? "answered" : "closed"));
    const bytes = typeof head === "string" ? Buffer.from(head, "latin1") : Buffer.from(head);
    bytesSent += bytes.length;
    socket.write(bytes, flood);

    function flood(): void {
      if (options.flood === undefined || done) return;
      if (bytesSent >= options.flood.bytesMax) return;
      bytesSent += floodPiece.length;
      // The callback comes once the kernel took the piece, so a peer that stops reading stops us.
      socket.write(floodPiece, (error) => (error ? undefined : setImmediate(flood)));
    }
  });
}

/** Parses the first response of a text, final ones only; `whole` once its body is complete. */
function parseResponse(text: string): { response: HttpResponse; whole: boolean } | undefined {
  const headEnd = text.indexOf("\r\n\r\n");
  const [, digits] = /^HTTP\/1\.[01] (\d{3})[^\r\n]*\r\n/.exec(text) ?? [];
  if (headEnd < 0 || digits === undefined) return undefined;
  const status = Number(digits);
  const rest = text.slice(headEnd + 4);
  if (status < 200) return parseResponse(rest);
  const headers = fromLines(text.slice(text.indexOf("\r\n") + 2, headEnd));
  const length = headers.get("content-length")?.[0];
  const chunked = headers.get("transfer-encoding")?.[0]?.toLowerCase() === "chunked";
  const body = chunked ? unchunk(rest) : length === undefined ? rest : rest.slice(0, Number(length));
  const whole = chunked ? /(?:^|\r\n)0\r\n(?:[^\r\n]+\r\n)*\r\n$/.test(rest) : length !== undefined && rest.length >= Number(length);
  return { response: { status, headers, trailers: new Map(), body: Buffer.from(body, "latin1") }, whole };
}

function unchunk(text: string): string {
  let out = "";
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    const size = lineEnd < 0 ? 0 : Number.parseInt(text.slice(at, lineEnd), 16);
    if (!(size > 0)) return out;
    out += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}
