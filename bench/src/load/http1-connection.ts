/** Sends one prebuilt HTTP/1.1 request over and over on a kept-alive connection (RFC 9112). */
import { connect, type Socket } from "node:net";
import type { Connection, Driver } from "./connection.js";
import { keyDigitsAt, writeKey } from "./job.js";

const endOfHead = Buffer.from("\r\n\r\n");
const endOfLine = Buffer.from("\r\n");
const contentLength = /\r\ncontent-length: *(\d+)/i;
const chunked = /\r\ntransfer-encoding: *chunked/i;

/** What the first bytes of a buffer hold: a whole response of so many bytes, or not yet. */
type Parsed = { readonly kind: "partial" } | { readonly kind: "response"; readonly status: number; readonly bytes: number };

const partial: Parsed = { kind: "partial" };

/**
 * Finds the first response in a buffer, with a `content-length` or chunked body.
 *
 * @throws Error for a response that has neither, and for bytes that are no response.
 */
export function parseResponse(buffer: Buffer): Parsed {
  const headEnd = buffer.indexOf(endOfHead);
  if (headEnd < 0) return partial;
  const head = buffer.toString("latin1", 0, headEnd);
  if (!head.startsWith("HTTP/1.1 ")) throw new Error(`not an HTTP/1.1 response: ${JSON.stringify(head.slice(0, 40))}`);
  const status = Number(head.slice(9, 12));
  const bodyAt = headEnd + endOfHead.length;
  const length = contentLength.exec(head);
  if (length !== null) {
    const bytes = bodyAt + Number(length[1]);
    return buffer.length < bytes ? partial : { kind: "response", status, bytes };
  }
  if (!chunked.test(head)) throw new Error("a response without content-length that is not chunked");
  const bytes = endOfChunks(buffer, bodyAt);
  return bytes < 0 ? partial : { kind: "response", status, bytes };
}

/** Where a chunked body without trailers ends; -1 if it has not arrived yet. */
function endOfChunks(buffer: Buffer, from: number): number {
  for (let at = from; ; ) {
    const lineEnd = buffer.indexOf(endOfLine, at);
    if (lineEnd < 0) return -1;
    const size = Number.parseInt(buffer.toString("latin1", at, lineEnd), 16);
    if (!Number.isInteger(size)) throw new Error("a chunk without a size");
    at = lineEnd + endOfLine.length + size + endOfLine.length;
    if (at > buffer.length) return -1;
    if (size === 0) return at;
  }
}

/** Opens a connection with one request open at a time. Resolves when it is connected. */
export async function openHttp1Connection(port: number, template: Uint8Array): Promise<Connection> {
  const request = Uint8Array.from(template);
  const digitsAt = keyDigitsAt(request);
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await connected(socket);
  let driver: Driver | undefined;
  let open = false;
  let startedMs = 0;
  let received: Buffer | undefined;

  function send(): void {
    const number = driver!.next();
    if (number < 0) {
      open = false;
      driver!.idle();
      return;
    }
    writeKey(request, digitsAt, number);
    open = true;
    startedMs = performance.now();
    socket.write(request);
  }

  function refuse(error: Error): void {
    socket.destroy();
    if (open) driver!.failed(error);
    open = false;
  }

  socket.on("data", (chunk: Buffer) => {
    const buffer = received === undefined ? chunk : Buffer.concat([received, chunk]);
    try {
      const parsed = parseResponse(buffer);
      if (parsed.kind === "partial") {
        received = buffer;
        return;
      }
      if (parsed.status !== 200) throw new Error(`HTTP status ${parsed.status}: ${buffer.toString("latin1", 0, 600)}`);
      if (parsed.bytes !== buffer.length) throw new Error("bytes behind the end of a response");
    } catch (error) {
      refuse(error as Error);
      return;
    }
    received = undefined;
    driver!.answered(startedMs, buffer.length);
    send();
  });
  socket.on("error", refuse);
  socket.on("close", () => refuse(new Error("the server closed the connection")));

  return {
    slots: 1,
    start(next) {
      driver = next;
      if (socket.destroyed) next.failed(new Error("the server closed the connection before the first request"));
      else send();
    },
    close() {
      socket.destroy();
    },
  };
}

/** Resolves when a socket is connected, rejects when it cannot be. */
export function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve();
    });
  });
}
