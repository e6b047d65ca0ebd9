/** Whatever the bench compares answers the same message to the same request. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { request as requestHttp1 } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { fileURLToPath } from "node:url";
import { create, fromBinary, fromJson, type JsonObject, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { type Document, DocumentSchema } from "@parapet/contract/parapet/document/v1/document_pb";
import { AddRequestSchema, GetResponseSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { benchCollection, sampleAdd, sampleDocument } from "../bench/src/load/document.js";
import { keyOf, keyPlaceholder, type RequestTemplate } from "../bench/src/load/job.js";
import { requestOf, wireOf, type WireProtocol } from "../bench/src/load/requests.js";
import type { PeerPorts } from "../bench/src/peers/peer.js";
import { endChild, nextMessage, startChild } from "../bench/src/process/child.js";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";

const peerProcess = fileURLToPath(new URL("../bench/dist/peers/peer-process.js", import.meta.url));

/** Time that a process may take to start or to end on a busy machine. */
const startTimeoutMs = 60_000;

/** What each peer is measured with. */
const spoken: Readonly<Record<string, readonly WireProtocol[]>> = {
  "connect-node": ["grpc", "connect-json"],
  "grpc-js": ["grpc"],
  fastify: ["connect-json", "rest"],
  "node:http": ["rest"],
  "node:http2": ["grpc"],
  gated: ["grpc", "connect-json"],
  bare: ["grpc", "connect-json", "rest"],
  "one port": ["rest"],
};

const authorization = "Bearer whatever";
/** Another key than the one in the template, so that an answer shows that the request was read. */
const key = keyOf(4321);

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

/** Sends the request of the load, byte for byte but for the key. */
function send(port: number, template: RequestTemplate): Promise<Answer> {
  return template.wire === "http1" ? sendHttp1(port, Buffer.from(template.bytes)) : sendHttp2(port, template);
}

async function sendHttp1(port: number, bytes: Buffer): Promise<Answer> {
  const [head, body] = bytes.toString("latin1").replace(keyPlaceholder, key).split("\r\n\r\n") as [string, string];
  const [line, ...fields] = head.split("\r\n");
  const [method, path] = line!.split(" ");
  const headers = Object.fromEntries(fields.map((field) => [field.slice(0, field.indexOf(":")), field.slice(field.indexOf(":") + 2)]));
  const outgoing = requestHttp1({ host: "127.0.0.1", port, method, path, headers, agent: false });
  outgoing.end(Buffer.from(body, "latin1"));
  const [response] = (await once(outgoing, "response")) as [import("node:http").IncomingMessage];
  return { status: response.statusCode!, contentType: response.headers["content-type"]!, body: await read(response) };
}

async function sendHttp2(port: number, { headers, body }: Extract<RequestTemplate, { wire: "http2" }>): Promise<Answer> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request(Object.fromEntries(headers.filter(([name]) => name !== ":scheme" && name !== ":authority")));
    stream.end(Buffer.from(Buffer.from(body).toString("latin1").replace(keyPlaceholder, key), "latin1"));
    const [response] = (await once(stream, "response")) as [import("node:http2").IncomingHttpHeaders & { ":status": number }];
    return { status: response[":status"], contentType: response["content-type"]!, body: await read(stream) };
  } finally {
    session.close();
  }
}

async function read(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The document in an answer. */
function documentIn(protocol: WireProtocol, { status, contentType, body }: Answer): Document {
  expect(status).toBe(200);
  if (wireOf(protocol) === "http2") {
    expect(contentType).toMatch(/^application\/grpc/);
    expect(body[0], "not compressed").toBe(0);
    return fromBinary(GetResponseSchema, body.subarray(5, 5 + body.readUInt32BE(1))).document!;
  }
  expect(contentType).toMatch(/^application\/json/);
  const json = JSON.parse(body.toString()) as JsonObject;
  return fromJson(DocumentSchema, protocol === "rest" ? json : (json["document"] as JsonValue));
}

describe.each(Object.entries(spoken))("the peer %s", (name, protocols) => {
  let child: ChildProcess;
  let ports: PeerPorts;
  beforeAll(async () => {
    child = startChild({ module: peerProcess, args: [name] });
    ({ ports } = await nextMessage<{ ports: PeerPorts }>(child));
  }, startTimeoutMs);
  afterAll(() => endChild(child), startTimeoutMs);

  it.each(protocols)("answers %s with the sample document under the key that was asked for", async (protocol) => {
    const answer = await send(ports[wireOf(protocol)]!, requestOf("get", protocol, { authorization }));
    expect(toJson(DocumentSchema, documentIn(protocol, answer))).toEqual(toJson(DocumentSchema, { ...sampleDocument(), key }));
  });
});

describe("Parapet", () => {
  let server: TestServer;
  let token: string;
  beforeAll(async () => {
    server = await startTestServer();
    const post = async (path: string, body: JsonValue): Promise<JsonObject> => {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...(token === undefined ? {} : { authorization: token }) },
        body: JSON.stringify(body),
      });
      expect(response.status, path).toBe(200);
      return (await response.json()) as JsonObject;
    };
    token = `Bearer ${(await post("/v1/auth/login", { username: server.adminUser, password: server.adminPassword }))["token"] as string}`;
    await post("/v1/add", toJson(AddRequestSchema, create(AddRequestSchema, { ...sampleAdd(), key, collection: benchCollection })));
  }, startTimeoutMs);
  afterAll(() => server.close());

  it.each(["grpc", "connect-json", "rest"] as const)("answers %s with a document of the same fields and as many bytes", async (protocol) => {
    const document = documentIn(protocol, await send(server.port, requestOf("get", protocol, { authorization: token })));
    const sample = sampleDocument();
    const { id, addedAt, updatedAt, etag } = document;
    expect(toJson(DocumentSchema, document)).toEqual(toJson(DocumentSchema, { ...sample, key, id, addedAt, updatedAt, etag }));
    // Times are as long as their nanoseconds are.
    expect(Math.abs(toBinary(DocumentSchema, document).length - toBinary(DocumentSchema, sample).length)).toBeLessThanOrEqual(8);
  });
});
