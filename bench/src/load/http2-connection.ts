/** Sends one prebuilt gRPC or gRPC-Web request over and over on the streams of an h2c connection (RFC 9113). */
import { connect } from "node:net";
import type { Connection, Driver } from "./connection.js";
import { createHeaderDecoder, encodeHeaders } from "./hpack.js";
import { connected } from "./http1-connection.js";
import { type GrpcFlavour, keyDigitsAt, type RequestTemplate, writeKey } from "./job.js";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const frameHeaderBytes = 9;
const type = { data: 0, headers: 1, rstStream: 3, settings: 4, ping: 6, goaway: 7, windowUpdate: 8, continuation: 9 } as const;
const flag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;
const settingInitialWindowSize = 4;
/** Room for an answer on a stream, in bytes; far more than one of these answers takes. */
const streamWindowBytes = 16 * 1024 * 1024;
/** Initial size of every flow-control window (RFC 9113 §6.9.2), in bytes. */
const windowBytesDefault = 65_535;
/** The connection's window is topped up after so many bytes. */
const windowTopUpBytes = 64 * 1024 * 1024;
const windowBytesMax = 2 ** 31 - 1;

/** What one stream has brought so far. */
interface Slot {
  readonly request: Uint8Array;
  startedMs: number;
  httpStatus: string;
  grpcStatus: string;
  body: Buffer | undefined;
}

/** What is wrong with a finished answer; undefined if nothing is. */
export function faultOf(flavour: GrpcFlavour, httpStatus: string, grpcStatus: string, body: Buffer | undefined): string | undefined {
  if (httpStatus !== "200") return `HTTP status ${httpStatus}`;
  const status = flavour === "grpc" ? grpcStatus : body === undefined ? "" : statusInBody(body);
  return status === "0" ? undefined : `grpc-status ${status === "" ? "missing" : status}`;
}

/** The grpc-status in the last frame of a gRPC-Web body; empty if there is none. */
function statusInBody(body: Buffer): string {
  for (let at = 0; at + 5 <= body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    if (body[at]! & 0x80) return /(?:^|\r\n)grpc-status: *(\d+)/i.exec(body.toString("latin1", at + 5, end))?.[1] ?? "";
    at = end;
  }
  return "";
}

/** Opens a connection with so many streams open at a time. Resolves when it is connected. */
export async function openHttp2Connection(
  port: number,
  template: Extract<RequestTemplate, { wire: "http2" }>,
  streams: number,
): Promise<Connection> {
  const encoded = encodeHeaders(template.headers);
  const firstRequest = frames(encoded.first, template.body);
  const laterRequest = frames(encoded.later, template.body);
  const digitsFromEnd = template.body.length - keyDigitsAt(template.body);
  const decoder = createHeaderDecoder();
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await connected(socket);

  const slots = Array.from({ length: streams }, (): Slot => ({ request: Uint8Array.from(laterRequest), startedMs: 0, httpStatus: "", grpcStatus: "", body: undefined }));
  const slotOfStream = new Map<number, Slot>();
  let driver: Driver | undefined;
  let nextStream = 1;
  let sendWindow = windowBytesDefault;
  let receivedSinceTopUp = 0;
  let rest: Buffer | undefined;
  /** Requests that go out in one piece, once all answers that have arrived are read. */
  let outgoing: Uint8Array[] = [];

  socket.write(preface);
  socket.write(settingsFrame());
  socket.write(windowUpdateFrame(windowBytesMax - windowBytesDefault));

  function send(slot: Slot): void {
    const number = driver!.next();
    if (number < 0) {
      driver!.idle();
      return;
    }
    const request = nextStream === 1 ? Uint8Array.from(firstRequest) : slot.request;
    const dataAt = request.length - template.body.length - frameHeaderBytes;
    writeKey(request, request.length - digitsFromEnd, number);
    writeUint32(request, 5, nextStream);
    writeUint32(request, dataAt + 5, nextStream);
    sendWindow -= template.body.length;
    // So few bytes are open at a time that a server which reads at all never lets this happen.
    if (sendWindow < 0) throw new Error("the server did not open its window in time");
    slot.httpStatus = "";
    slot.grpcStatus = "";
    slot.body = undefined;
    slotOfStream.set(nextStream, slot);
    nextStream += 2;
    slot.startedMs = performance.now();
    outgoing.push(request);
  }

  function flush(): void {
    if (outgoing.length > 0) socket.write(Buffer.concat(outgoing));
    outgoing = [];
  }

  function finish(stream: number, slot: Slot): void {
    const fault = faultOf(template.flavour, slot.httpStatus, slot.grpcStatus, slot.body);
    if (fault !== undefined) throw new Error(`${fault}: ${slot.body?.toString("latin1", 0, 600) ?? ""}`);
    slotOfStream.delete(stream);
    driver!.answered(slot.startedMs, slot.body?.length ?? 0);
    send(slot);
  }

  function takeHeaders(flags: number, stream: number, payload: Buffer): void {
    if (!(flags & flag.endHeaders)) throw new Error("a header block in several frames");
    const slot = slotOfStream.get(stream);
    const block = unpadded(flags, payload).subarray(flags & flag.priority ? 5 : 0);
    decoder.decode(block, (name, value) => {
      if (slot === undefined) return;
      if (name === ":status") slot.httpStatus = value;
      else if (name === "grpc-status") slot.grpcStatus = value;
    });
    if (slot !== undefined && flags & flag.endStream) finish(stream, slot);
  }

  function takeData(flags: number, stream: number, payload: Buffer): void {
    receivedSinceTopUp += payload.length;
    if (receivedSinceTopUp > windowTopUpBytes) {
      socket.write(windowUpdateFrame(receivedSinceTopUp));
      receivedSinceTopUp = 0;
    }
    const slot = slotOfStream.get(stream);
    if (slot === undefined) return;
    const data = unpadded(flags, payload);
    slot.body = slot.body === undefined ? data : Buffer.concat([slot.body, data]);
    if (flags & flag.endStream) finish(stream, slot);
  }

  function takeFrame(kind: number, flags: number, stream: number, payload: Buffer): void {
    switch (kind) {
      case type.headers:
        return takeHeaders(flags, stream, payload);
      case type.data:
        return takeData(flags, stream, payload);
      case type.settings:
        if (!(flags & flag.ack)) socket.write(frame(type.settings, flag.ack, 0, new Uint8Array()));
        return;
      case type.ping:
        if (!(flags & flag.ack)) socket.write(frame(type.ping, flag.ack, 0, payload));
        return;
      case type.windowUpdate:
        if (stream === 0) sendWindow += payload.readUInt32BE(0);
        return;
      case type.rstStream:
        // After a whole answer a server may still say that it wants no more of the request.
        if (slotOfStream.has(stream)) throw new Error(`the server reset a stream with code ${payload.readUInt32BE(0)}`);
        return;
      case type.goaway:
        throw new Error(`the server ended the connection with code ${payload.readUInt32BE(4)}: ${payload.toString("latin1", 8)}`);
      case type.continuation:
        throw new Error("a header block in several frames");
    }
  }

  function refuse(error: Error): void {
    socket.destroy();
    if (slotOfStream.size > 0) driver!.failed(error);
    slotOfStream.clear();
  }

  socket.on("data", (chunk: Buffer) => {
    const buffer = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    try {
      while (at + frameHeaderBytes <= buffer.length) {
        const end = at + frameHeaderBytes + buffer.readUIntBE(at, 3);
        if (end > buffer.length) break;
        takeFrame(buffer[at + 3]!, buffer[at + 4]!, buffer.readUInt32BE(at + 5) & 0x7fffffff, buffer.subarray(at + frameHeaderBytes, end));
        at = end;
      }
    } catch (error) {
      refuse(error as Error);
      return;
    }
    flush();
    rest = at === buffer.length ? undefined : buffer.subarray(at);
  });
  socket.on("error", refuse);
  socket.on("close", () => refuse(new Error("the server closed the connection")));

  return {
    slots: streams,
    start(next) {
      driver = next;
      if (socket.destroyed) {
        next.failed(new Error("the server closed the connection before the first request"));
        return;
      }
      for (const slot of slots) send(slot);
      flush();
    },
    close() {
      socket.destroy();
    },
  };
}

/** HEADERS and DATA of one request; the stream's number is written in later. */
function frames(headerBlock: Uint8Array, body: Uint8Array): Uint8Array {
  return Buffer.concat([frame(type.headers, flag.endHeaders, 0, headerBlock), frame(type.data, flag.endStream, 0, body)]);
}

function frame(kind: number, flags: number, stream: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(frameHeaderBytes + payload.length);
  writeUint32(bytes, 0, payload.length << 8);
  bytes[3] = kind;
  bytes[4] = flags;
  writeUint32(bytes, 5, stream);
  bytes.set(payload, frameHeaderBytes);
  return bytes;
}

function settingsFrame(): Uint8Array {
  const payload = new Uint8Array(6);
  payload[1] = settingInitialWindowSize;
  writeUint32(payload, 2, streamWindowBytes);
  return frame(type.settings, 0, 0, payload);
}

function windowUpdateFrame(bytes: number): Uint8Array {
  const payload = new Uint8Array(4);
  writeUint32(payload, 0, bytes);
  return frame(type.windowUpdate, 0, 0, payload);
}

function unpadded(flags: number, payload: Buffer): Buffer {
  return flags & flag.padded ? payload.subarray(1, payload.length - payload[0]!) : payload;
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = (value >>> 16) & 0xff;
  bytes[at + 2] = (value >>> 8) & 0xff;
  bytes[at + 3] = value & 0xff;
}
