/** Answers that are none of the API's, over every protocol of this layer: typed with the reasons of the default layer. */
import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ParapetError } from "../runtime/error.js";
import { type FaultServer, reset, startFaultServer, text } from "../test-support/fault-server.js";
import { createParapetClient } from "./index.js";
import { createParapetClient as createWebClient } from "./web.js";

/** A page instead of an answer, and bytes that are no message, of whatever type was asked in. */
type Answered = readonly [status: number, type: string | undefined, body: Uint8Array];

let http1: FaultServer;
let http2: Http2Server;
let answered: Answered = [200, undefined, new Uint8Array()];
beforeAll(async () => {
  http1 = await startFaultServer();
  http2 = createServer((request, response) => {
    request.resume();
    const [status, type = request.headers["content-type"]!, body] = answered;
    request.on("end", () => response.writeHead(status, { "content-type": type }).end(body));
  });
  await new Promise<void>((resolve) => http2.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  http2.close();
  await http1.close();
});

const options = { apiKey: "k", retries: 0 };
const clients = {
  "connect on Node": () => createParapetClient({ ...options, baseUrl: http1.url, protocol: "connect" }),
  "grpc-web on Node": () => createParapetClient({ ...options, baseUrl: http1.url, protocol: "grpc-web" }),
  "grpc on Node": () => createParapetClient({ ...options, baseUrl: `http://127.0.0.1:${(http2.address() as AddressInfo).port}`, protocol: "grpc" }),
  "connect over fetch": () => createWebClient({ ...options, baseUrl: http1.url, protocol: "connect" }),
  "grpc-web over fetch": () => createWebClient({ ...options, baseUrl: http1.url, protocol: "grpc-web" }),
} as const;

const page = Buffer.from("<html>please sign in</html>");
const noise = Uint8Array.of(0, 0, 0, 0, 9, 255, 255);

async function errorsOf(name: keyof typeof clients): Promise<ParapetError[]> {
  const client = clients[name]();
  const read = async (): Promise<void> => {
    for await (const _ of client.documents.export({ collection: "c" })) expect.unreachable();
  };
  const errors = await Promise.all([client.documents.get({ collection: "c", key: "k" }), read()].map((work) => (work as Promise<unknown>).then(() => expect.unreachable(), (error: unknown) => error as ParapetError)));
  (client as { close?: () => void }).close?.();
  return errors;
}

describe.each(Object.keys(clients) as (keyof typeof clients)[])("%s", (name) => {
  it.each<[string, Answered, object]>([
    ["a portal's page", [200, "text/html", page], { reason: "RESPONSE_MALFORMED", status: 200 }],
    ["a proxy's page", [502, "text/html", page], { reason: "RESPONSE_MALFORMED", code: "unavailable", status: 502 }],
    ["a proxy's refusal", [401, "text/plain", page], { reason: "RESPONSE_MALFORMED", code: "unauthenticated", status: 401 }],
    ["another API's JSON", [200, "application/json", Buffer.from('{"a":1}')], { reason: "RESPONSE_MALFORMED", status: 200 }],
    ["a proxy's JSON", [503, "application/json", Buffer.from('["down"]')], { reason: "RESPONSE_MALFORMED", code: "unavailable", status: 503 }],
    ["nothing at all", [204, "application/octet-stream", new Uint8Array()], { reason: "RESPONSE_MALFORMED", status: 204 }],
    ["a redirect", [301, "application/octet-stream", new Uint8Array()], { reason: "RESPONSE_MALFORMED", status: 301 }],
    ["bytes that are no message", [200, undefined, noise], { reason: "RESPONSE_MALFORMED", code: "internal", status: 200 }],
  ])("is told of %s", async (_, answer, wanted) => {
    answered = answer;
    http1.script((response, request) => text(answer[0], answer[1] ?? request.headers["content-type"]!, answer[2] as unknown as string)(response, request));
    for (const error of await errorsOf(name)) expect(error).toMatchObject({ name: "ParapetError", attempts: 1, ...wanted });
  });
});

it("a connection that is cut is told from an answer that is none", async () => {
  http1.script(reset);
  for (const error of await errorsOf("connect on Node")) expect(error).toMatchObject({ reason: "NETWORK_FAILED", code: "unavailable", status: 0 });
});

it.each([
  ["as it is", {}, Buffer.alloc(5_000)],
  ["once it is unpacked", { "content-encoding": "gzip" }, gzipSync(Buffer.alloc(5_000))],
] as const)("a message that is larger than the client takes is none, be it %s", async (_, headers, body) => {
  http1.script(text(200, "application/proto", body as unknown as string, headers));
  const client = createParapetClient({ ...options, baseUrl: http1.url, protocol: "connect", messageBytesMax: 1_000 });
  await expect(client.documents.get({ collection: "c", key: "k" })).rejects.toMatchObject({ name: "ParapetError", reason: "RESPONSE_MALFORMED", status: 200, attempts: 1 });
  client.close();
});

it("a request that cannot be written is the caller's own mistake", async () => {
  const { documents } = clients["grpc-web over fetch"]();
  await expect(documents.search({ collection: "c", limit: 1e99 })).rejects.toMatchObject({ name: "ParapetError", reason: "REQUEST_INVALID", code: "invalid_argument" });
});
