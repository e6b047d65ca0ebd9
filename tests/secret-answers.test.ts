/** Answers that hold a secret are compressed on no protocol, unary or streamed, by neither executor of unary calls; their twins without one are. */
import { create, createFileRegistry, fromJson, type JsonObject } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { AuditLevel, MethodPolicySchema } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { frame, frames } from "../conformance/src/wire/envelope.js";
import { createTransport, type Transport } from "../conformance/src/wire/transport.js";
import type { HttpVersion } from "../conformance/src/wire/wire.js";
import { createParapet, type Parapet } from "../server/src/parapet.js";

const large = "a secret that repeats itself ".repeat(400);
const service = "vault.v1.Vault";
const names = ["Open", "Closed", "OpenStream", "ClosedStream"] as const;

/** A contract of four methods: an answer with a secret two messages deep and one without, each once and streamed. */
function contract(): JsonObject {
  const text = (name: string, redact: boolean): JsonObject => ({ name, number: 1, jsonName: name, label: "LABEL_OPTIONAL", type: "TYPE_STRING", options: { debugRedact: redact } });
  const within = (type: string): JsonObject => ({ name: "held", number: 1, jsonName: "held", label: "LABEL_OPTIONAL", type: "TYPE_MESSAGE", typeName: `.vault.v1.${type}` });
  const response = (name: string): string => (name.startsWith("Open") ? "OpenResponse" : "ClosedResponse");
  return {
    name: "vault.proto",
    package: "vault.v1",
    syntax: "proto3",
    messageType: [
      { name: "Request" },
      { name: "Plain", field: [text("value", false)] },
      { name: "Secret", field: [text("value", true)] },
      { name: "OpenResponse", field: [within("Plain")] },
      { name: "ClosedResponse", field: [within("Secret")] },
    ],
    service: [
      {
        name: "Vault",
        method: names.map((name) => ({ name, inputType: ".vault.v1.Request", outputType: `.vault.v1.${response(name)}`, serverStreaming: name.endsWith("Stream"), options: { idempotencyLevel: "NO_SIDE_EFFECTS" } })),
      },
    ],
  };
}

const policy = create(MethodPolicySchema, {
  access: { rule: { case: "public", value: {} } },
  limit: { kind: { case: "exempt", value: true } },
  audit: { action: "vault.read", resource: "vault", level: AuditLevel.NONE },
});

/** How a protocol asks for gzip and how its answer says so. */
interface Way {
  readonly what: string;
  readonly http: HttpVersion;
  readonly verb?: "GET";
  readonly query?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly text?: boolean;
  /** Frames around messages, each of which says for itself whether it is compressed. */
  readonly framed: boolean;
}

const nothing = Buffer.from("{}");
const noBytes = new Uint8Array();
const packed = gzipSync(nothing);
const web = { "grpc-accept-encoding": "gzip" };
const connect = { "accept-encoding": "gzip" };
const unary: readonly Way[] = [
  { what: "gRPC", http: "h2", headers: { "content-type": "application/grpc", "te": "trailers", ...web }, body: frame(noBytes), framed: true },
  { what: "gRPC in JSON", http: "h2", headers: { "content-type": "application/grpc+json", "te": "trailers", ...web }, body: frame(nothing), framed: true },
  { what: "gRPC that is asked in gzip and told nothing else", http: "h2", headers: { "content-type": "application/grpc+json", "te": "trailers", "grpc-encoding": "gzip" }, body: frame(packed, 1), framed: true },
  { what: "gRPC-Web", http: "h1", headers: { "content-type": "application/grpc-web", ...web }, body: frame(noBytes), framed: true },
  { what: "gRPC-Web as text", http: "h1", headers: { "content-type": "application/grpc-web-text", ...web }, body: Buffer.from(Buffer.from(frame(noBytes)).toString("base64")), text: true, framed: true },
  { what: "Connect", http: "h1", headers: { "content-type": "application/proto", ...connect }, body: noBytes, framed: false },
  { what: "Connect in JSON", http: "h2", headers: { "content-type": "application/json", ...connect }, body: nothing, framed: false },
  { what: "Connect that is asked in gzip and told nothing else", http: "h1", headers: { "content-type": "application/json", "content-encoding": "gzip" }, body: packed, framed: false },
  { what: "Connect over GET", http: "h1", verb: "GET", query: "?connect=v1&encoding=json&message=%7B%7D", headers: connect, framed: false },
];
const streamed: readonly Way[] = [
  ...unary.filter(({ framed }) => framed),
  { what: "Connect", http: "h1", headers: { "content-type": "application/connect+proto", "connect-accept-encoding": "gzip" }, body: frame(noBytes), framed: true },
  { what: "Connect in JSON", http: "h2", headers: { "content-type": "application/connect+json", "connect-accept-encoding": "gzip" }, body: frame(nothing), framed: true },
];

/** Several padded base64 texts in a row, one a flush. */
const decoded = (body: Uint8Array): Buffer => Buffer.concat(Array.from(Buffer.from(body).toString("latin1").matchAll(/[A-Za-z0-9+/]+={0,2}/g), ([part]) => Buffer.from(part, "base64")));

describe.each(["fast", "connect-es"] as const)("with unary calls by %s", (executor) => {
  let parapet: Parapet;
  let transport: Transport;
  beforeAll(async () => {
    const registry = createFileRegistry(fromJson(FileDescriptorSetSchema, { file: [contract()] }));
    const vault = registry.getService(service)!;
    const answer = { held: { value: large } };
    async function* stream(): AsyncGenerator<object> {
      yield answer;
      yield answer;
    }
    parapet = createParapet({
      services: (router) => router.service(vault, { open: () => answer, closed: () => answer, openStream: stream, closedStream: stream } as never),
      overlay: Object.fromEntries(names.map((name) => [`${service}/${name}`, policy])),
      identity: { authenticate: () => Promise.reject(new Error("nobody signs in here")) },
      audit: { write: () => Promise.resolve() },
      limiter: null,
      unary: executor,
    });
    const port = await parapet.listen({ hosts: ["127.0.0.1"], port: 0 });
    transport = createTransport({ authority: `127.0.0.1:${port}`, hostname: "127.0.0.1", address: "127.0.0.1", port, tls: false, ca: undefined });
  });
  afterAll(async () => {
    transport.close();
    await parapet.close(1_000);
  });

  /** Whether each message of the answer came compressed; throws unless each is the one that was sent. */
  const compressed = async ({ http, verb = "POST", query = "", headers, body, text, framed }: Way, name: string): Promise<boolean[]> => {
    const response = await transport.exchange({ verb, path: `/${service}/${name}${query}`, headers: Object.entries(headers), body, http, source: undefined, timeoutMs: 10_000 });
    const coded = response.headers.get("content-encoding")?.[0] === "gzip";
    const parts = framed ? frames(text ? decoded(response.body) : response.body).filter(({ flags }) => (flags & 0x82) === 0) : [{ flags: Number(coded), data: response.body }];
    return parts.map(({ flags, data }) => {
      expect((flags === 1 ? gunzipSync(data) : Buffer.from(data)).includes(large)).toBe(true);
      return flags === 1;
    });
  };

  test.each(unary.map((way) => [way.what, way] as const))("unary over %s", async (_what, way) => {
    expect({ open: await compressed(way, "Open"), closed: await compressed(way, "Closed") }).toEqual({ open: [true], closed: [false] });
  });

  test.each(streamed.map((way) => [way.what, way] as const))("streamed over %s", async (_what, way) => {
    expect({ open: await compressed(way, "OpenStream"), closed: await compressed(way, "ClosedStream") }).toEqual({ open: [true, true], closed: [false, false] });
  });
});
