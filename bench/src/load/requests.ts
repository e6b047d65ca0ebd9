/** Builds the requests that are measured: one operation in one protocol each. */
import { create, type DescMessage, type MessageInitShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import { AddRequestSchema, DocumentService, GetRequestSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { benchCollection, sampleAdd } from "./document.js";
import type { Header } from "./hpack.js";
import { keyPlaceholder, type RequestTemplate } from "./job.js";

/** What is called. */
export type Operation = "get" | "add";

/** How it is called. `rest-get` is the binding with the key in the path. */
export type WireProtocol = "grpc" | "grpc-web" | "connect-json" | "connect-proto" | "rest" | "rest-get";

/** The `Authorization` header that all requests carry, peers' included, so that all servers read the same bytes. */
export interface Credential {
  readonly authorization: string;
}

interface Call {
  readonly rpcPath: string;
  readonly restPath: string;
  readonly binary: Uint8Array;
  readonly json: string;
}

const calls: Readonly<Record<Operation, Call>> = {
  get: callOf("Get", "/v1/get", GetRequestSchema, { collection: benchCollection, key: keyPlaceholder, lang: "en" }),
  add: callOf("Add", "/v1/add", AddRequestSchema, sampleAdd()),
};

function callOf<Desc extends DescMessage>(name: string, restPath: string, schema: Desc, init: MessageInitShape<Desc>): Call {
  const message = create(schema, init);
  return { rpcPath: `/${DocumentService.typeName}/${name}`, restPath, binary: toBinary(schema, message), json: toJsonString(schema, message) };
}

const builders: Readonly<Record<WireProtocol, (call: Call, credential: Credential) => RequestTemplate>> = {
  grpc: (call, credential) => ({
    wire: "http2",
    flavour: "grpc",
    headers: grpcHeaders(call, credential, [
      ["content-type", "application/grpc"],
      ["te", "trailers"],
    ]),
    body: enveloped(call.binary),
  }),
  "grpc-web": (call, credential) => ({
    wire: "http2",
    flavour: "grpc-web",
    headers: grpcHeaders(call, credential, [
      ["content-type", "application/grpc-web+proto"],
      ["x-grpc-web", "1"],
    ]),
    body: enveloped(call.binary),
  }),
  "connect-json": (call, credential) =>
    post(call.rpcPath, [["content-type", "application/json"], ["connect-protocol-version", "1"]], Buffer.from(call.json), credential),
  "connect-proto": (call, credential) =>
    post(call.rpcPath, [["content-type", "application/proto"], ["connect-protocol-version", "1"]], call.binary, credential),
  rest: (call, credential) => post(call.restPath, [["content-type", "application/json"]], Buffer.from(call.json), credential),
  "rest-get": (_call, credential) => ({
    wire: "http1",
    bytes: http1(`GET /v1/collections/${benchCollection}/documents/${keyPlaceholder}?lang=en`, [], new Uint8Array(), credential),
  }),
};

/** What carries a protocol here: gRPC and gRPC-Web go over h2, the others over HTTP/1.1. */
export function wireOf(protocol: WireProtocol): RequestTemplate["wire"] {
  return protocol === "grpc" || protocol === "grpc-web" ? "http2" : "http1";
}

/** The request of an operation in a protocol. */
export function requestOf(operation: Operation, protocol: WireProtocol, credential: Credential): RequestTemplate {
  return builders[protocol](calls[operation], credential);
}

function grpcHeaders({ rpcPath }: Call, { authorization }: Credential, headers: readonly Header[]): readonly Header[] {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", rpcPath],
    [":authority", "127.0.0.1"],
    ...headers,
    ["user-agent", "parapet-bench"],
    ["authorization", authorization],
  ];
}

/** An enveloped message, not compressed (gRPC over HTTP/2, Length-Prefixed-Message). */
function enveloped(message: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(5 + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}

function post(path: string, headers: readonly Header[], body: Uint8Array, credential: Credential): RequestTemplate {
  return { wire: "http1", bytes: http1(`POST ${path}`, [...headers, ["content-length", String(body.length)]], body, credential) };
}

function http1(line: string, headers: readonly Header[], body: Uint8Array, { authorization }: Credential): Uint8Array {
  const all: readonly Header[] = [["host", "127.0.0.1"], ["user-agent", "parapet-bench"], ["accept", "*/*"], ["authorization", authorization], ...headers];
  const head = `${line} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}
