/** Log entries of a client against a server that answers badly first. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { combineHooks, createClient, type Hooks, unary } from "../runtime/index.js";
import { type FaultServer, ok, refuse, startFaultServer } from "../test-support/fault-server.js";
import { read } from "../test-support/methods.js";
import { createTestClock } from "../test-support/test-clock.js";
import { createLoggingHooks, type LogEntry } from "./index.js";

const secret = "parapet_live_0123456789abcdef";
let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterAll(() => server.close());

function clientOf(hooks: Hooks) {
  return createClient({ baseUrl: server.url, apiKey: secret, hooks, clock: createTestClock({ skipUpToMs: 10_000 }), random: () => 0.5, retryBudget: { ratio: 10 }, headers: { cookie: secret, "x-tenant": "t" } });
}

it("an entry says how each attempt ended, and shows no secret even where it is asked to", async () => {
  const entries: LogEntry[] = [];
  const client = clientOf(createLoggingHooks((entry) => entries.push(entry), { showHeaders: ["x-tenant", "cookie", "authorization", "x-api-key"] }));
  server.script(refuse("unavailable", { reason: "STORE_UNAVAILABLE" }), ok({ token: secret }), refuse("not_found", { status: 404, reason: "THING_NOT_FOUND", message: secret }));
  await unary(client, read, { password: secret }, { headers: { authorization: secret } });
  await unary(client, read, {}).result();
  const common = { method: "test.v1.Test/Read", url: `${server.url}/test.v1.Test/Read`, requestId: "request-1" };
  expect(entries).toMatchObject([
    { ...common, level: "info", message: "test.v1.Test/Read failed: STORE_UNAVAILABLE, again in 100 ms", attempt: 1, status: 503, retryInMs: 100, headers: { authorization: "[redacted]", cookie: "[redacted]", "x-tenant": "t" } },
    { ...common, level: "debug", message: "test.v1.Test/Read succeeded", attempt: 2, status: 200 },
    { ...common, level: "warn", message: "test.v1.Test/Read failed: THING_NOT_FOUND", attempt: 1, status: 404, code: "not_found" },
  ]);
  expect(JSON.stringify(entries)).not.toContain(secret);
});

it("hooks combine: each sees what those before it added, and one that throws keeps nothing from the others", async () => {
  const entries: LogEntry[] = [];
  const calls: string[] = [];
  const traced: Hooks = { attempt: ({ headers }) => (headers.set("traceparent", "00-1"), () => void calls.push("traced")) };
  const broken: Hooks = {
    attempt() {
      throw new Error("hook");
    },
  };
  const ends: Hooks = {
    attempt: () => () => {
      throw new Error("end");
    },
  };
  server.script(ok({}));
  await unary(clientOf(combineHooks(broken, traced, ends, {}, createLoggingHooks((entry) => entries.push(entry)))), read, {});
  expect(calls).toEqual(["traced"]);
  expect(entries).toMatchObject([{ headers: { traceparent: "00-1", "x-tenant": "[redacted]" } }]);
});
