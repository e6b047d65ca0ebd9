/** One kept HTTP/1.1 connection, written byte by byte and read without a client library's opinions. */
import { connect, type Socket } from "node:net";
import type { Arrived, Fields, Sent } from "./exchanged.js";
import { piecesOf } from "./exchanged.js";

/** A connection that is opened when it is first needed, and again when the server closed it. */
export interface Http1Line {
  /** Sends one request and reads its answer. */
  exchange(sent: Sent): Promise<Arrived>;
  /** Writes bytes as they are and reads that many answers to requests of these verbs. */
  pipeline(bytes: Uint8Array, verbs: readonly string[]): Promise<Arrived[]>;
  close(): void;
}

/** Makes a line to a port of this machine. */
export function createHttp1Line(port: number, waitMs = 10_000): Http1Line {
  let socket: Socket | undefined;
  let pending: Buffer = Buffer.alloc(0);
  let ended = false;
  let wake = (): void => undefined;

  const open = (): Socket => {
    if (socket !== undefined && !ended) return socket;
    ended = false;
    pending = Buffer.alloc(0);
    const opened = connect({ port, host: "127.0.0.1", noDelay: true });
    opened.on("data", (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      wake();
    });
    opened.on("error", () => undefined);
    opened.on("close", () => {
      if (socket !== opened) return;
      ended = true;
      wake();
    });
    return (socket = opened);
  };

  const answer = (verb: string): Promise<Arrived> =>
    new Promise((resolve) => {
      const finish = (arrived: Arrived): void => {
        clearTimeout(timer);
        wake = () => undefined;
        resolve(arrived);
      };
      const timer = setTimeout(() => {
        socket?.destroy();
        finish(nothing("no whole answer in time"));
      }, waitMs);
      const look = (): void => {
        const read = readAnswer(pending, verb, ended);
        if (read !== undefined) {
          pending = pending.subarray(read.bytes);
          finish(read.arrived);
        } else if (ended) finish(nothing("closed without an answer"));
      };
      wake = look;
      look();
    });

  return {
    async exchange({ verb, path, headers, body, delivery }) {
      const fields: [string, string][] = [["host", `127.0.0.1:${port}`], ...headers];
      const declared = body !== undefined && delivery === "declared";
      if (declared) fields.push(["content-length", String(body.length)]);
      else if (body !== undefined) fields.push(["transfer-encoding", "chunked"]);
      const head = Buffer.from(`${verb} ${path} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`, "latin1");
      const line = open();
      const answered = answer(verb);
      if (body === undefined) line.write(head);
      else if (declared) line.write(Buffer.concat([head, body]));
      else {
        line.write(head);
        for (const piece of piecesOf(body, delivery)) {
          line.write(Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]));
          // A turn of the loop in between makes packets of their own.
          if (delivery === "torn") await new Promise(setImmediate);
        }
        line.write("0\r\n\r\n");
      }
      return answered;
    },
    async pipeline(bytes, verbs) {
      open().write(bytes);
      const arrived: Arrived[] = [];
      for (const verb of verbs) arrived.push(await answer(verb));
      return arrived;
    },
    close: () => void socket?.destroy(),
  };
}

function nothing(outcome: string): Arrived {
  return { outcome, status: 0, headers: [], trailers: [], body: Buffer.alloc(0) };
}

/** The first whole answer at the start of the bytes (RFC 9112 section 6); undefined while it is not whole. */
function readAnswer(bytes: Buffer, verb: string, ended: boolean): { arrived: Arrived; bytes: number } | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [line = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const status = Number(line.split(" ")[1]);
  const start = end + 4;
  if (status === 100) {
    const next = readAnswer(bytes.subarray(start), verb, ended);
    return next && { arrived: next.arrived, bytes: start + next.bytes };
  }
  const headers = lines.map(fieldOf);
  const value = (name: string): string | undefined => headers.find(([given]) => given === name)?.[1];
  const whole = (body: Buffer, trailers: Fields, to: number): { arrived: Arrived; bytes: number } => ({ arrived: { outcome: "answered", status, headers, trailers, body }, bytes: to });
  if (verb === "HEAD" || status === 204 || status === 304) return whole(Buffer.alloc(0), [], start);
  if (value("transfer-encoding") === "chunked") {
    const chunked = readChunks(bytes, start);
    return chunked && whole(chunked.body, chunked.trailers, chunked.end);
  }
  const length = value("content-length");
  if (length === undefined) return ended ? whole(bytes.subarray(start), [], bytes.length) : undefined;
  const to = start + Number(length);
  return bytes.length < to ? undefined : whole(bytes.subarray(start, to), [], to);
}

function readChunks(bytes: Buffer, start: number): { body: Buffer; trailers: Fields; end: number } | undefined {
  const chunks: Buffer[] = [];
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.subarray(at, lineEnd).toString("latin1"), 16);
    at = lineEnd + 2;
    if (size > 0) {
      if (bytes.length < at + size + 2) return undefined;
      chunks.push(bytes.subarray(at, at + size));
      at += size + 2;
      continue;
    }
    const trailers: [string, string][] = [];
    for (;;) {
      const to = bytes.indexOf("\r\n", at);
      if (to < 0) return undefined;
      if (to === at) return { body: Buffer.concat(chunks), trailers, end: to + 2 };
      trailers.push(fieldOf(bytes.subarray(at, to).toString("latin1")));
      at = to + 2;
    }
  }
}

function fieldOf(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
