/** Spans of a client, seen through an API in the shape of OpenTelemetry's. */
import { expect, it } from "vitest";
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
  const common = { "rpc.system": "connect_rpc", "rpc.service": "test.v1.Test", "rpc.method": "Read", "server.address": "test.example", "server.port": 8080 };
  expect(spans).toEqual([
    { name: "test.v1.Test/Read", kind: 2, parent: "the caller's span", ended: true, status: 2, attributes: { ...common, "http.response.status_code": 503, "rpc.connect_rpc.error_code": "unavailable", "error.type": "UNSPECIFIED" } },
    { name: "test.v1.Test/Read", kind: 2, parent: "the caller's span", ended: true, attributes: { ...common, "http.request.resend_count": 1, "http.response.status_code": 200, "parapet.request_id": "r-2" } },
  ]);
  expect(JSON.stringify(spans)).not.toMatch(/secret|question/);
});
