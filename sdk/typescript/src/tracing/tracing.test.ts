/** Spans of a client, seen through an API in the shape of OpenTelemetry's. */
import { expect, it } from "vitest";
import { createParapetClient } from "../connect/index.js";
import { createParapetClient as createWebClient } from "../connect/web.js";
import { createRestClient } from "../rest/index.js";
import { createClient, unary } from "../runtime/index.js";
import { read } from "../test-support/methods.js";
import { createTestClock } from "../test-support/test-clock.js";
import { createTracingHooks } from "./index.js";

interface SeenSpan {
  name: string;
  kind?: number;
  attributes: Record<string, string | number>;
  status?: number;
  parent: string;
  ended: boolean;
}

function recordingApi(spans: SeenSpan[]) {
  const ids = new Map<object, number>();
  return {
    context: { active: () => "the caller's span" },
    trace: {
      getTracer: () => ({
        startSpan(name: string, options: { kind?: number; attributes?: Record<string, string | number> } = {}, parent = "") {
          const seen: SeenSpan = { name, kind: options.kind, attributes: { ...options.attributes }, parent, ended: false };
          spans.push(seen);
          const span = {
            setAttribute: (key: string, value: string | number) => void (seen.attributes[key] = value),
            setStatus: ({ code }: { code: number }) => void (seen.status = code),
            end: () => void (seen.ended = true),
          };
          ids.set(span, spans.length);
          return span;
        },
      }),
      setSpan: (_: string, span: object) => `span ${ids.get(span)}`,
    },
    propagation: { inject: <C>(context: string, carrier: C, setter: { set(carrier: C, name: string, value: string): void }) => setter.set(carrier, "traceparent", context) },
  };
}

it("opens a span for each attempt under the caller's, sends it along, and closes it with the outcome", async () => {
  const spans: SeenSpan[] = [];
  const sent: (string | null)[] = [];
  const client = createClient({
    baseUrl: "http://test.example:8080",
    apiKey: "parapet_live_secret",
    clock: createTestClock({ skipUpToMs: 10_000 }),
    hooks: createTracingHooks(recordingApi(spans)),
    fetch: async (_, init) => {
      sent.push(new Headers(init.headers).get("traceparent"));
      return sent.length === 1 ? Response.json({ code: "unavailable" }, { status: 503 }) : Response.json({ secret: "answer" }, { headers: { "x-request-id": "r-2" } });
    },
  });
  await unary(client, read, { secret: "question" });
  expect(sent).toEqual(["span 1", "span 2"]);
  const common = { "rpc.system.name": "connectrpc", "rpc.method": "test.v1.Test/Read", "server.address": "test.example", "server.port": 8080 };
  expect(spans).toEqual([
    { name: "test.v1.Test/Read", kind: 2, parent: "the caller's span", ended: true, status: 2, attributes: { ...common, "http.response.status_code": 503, "rpc.response.status_code": "unavailable", "error.type": "UNSPECIFIED" } },
    { name: "test.v1.Test/Read", kind: 2, parent: "the caller's span", ended: true, attributes: { ...common, "http.request.resend_count": 1, "http.response.status_code": 200, "parapet.request_id": "r-2" } },
  ]);
  expect(JSON.stringify(spans)).not.toMatch(/secret|question/);
});

const method = "parapet.document.v1.DocumentService/Get";
const options = (spans: SeenSpan[]) => ({ apiKey: "parapet_live_secret", retries: 0, clock: createTestClock({ skipUpToMs: 10_000 }), hooks: createTracingHooks(recordingApi(spans)) });

it.each([
  ["grpc", "grpc", "UNAVAILABLE"],
  ["grpc-web", "grpc", "UNAVAILABLE"],
  ["connect", "connectrpc", "unavailable"],
] as const)("says what is spoken in Node: %s", async (protocol, system, code) => {
  const spans: SeenSpan[] = [];
  // Nobody listens on the port of discards.
  const client = createParapetClient({ protocol, baseUrl: "http://127.0.0.1:9", ...options(spans) });
  await expect(client.documents.get({ collection: "secret", key: "secret" })).rejects.toMatchObject({ code: "unavailable" });
  client.close();
  expect(spans).toMatchObject([{ name: method, status: 2, attributes: { "rpc.system.name": system, "rpc.method": method, "rpc.response.status_code": code, "server.address": "127.0.0.1", "server.port": 9 } }]);
  expect(JSON.stringify(spans)).not.toContain("secret");
});

it.each([
  ["grpc-web", "grpc", "application/grpc-web+proto", [0, 0, 0, 0, 0, 0x80, 0, 0, 0, 16, ...Buffer.from("grpc-status: 0\r\n")], { "rpc.response.status_code": "OK" }],
  ["connect", "connectrpc", "application/proto", [], {}],
] as const)("says what is spoken in browsers: %s", async (protocol, system, type, body, more) => {
  const spans: SeenSpan[] = [];
  const fetch = () => Promise.resolve(new Response(Uint8Array.from(body), { headers: { "content-type": type } }));
  await createWebClient({ protocol, baseUrl: "https://test.example", fetch, ...options(spans) }).documents.get({ collection: "secret", key: "secret" });
  expect(spans).toEqual([{ name: method, kind: 2, parent: "the caller's span", ended: true, attributes: { "rpc.system.name": system, "rpc.method": method, "server.address": "test.example", "server.port": 443, "http.response.status_code": 200, ...more } }]);
});

it("describes REST as HTTP, by the template of its path", async () => {
  const spans: SeenSpan[] = [];
  const answers = [Response.json({ key: "k" }), Response.json({ code: "not_found", reason: "DOCUMENT_NOT_FOUND", domain: "parapet", metadata: {} }, { status: 404 })];
  const rest = createRestClient({ baseUrl: "http://test.example", fetch: () => Promise.resolve(answers.shift()!), ...options(spans) });
  const path = "/v1/collections/{collection}/documents/{key}";
  const params = { path: { collection: "secret", key: "secret" }, query: { lang: "secret" } };
  await rest.GET(path, { params });
  await rest.DELETE(path, { params });
  const common = { "url.template": path, "server.address": "test.example", "server.port": 80 };
  expect(spans).toEqual([
    { name: `GET ${path}`, kind: 2, parent: "the caller's span", ended: true, attributes: { ...common, "http.request.method": "GET", "http.response.status_code": 200 } },
    { name: `DELETE ${path}`, kind: 2, parent: "the caller's span", ended: true, status: 2, attributes: { ...common, "http.request.method": "DELETE", "http.response.status_code": 404, "error.type": "DOCUMENT_NOT_FOUND" } },
  ]);
  expect(JSON.stringify(spans)).not.toContain("secret");
});
