/** Calls against a server that answers well and badly. */
import { getEventListeners } from "node:events";
import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type FaultServer, ok, refuse, reset, silence, stall, startFaultServer, text, truncated } from "../test-support/fault-server.js";
import { act, create, login, read } from "../test-support/methods.js";
import { createTestClock } from "../test-support/test-clock.js";
import { type ClientOptions, createClient, hideSecrets, ParapetError, unary } from "./index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterAll(() => server.close());
beforeEach(() => {
  server.seen.length = 0;
});

/** A client whose back-off takes no time and whose deadlines never come unless the test moves the clock. */
function clientOf(options: Partial<ClientOptions> = {}) {
  const clock = createTestClock({ skipUpToMs: 10_000 });
  return { clock, client: createClient({ baseUrl: server.url, clock, random: () => 0.5, retryBudget: { ratio: 10 }, ...options }) };
}

async function errorOf(work: PromiseLike<unknown>): Promise<ParapetError> {
  try {
    await work;
  } catch (error) {
    expect(error).toBeInstanceOf(ParapetError);
    return error as ParapetError;
  }
  throw new Error("the call succeeded");
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe("a call", () => {
  it("posts JSON to the method's path and gives the message with what it does not know", async () => {
    server.script(ok({ name: "a", somethingNew: [1], state: "STATE_OF_TOMORROW" }));
    const { client } = clientOf({ apiKey: "key-1", headers: { "x-tenant": "t" }, timeoutMs: 5_000_000 });
    await expect(unary(client, read, { id: "7" }, { headers: { traceparent: "00-1" } })).resolves.toEqual({ name: "a", somethingNew: [1], state: "STATE_OF_TOMORROW" });
    const [request] = server.seen;
    expect(request?.path).toBe("/test.v1.Test/Read");
    expect(JSON.parse(String(request?.body))).toEqual({ id: "7" });
    expect(request?.headers).toMatchObject({
      "content-type": "application/json",
      "connect-protocol-version": "1",
      "connect-timeout-ms": "5000000",
      "x-api-key": "key-1",
      "x-tenant": "t",
      traceparent: "00-1",
    });
    expect(request?.headers).not.toHaveProperty("idempotency-key");
  });

  it("keeps the path of its base URL and needs no request", async () => {
    server.script(ok({}));
    await unary(clientOf({ baseUrl: `${server.url}/behind/proxy/` }).client, read, undefined);
    expect(server.seen[0]?.path).toBe("/behind/proxy/test.v1.Test/Read");
    expect(String(server.seen[0]?.body)).toBe("{}");
  });

  it("gives status, headers and request id with the message", async () => {
    server.script(ok({ name: "a" }, { "x-ratelimit-limit": "150" }));
    const { value, response } = await unary<{ name: string }, never>(clientOf().client, read, {}).withResponse();
    expect(value.name).toBe("a");
    expect(response).toMatchObject({ status: 200, requestId: "request-1", attempts: 1 });
    expect(response.headers.get("x-ratelimit-limit")).toBe("150");
  });

  it("gives its outcome as a value that never rejects", async () => {
    server.script(ok({ name: "a" }), refuse("not_found", { status: 404, reason: "THING_NOT_FOUND" }));
    const { client } = clientOf();
    expect(await unary(client, read, {}).result()).toMatchObject({ ok: true, value: { name: "a" } });
    const result = await unary<object, "THING_NOT_FOUND">(client, read, {}).result();
    expect(result).toMatchObject({ ok: false, error: { reason: "THING_NOT_FOUND", code: "not_found" } });
  });

  it("is a promise", async () => {
    server.script(refuse("not_found", { status: 404, reason: "GONE" }), ok({ a: 1 }));
    const { client } = clientOf();
    let settled = 0;
    expect(await unary(client, read, {}).catch((error) => error.reason)).toBe("GONE");
    expect(await unary(client, read, {}).finally(() => settled++)).toEqual({ a: 1 });
    expect(settled).toBe(1);
  });
});

describe("an error", () => {
  it("carries everything the server said, out of the details' bytes and never out of debug", async () => {
    server.script(
      refuse("invalid_argument", {
        status: 400,
        message: "invalid field",
        reason: "FIELD_INVALID",
        metadata: { clé: "wert" },
        violations: [{ field: "documents[3].key", description: "too short", reason: "string.min_len" }],
        quota: { subject: "user:a", description: "10 left" },
        retryDelayMs: 1234.5,
      }),
    );
    const error = await errorOf(unary(clientOf().client, read, {}));
    expect(error).toMatchObject({
      name: "ParapetError",
      message: "invalid field",
      code: "invalid_argument",
      reason: "FIELD_INVALID",
      domain: "parapet",
      metadata: { clé: "wert" },
      fieldViolations: [{ field: "documents[3].key", description: "too short", rule: "string.min_len" }],
      method: "test.v1.Test/Read",
      requestId: "request-1",
      attempts: 1,
      retryAfterMs: 1234.5,
      status: 400,
    });
    expect(error.details.map(({ type }) => type)).toEqual(["google.rpc.ErrorInfo", "google.rpc.BadRequest", "google.rpc.QuotaFailure", "google.rpc.RetryInfo"]);
    expect(error.details[2]).toMatchObject({ violations: [{ subject: "user:a", description: "10 left" }] });
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ reason: "FIELD_INVALID", requestId: "request-1", message: "invalid field" });
  });

  it.each([
    ["a proxy's page", text(502, "text/html", "<html>bad gateway</html>"), "unavailable", "RESPONSE_MALFORMED", 502],
    ["a portal's page", text(200, "text/html", "<html>please pay</html>"), "internal", "RESPONSE_MALFORMED", 200],
    ["JSON that breaks off", text(200, "application/json", '{"name": "a'), "internal", "RESPONSE_MALFORMED", 200],
    ["JSON that is no message", text(200, "application/json", "7"), "internal", "RESPONSE_MALFORMED", 200],
    ["JSON that is no error", text(404, "application/json", '{"oops": true}'), "unimplemented", "RESPONSE_MALFORMED", 404],
    ["a proxy's 401", text(401, "text/plain", "no"), "unauthenticated", "RESPONSE_MALFORMED", 401],
    ["a body that is cut off", truncated('{"name": "a'), "unavailable", "NETWORK_FAILED", 0],
    ["a cut connection", reset, "unavailable", "NETWORK_FAILED", 0],
    ["an error without a reason", refuse("aborted", { status: 409 }), "aborted", "UNSPECIFIED", 409],
    ["a redirect", text(307, "text/plain", "", { location: "http://127.0.0.1:9/elsewhere" }), "unknown", "RESPONSE_MALFORMED", 307],
  ] as const)("is typed after %s", async (_, answer, code, reason, status) => {
    server.script(answer);
    expect(await errorOf(unary(clientOf({ retries: 0 }).client, read, {}))).toMatchObject({ code, reason, status });
  });

  it("survives details that do not decode", async () => {
    const details = [null, 7, { type: "google.rpc.ErrorInfo", value: "//8=" }, { type: "google.rpc.RetryInfo", value: "***" }, { type: "acme.Other", value: "AQI" }, { type: "toString", value: "AQI" }];
    server.script(text(409, "application/json", JSON.stringify({ code: "aborted", details })));
    const error = await errorOf(unary(clientOf().client, read, {}));
    expect(error).toMatchObject({ code: "aborted", reason: "UNSPECIFIED", message: "aborted" });
    expect(error.details).toEqual([
      { type: "other", typeName: "google.rpc.ErrorInfo", value: new Uint8Array([255, 255]) },
      { type: "other", typeName: "acme.Other", value: new Uint8Array([1, 2]) },
      { type: "other", typeName: "toString", value: new Uint8Array([1, 2]) },
    ]);
  });

  it("is typed for a server that is not there, a request that is no JSON and headers that are none", async () => {
    const closed = await startFaultServer();
    await closed.close();
    expect(await errorOf(unary(clientOf({ baseUrl: closed.url, retries: 0 }).client, read, {}))).toMatchObject({ code: "unavailable", reason: "NETWORK_FAILED", requestId: "" });
    expect(await errorOf(unary(clientOf().client, read, { big: 1n }))).toMatchObject({ reason: "REQUEST_INVALID", attempts: 0, method: "test.v1.Test/Read" });
    expect(await errorOf(unary(clientOf().client, read, {}, { headers: { "x-a": "b\nc" } }))).toMatchObject({ reason: "REQUEST_INVALID" });
  });
});

describe("time", () => {
  it.each([
    ["no headers", silence],
    ["a body that stalls", stall('{"a":')],
  ])("is bounded over the whole call: %s", async (_, answer) => {
    server.script(answer);
    const { clock, client } = clientOf({ timeoutMs: 20_000 });
    const call = unary(client, read, {});
    await until(() => server.seen.length === 1);
    clock.advance(20_000);
    expect(await errorOf(call)).toMatchObject({ code: "deadline_exceeded", reason: "DEADLINE_PASSED", attempts: 1 });
    expect(clock.pending()).toEqual([]);
  });

  it("bounds the back-off too", async () => {
    server.script(refuse("unavailable", { reason: "STORE_UNAVAILABLE", retryDelayMs: 15_000 }));
    const { clock, client } = clientOf({ timeoutMs: 20_000 });
    const call = unary(client, read, {});
    await until(() => clock.pending().includes(15_000));
    clock.advance(20_000);
    expect(await errorOf(call)).toMatchObject({ reason: "DEADLINE_PASSED" });
  });

  it("of one attempt is bounded where asked for, and the next attempt has its own", async () => {
    server.script(silence, ok({ a: 1 }));
    const { clock, client } = clientOf({ timeoutMs: 60_000, attemptTimeoutMs: 20_000 });
    const call = unary(client, read, {});
    await until(() => server.seen.length === 1);
    clock.advance(20_000);
    await expect(call).resolves.toEqual({ a: 1 });
    expect(server.seen.map(({ headers }) => headers["connect-timeout-ms"])).toEqual(["20000", "20000"]);
  });

  it("of an attempt that is over is named when no retry is left", async () => {
    server.script(silence);
    const { clock, client } = clientOf({ timeoutMs: 60_000, attemptTimeoutMs: 20_000, retries: 0 });
    const call = unary(client, read, {});
    await until(() => server.seen.length === 1);
    clock.advance(20_000);
    expect(await errorOf(call)).toMatchObject({ code: "deadline_exceeded", reason: "ATTEMPT_TIMED_OUT", attempts: 1 });
  });

  it("leaves no timer behind, however an attempt ended", async () => {
    const { clock, client } = clientOf({ timeoutMs: 60_000, attemptTimeoutMs: 20_000 });
    for (const answer of [ok({}), reset, refuse("unavailable"), refuse("not_found", { status: 404 }), text(200, "text/html", "<html>")]) {
      server.script(answer);
      await unary(client, read, {}).result();
      expect(clock.pending()).toEqual([]);
    }
  });

  it("may be unbounded", async () => {
    server.script(ok({}));
    const { clock, client } = clientOf({ timeoutMs: Infinity });
    await unary(client, read, {});
    expect(clock.asked).toEqual([]);
    expect(server.seen[0]?.headers).not.toHaveProperty("connect-timeout-ms");
  });

  it("does not depend on a fetch that heeds its signal", async () => {
    const { clock, client } = clientOf({ timeoutMs: 20_000, fetch: () => new Promise(() => {}) });
    const call = unary(client, read, {});
    await until(() => clock.pending().length === 1);
    clock.advance(20_000);
    expect(await errorOf(call)).toMatchObject({ reason: "DEADLINE_PASSED" });
  });
});

describe("the deadline that the server is told", () => {
  it.each([
    [0.4, "1"],
    [8_640_000_000, "8640000000"],
    [Number.MAX_SAFE_INTEGER, undefined],
    [Infinity, undefined],
  ])("fits into what the protocol has room for: %s", async (timeoutMs, told) => {
    server.script(ok({}));
    await unary(createClient({ baseUrl: server.url, clock: createTestClock() }), read, {}, { timeoutMs });
    expect(server.seen[0]?.headers["connect-timeout-ms"]).toBe(told);
  });
});

describe("cancelling", () => {
  it("ends a call that waits for its answer, and closes the connection", async () => {
    server.script(silence);
    const controller = new AbortController();
    const call = unary(clientOf().client, read, {}, { signal: controller.signal });
    await until(() => server.seen.length === 1);
    controller.abort(new Error("enough"));
    expect(await errorOf(call)).toMatchObject({ code: "canceled", reason: "CALL_CANCELLED", cause: new Error("enough") });
    await until(() => server.seen[0]?.cut === true);
  });

  it("is why a call ended, whatever its fetch has to say of it", async () => {
    const fetch = (_: unknown, { signal }: RequestInit = {}) => new Promise<Response>((_resolve, reject) => signal!.addEventListener("abort", () => reject(new Error("of the fetch"))));
    const controller = new AbortController();
    const call = unary(clientOf({ fetch: fetch as typeof globalThis.fetch }).client, read, {}, { signal: controller.signal });
    setImmediate(() => controller.abort("because"));
    expect(await errorOf(call)).toMatchObject({ reason: "CALL_CANCELLED", attempts: 1, cause: "because" });
  });

  it("ends a call in its back-off", async () => {
    server.script(refuse("unavailable", { retryDelayMs: 15_000 }));
    const controller = new AbortController();
    const { clock, client } = clientOf();
    const call = unary(client, read, {}, { signal: controller.signal });
    await until(() => clock.pending().includes(15_000));
    controller.abort();
    expect(await errorOf(call)).toMatchObject({ reason: "CALL_CANCELLED", attempts: 1 });
    expect(clock.pending()).toEqual([]);
  });

  it("before the start sends nothing and asks for no token", async () => {
    let asked = 0;
    const { client } = clientOf({ token: () => String(asked++) });
    expect(await errorOf(unary(client, read, {}, { signal: AbortSignal.abort() }))).toMatchObject({ reason: "CALL_CANCELLED", attempts: 0 });
    expect([server.seen.length, asked]).toEqual([0, 0]);
  });

  it("leaves no listener on the caller's signal after 10,000 calls", async () => {
    const { signal } = new AbortController();
    const answers = [() => Response.json({}), () => Response.json({ code: "not_found" }, { status: 404 }), () => Promise.reject(new Error("down"))];
    let count = 0;
    const { client } = clientOf({ retries: 0, fetch: async () => answers[count++ % answers.length]!() });
    for (let at = 0; at < 10_000; at++) await unary(client, read, {}, { signal }).result();
    expect(count).toBe(10_000);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

describe("secrets", () => {
  const key = "parapet_live_0123456789abcdef";

  it("show up neither in a client nor in an error", async () => {
    server.script(refuse("permission_denied", { status: 403, reason: "PERMISSION_MISSING" }), reset);
    for (const credential of [{ apiKey: key }, { token: key }, { token: () => key }]) {
      const { client } = clientOf({ ...credential, headers: { cookie: key }, retries: 0 });
      const errors = [await errorOf(unary(client, read, { password: key })), await errorOf(unary(client, read, {}, { headers: { authorization: key } }))];
      for (const value of [client, ...errors]) {
        expect(inspect(value, { depth: 9, showHidden: true })).not.toContain(key);
        expect(JSON.stringify(value)).not.toContain(key);
      }
      expect(errors[0]?.stack).not.toContain(key);
    }
  });

  it("that no header can carry are refused without being shown", async () => {
    const bad = `${key}\n`;
    for (const make of [() => createClient({ baseUrl: server.url, apiKey: bad }), () => createClient({ baseUrl: server.url, token: bad }), () => createClient({ baseUrl: server.url, apiKey: "" })]) {
      expect(make).toThrow(expect.objectContaining({ reason: "CREDENTIAL_UNAVAILABLE" }));
      expect(make).not.toThrow(key);
    }
    const error = await errorOf(unary(clientOf({ token: () => bad }).client, read, {}));
    expect(error.reason).toBe("CREDENTIAL_UNAVAILABLE");
    expect(inspect(error)).not.toContain(key);
    expect(() => createClient({ baseUrl: `https://user:${key}@host` })).toThrow(expect.objectContaining({ reason: "REQUEST_INVALID", message: expect.not.stringContaining(key) }));
    expect(() => createClient({ baseUrl: server.url, headers: { cookie: `a\n${key}` } })).toThrow(expect.objectContaining({ message: expect.not.stringContaining(key) }));
  });

  it("of a response are there and do not print", async () => {
    server.script(ok({ token: key, nested: [{ token: key, name: "n" }] }));
    const response = await unary<{ token: string }, never>(clientOf().client, login, {}, {}, hideSecrets);
    expect(response.token).toBe(key);
    expect(inspect(response, { depth: 9 })).not.toContain(key);
    expect(inspect(response)).toContain("n");
    expect(Object.keys(response)).toEqual(["token", "nested"]);
  });

  it("are not handed to the host of a redirect", async () => {
    const other = await startFaultServer();
    server.script(text(307, "text/plain", "", { location: `${other.url}/x` }));
    await errorOf(unary(clientOf({ apiKey: key }).client, read, {}));
    await other.close();
    expect(other.seen).toEqual([]);
  });

  it("of both kinds at once, and bases that are no URL, are refused at the start", () => {
    expect(() => createClient({ baseUrl: server.url, apiKey: "a", token: "b" })).toThrow(expect.objectContaining({ reason: "REQUEST_INVALID" }));
    for (const baseUrl of ["", "host:1", "ftp://host", "https://host?x", "https://host#x"]) {
      expect(() => createClient({ baseUrl })).toThrow(expect.objectContaining({ reason: "REQUEST_INVALID" }));
    }
  });
});

describe("a key for idempotency", () => {
  it("is made where the method takes one, kept over all attempts, and never for others", async () => {
    server.script(refuse("unavailable", { reason: "STORE_UNAVAILABLE" }), reset, ok({}), ok({}));
    const { client } = clientOf();
    await unary(client, create, {});
    const keys = server.seen.map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^\d+(-\d+){3}$/);
    await unary(client, act, {}, { idempotencyKey: "mine" });
    expect(server.seen[3]?.headers).not.toHaveProperty("idempotency-key");
  });

  it("can be the caller's own, and is left out where nothing would repeat it", async () => {
    server.script(ok({}));
    const { client } = clientOf();
    await unary(client, create, {}, { idempotencyKey: "mine" });
    await unary(client, create, {}, { retries: 0 });
    expect(server.seen.map(({ headers }) => headers["idempotency-key"])).toEqual(["mine", undefined]);
  });

  it("among the headers of a call is the caller's own as well", async () => {
    server.script(reset, ok({}));
    await unary(clientOf().client, create, {}, { headers: { "Idempotency-Key": "mine" } });
    expect(server.seen.map(({ headers }) => headers["idempotency-key"])).toEqual(["mine", "mine"]);
  });
});

describe("what no header can carry", () => {
  it.each([
    ["a key", { idempotencyKey: "hush\nhush" }],
    ["a header", { headers: { "x-a": "hush\nhush" } }],
  ])("is refused before anything is sent, and neither shown nor waited for: %s", async (_, options) => {
    const { clock, client } = clientOf({ attemptTimeoutMs: 15_000 });
    const error = await errorOf(unary(client, create, {}, options));
    expect(error).toMatchObject({ reason: "REQUEST_INVALID", attempts: 0, method: create.name });
    expect(inspect(error)).not.toContain("hush");
    expect([server.seen.length, clock.pending()]).toEqual([0, []]);
  });
});
