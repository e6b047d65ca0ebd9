/** A real HTTP server on loopback that answers as a test says, misbehaviour included. */
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { BadRequestSchema, ErrorInfoSchema, QuotaFailureSchema, RetryInfoSchema } from "@parapet/contract/google/rpc/error_details_pb";

/** A request as it arrived. */
export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  /** True once the connection was closed before the whole answer was sent. */
  cut: boolean;
}

/** Answers one request. */
export type Answer = (response: ServerResponse, request: SeenRequest) => void;

/** A running fault server. */
export interface FaultServer {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** Answers the next requests in this order; the last one goes on for ever. */
  script(...answers: Answer[]): void;
  close(): Promise<void>;
}

/** Starts a fault server on a free port of 127.0.0.1. */
export async function startFaultServer(): Promise<FaultServer> {
  const seen: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  let answers: Answer[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const one: SeenRequest = { path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks), cut: false };
      response.on("close", () => (one.cut = !response.writableFinished));
      seen.push(one);
      (answers.length > 1 ? answers.shift() : answers[0])?.(response, one);
    });
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    script: (...next) => (answers = next),
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** A success. */
export const ok =
  (body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) =>
    respond(response, 200, "application/json", JSON.stringify(body), headers);

/** Any status, content type and text. */
export const text =
  (status: number, contentType: string, body: string, headers: Record<string, string> = {}): Answer =>
  (response) =>
    respond(response, status, contentType, body, headers);

/** What a refusal says. */
export interface Refusal {
  readonly status?: number;
  readonly message?: string;
  readonly reason?: string;
  readonly metadata?: Record<string, string>;
  readonly retryDelayMs?: number;
  readonly violations?: { field: string; description: string; reason: string }[];
  readonly quota?: { subject: string; description: string };
  readonly headers?: Record<string, string>;
}

/** A Connect error with its google.rpc details, as JSON. */
export function wireError(code: string, { message = code, reason, metadata = {}, retryDelayMs, violations, quota }: Refusal): object {
  const details: object[] = [];
  const add = <Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): void => {
    const value = Buffer.from(toBinary(schema, create(schema, init))).toString("base64");
    details.push({ type: schema.typeName, value: value.replace(/=+$/, ""), debug: { reason: "NEVER_READ" } });
  };
  if (reason !== undefined) add(ErrorInfoSchema, { reason, domain: "parapet", metadata });
  if (violations) add(BadRequestSchema, { fieldViolations: violations });
  if (quota) add(QuotaFailureSchema, { violations: [quota] });
  if (retryDelayMs !== undefined) {
    const seconds = Math.floor(retryDelayMs / 1000);
    add(RetryInfoSchema, { retryDelay: { seconds: BigInt(seconds), nanos: Math.round((retryDelayMs - seconds * 1000) * 1e6) } });
  }
  return { code, message, details };
}

/** A refused unary call. */
export const refuse =
  (code: string, refusal: Refusal = {}): Answer =>
  (response) =>
    respond(response, refusal.status ?? 503, "application/json", JSON.stringify(wireError(code, refusal)), refusal.headers ?? {});

/** No answer at all: the connection is cut. */
export const reset: Answer = (response) => response.socket?.destroy();

/** No answer, and the connection stays. */
export const silence: Answer = () => {};

/** Headers and half a body, then silence. */
export const stall =
  (body: string): Answer =>
  (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write(body);
  };

/** A body that is shorter than announced, then a cut connection. */
export const truncated =
  (body: string): Answer =>
  (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": String(body.length + 10) });
    response.write(body, () => response.socket?.destroy());
  };

/** A frame of a Connect stream. */
export function frame(message: unknown, flags = 0): Buffer {
  const data = Buffer.isBuffer(message) ? message : Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(data.length, 1);
  return Buffer.concat([head, data]);
}

/** The last frame of a Connect stream. */
export const endFrame = (error?: object): Buffer => frame(error ? { error } : {}, 2);

/** A Connect stream of these bytes. */
export const stream =
  (...parts: Uint8Array[]): Answer =>
  (response) => {
    response.writeHead(200, { "content-type": "application/connect+json", "x-request-id": "stream-1" });
    for (const part of parts) response.write(part);
    response.end();
  };

function respond(response: ServerResponse, status: number, contentType: string, body: string, headers: Record<string, string>): void {
  response.writeHead(status, { "content-type": contentType, "x-request-id": "request-1", ...headers });
  response.end(body);
}
