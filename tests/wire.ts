/** Speaks to a server byte by byte, over sockets and HTTP/2 frames, for requests that no client library would send. */
import { connect, type Socket } from "node:net";

/** What came back over a bare connection. */
export interface RawAnswer {
  /** All bytes that came, as Latin-1 text. */
  readonly text: string;
  /** Status line's code of the first response; 0 if none came. */
  readonly status: number;
  /** Body of the first response, as text. */
  readonly body: string;
  /** True if the server closed the connection or reset it; false if it was still open when the wait ended. */
  readonly closed: boolean;
}

/** How a bare exchange is made. */
export interface RawOptions {
  /** Resolves with what came by then, in milliseconds. */
  readonly waitMs?: number;
  /** True: the exchange ends with the first whole response; false: with the connection. */
  readonly untilAnswer?: boolean;
  /** Path of a Unix socket in place of the port. */
  readonly path?: string;
}

/** Writes bytes to a port and reads what comes until a whole response is there, the server closes, or the wait is over. */
export function exchangeRaw(port: number, bytes: string | Uint8Array, { waitMs = 10_000, untilAnswer = true, path }: RawOptions = {}): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = path === undefined ? connect(port, "127.0.0.1") : connect(path);
    const chunks: Buffer[] = [];
    const finish = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      const text = Buffer.concat(chunks).toString("latin1");
      resolve({ text, ...firstResponse(text), closed });
    };
    const timer = setTimeout(() => finish(false), waitMs);
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      if (untilAnswer && isWhole(Buffer.concat(chunks).toString("latin1"))) finish(false);
    });
    socket.on("error", () => finish(true));
    socket.on("close", () => finish(true));
    socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  });
}

function firstResponse(text: string): { status: number; body: string } {
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  if (status === 100) return firstResponse(text.slice(text.indexOf("\r\n\r\n") + 4));
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return { status, body: "" };
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, end + 2))?.[1] ?? Number.NaN);
  return { status, body: Number.isNaN(length) ? text.slice(end + 4) : text.slice(end + 4, end + 4 + length) };
}

function isWhole(text: string): boolean {
  if (text.startsWith("HTTP/1.1 100")) return isWhole(text.slice(text.indexOf("\r\n\r\n") + 4));
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const head = text.slice(0, end + 2);
  if (/\r\ntransfer-encoding: chunked\r\n/i.test(head)) return /\r\n0\r\n(?:[^\r\n]+\r\n)*\r\n$/.test(text.slice(end + 2));
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  return length !== undefined && text.length >= end + 4 + Number(length);
}

/** Types of HTTP/2 frames (RFC 9113 section 6). */
export const frameTypes = { data: 0, headers: 1, priority: 2, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8, continuation: 9 } as const;
/** Flags of HTTP/2 frames. */
export const frameFlags = { endStream: 1, ack: 1, endHeaders: 4 } as const;
/** Error codes of HTTP/2 (RFC 9113 section 7). */
export const errorCodes = { none: 0, protocol: 1, flowControl: 3, refusedStream: 7, cancel: 8, calm: 11 } as const;

/** One HTTP/2 frame. */
export interface Http2Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** A bare HTTP/2 connection with prior knowledge. */
export interface Http2Wire {
  readonly socket: Socket;
  /** Frames that came so far. */
  readonly frames: readonly Http2Frame[];
  write(type: number, flags: number, stream: number, payload?: Uint8Array): void;
  /** Resolves with the first frame, already there or to come, that `wanted` says yes to; undefined once the connection is closed or the wait is over. */
  next(wanted: (frame: Http2Frame) => boolean, waitMs?: number): Promise<Http2Frame | undefined>;
  close(): void;
}

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Opens a connection: preface and empty settings are sent. Acknowledges nothing by itself. */
export function openHttp2(port: number): Http2Wire {
  const socket = connect(port, "127.0.0.1");
  const frames: Http2Frame[] = [];
  const watchers = new Set<() => void>();
  let pending: Buffer = Buffer.alloc(0);
  let closed = false;
  const wake = (): void => {
    for (const watcher of watchers) watcher();
  };
  socket.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 9) {
      const length = pending.readUIntBE(0, 3);
      if (pending.length < 9 + length) break;
      frames.push({ type: pending[3]!, flags: pending[4]!, stream: pending.readUInt32BE(5) & 0x7fffffff, payload: pending.subarray(9, 9 + length) });
      pending = pending.subarray(9 + length);
    }
    wake();
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    closed = true;
    wake();
  });
  const write: Http2Wire["write"] = (type, flags, stream, payload = new Uint8Array()) => {
    if (!closed) socket.write(http2Frame(type, flags, stream, payload));
  };
  socket.write(preface);
  write(frameTypes.settings, 0, 0);
  return {
    socket,
    frames,
    write,
    next: (wanted, waitMs = 10_000) =>
      new Promise((resolve) => {
        const settle = (frame: Http2Frame | undefined): void => {
          clearTimeout(timer);
          watchers.delete(look);
          resolve(frame);
        };
        const timer = setTimeout(() => settle(undefined), waitMs);
        const look = (): void => {
          const found = frames.find(wanted);
          if (found !== undefined || closed) settle(found);
        };
        watchers.add(look);
        look();
      }),
    close: () => void socket.destroy(),
  };
}

/** The bytes of one frame. */
export function http2Frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Header fields as literals without indexing and without Huffman code (RFC 7541 section 6.2.2): any bytes at all. */
export function headerBlock(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), hpackText(name), hpackText(value)]));
}

function hpackText(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([hpackLength(bytes.length), bytes]);
}

/** An integer with a prefix of seven bits (RFC 7541 section 5.1). */
function hpackLength(value: number): Buffer {
  if (value < 127) return Buffer.of(value);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}
