/** What is sent again, when, and how often. */
import { inspect } from "node:util";
import { getOption } from "@bufbuild/protobuf";
import { Code } from "@parapet/contract/google/rpc/code_pb";
import { ReasonSchema, spec } from "@parapet/contract/parapet/error/v1/reason_pb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type FaultServer, ok, refuse, reset, startFaultServer, text } from "../test-support/fault-server.js";
import { act, create, login, read } from "../test-support/methods.js";
import { createTestClock } from "../test-support/test-clock.js";
import { type AttemptEnd, type AttemptStart, type ClientOptions, combineHooks, createClient, ParapetError, unary } from "./index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterAll(() => server.close());
beforeEach(() => {
  server.seen.length = 0;
});

function clientOf(options: Partial<ClientOptions> = {}) {
  const clock = createTestClock({ skipUpToMs: 10_000 });
  return { clock, client: createClient({ baseUrl: server.url, clock, random: () => 0.5, retryBudget: { ratio: 10 }, ...options }) };
}

const failing = (work: PromiseLike<unknown>): Promise<ParapetError> =>
  Promise.resolve(work).then(
    () => Promise.reject(new Error("the call succeeded")),
    (error: unknown) => error as ParapetError,
  );

describe("the contract decides what is sent again", () => {
  const passing = refuse("unavailable", { reason: "STORE_UNAVAILABLE" });
  it.each([
    ["a method without side effects after a reset", read, {}, reset, 3],
    ["a method without side effects after a refusal that passes", read, {}, passing, 3],
    ["a method without side effects after a proxy's 503", read, {}, text(503, "text/html", "<html>"), 3],
    ["a method with a key after a reset", create, {}, reset, 3],
    ["a method with a key that was told not to", create, { retries: 0 }, reset, 1],
    ["any other method after a reset", act, {}, reset, 1],
    ["any other method with somebody's key", act, { idempotencyKey: "k" }, passing, 1],
    ["a limited call", read, {}, refuse("resource_exhausted", { status: 429, reason: "RATE_LIMITED", retryDelayMs: 100 }), 3],
    ["a message that is too large", read, {}, refuse("resource_exhausted", { status: 413, reason: "MESSAGE_TOO_LARGE" }), 1],
    ["a bare resource_exhausted", read, {}, refuse("resource_exhausted", { status: 429 }), 1],
    ["a key in flight", create, {}, refuse("aborted", { status: 409, reason: "IDEMPOTENCY_IN_FLIGHT" }), 3],
    ["a conflict", create, {}, refuse("aborted", { status: 409, reason: "ETAG_MISMATCH" }), 1],
    ["a defect", read, {}, refuse("internal", { status: 500, reason: "INTERNAL" }), 1],
    ["a portal's page", read, {}, text(200, "text/html", "<html>"), 1],
  ] as const)("%s", async (_, method, options, answer, requests) => {
    server.script(answer);
    const error = await failing(unary(clientOf().client, method, {}, options));
    expect(error).toBeInstanceOf(ParapetError);
    expect(server.seen).toHaveLength(requests);
    expect(error.attempts).toBe(requests);
  });

  it("as its reasons say: all that pass, and no other", async () => {
    const values = ReasonSchema.values.filter(({ number }) => number !== 0);
    expect(values.length).toBeGreaterThan(30);
    for (const value of values) {
      const { code, retryable } = getOption(value, spec);
      server.seen.length = 0;
      server.script(refuse(Code[code].toLowerCase(), { reason: value.name.replace("REASON_", "") }));
      await failing(unary(clientOf({ retries: 1 }).client, read, {}));
      expect([value.name, server.seen.length]).toEqual([value.name, retryable ? 2 : 1]);
    }
  });
});

describe("a wait", () => {
  it("is random between nothing and a bound that doubles up to its cap", async () => {
    server.script(reset);
    const { clock, client } = clientOf({ retries: 5, random: () => 0.999, backoff: { baseMs: 100, capMs: 500 }, timeoutMs: Infinity });
    await failing(unary(client, read, {}));
    expect(clock.asked.map(Math.round)).toEqual([100, 200, 400, 500, 500]);
    const calm = clientOf({ random: () => 0, timeoutMs: Infinity });
    await failing(unary(calm.client, read, {}));
    expect(calm.clock.asked).toEqual([0, 0]);
  });

  it.each([
    ["RetryInfo, exactly", refuse("resource_exhausted", { reason: "RATE_LIMITED", retryDelayMs: 2345.5, headers: { "retry-after": "3" } }), 2345.5],
    ["Retry-After in seconds", refuse("unavailable", { headers: { "retry-after": "7" } }), 7000],
    ["Retry-After twice, of which the first counts", (response) => void response.writeHead(503, [["retry-after", "7"], ["retry-after", "9"]].flat()).end(), 7000],
    ["Retry-After of a proxy's 429", text(429, "text/plain", "slow down", { "retry-after": "2" }), 2000],
    [
      "Retry-After as a date, by the server's clock",
      refuse("unavailable", { headers: { date: "Sun, 06 Nov 1994 08:49:37 GMT", "retry-after": "Sun, 06 Nov 1994 08:49:40 GMT" } }),
      3000,
    ],
  ])("is what the server asks for: %s", async (_, answer, waitMs) => {
    server.script(answer, ok({ a: 1 }));
    const { clock, client } = clientOf({ timeoutMs: Infinity });
    await expect(unary(client, read, {})).resolves.toEqual({ a: 1 });
    expect(clock.asked).toEqual([waitMs]);
  });

  it.each(["-5", "soon", "", "Sun, 06 Nov 1994 08:49:37 GMT", "NaN"])("is the client's own where the server asks for none: %s", async (value) => {
    server.script(refuse("unavailable", { headers: { "retry-after": value } }), ok({ a: 1 }));
    const { clock, client } = clientOf({ timeoutMs: Infinity });
    await expect(unary(client, read, {})).resolves.toEqual({ a: 1 });
    expect(clock.asked).toEqual([100]);
  });

  it("is counted by the machine's own clock where the server does not tell its date", async () => {
    const { clock, client } = clientOf({ timeoutMs: Infinity, fetch: async () => answers.shift()!() });
    const answers = [() => Response.json({ code: "unavailable" }, { status: 503, headers: { "retry-after": new Date(clock.date() + 4_000).toUTCString() } }), () => Response.json({ a: 1 })];
    await expect(unary(client, read, {})).resolves.toEqual({ a: 1 });
    expect(clock.asked).toEqual([4_000]);
  });

  it("that does not fit the deadline fails the call at once, and says how long it is", async () => {
    server.script(refuse("resource_exhausted", { status: 429, reason: "RATE_LIMITED", headers: { "retry-after": "3600" } }));
    const { clock, client } = clientOf({ timeoutMs: 30_000 });
    expect(await failing(unary(client, read, {}))).toMatchObject({ reason: "RATE_LIMITED", retryAfterMs: 3_600_000, attempts: 1 });
    expect(clock.asked).toEqual([30_000]);
  });

  it("is named to the caller of a method that is not sent again", async () => {
    server.script(refuse("resource_exhausted", { status: 429, reason: "RATE_LIMITED", retryDelayMs: 400 }));
    expect(await failing(unary(clientOf().client, act, {}))).toMatchObject({ retryAfterMs: 400, attempts: 1 });
  });
});

describe("the retry budget", () => {
  it("lets a dead server see at most a tenth more requests", async () => {
    server.script(text(503, "text/html", "<html>"));
    const { client } = clientOf({ retryBudget: {} });
    for (let call = 0; call < 100; call++) await failing(unary(client, read, {}));
    expect(server.seen.length).toBeGreaterThan(100);
    expect(server.seen.length).toBeLessThanOrEqual(110);
  });

  it("lets the very first call have one retry, and is shared by concurrent calls", async () => {
    server.script(reset);
    const { client } = clientOf({ retryBudget: {} });
    await Promise.all([1, 2, 3].map(() => failing(unary(client, read, {}))));
    expect(server.seen).toHaveLength(4);
  });

  it("saves up no more than its burst, and can be turned off", async () => {
    server.script(ok({}));
    const { client } = clientOf({ retryBudget: { ratio: 1, burst: 2 } });
    for (let call = 0; call < 20; call++) await unary(client, read, {});
    server.script(reset);
    server.seen.length = 0;
    await failing(unary(client, read, {}, { retries: 9 }));
    expect(server.seen).toHaveLength(3);
    server.seen.length = 0;
    await failing(unary(clientOf({ retryBudget: { ratio: 0 } }).client, read, {}));
    expect(server.seen).toHaveLength(1);
  });
});

describe("the machine's own clock", () => {
  it("gives a call more than the weeks that a timer can wait", async () => {
    const fetch = () => new Promise<Response>((resolve) => setTimeout(() => resolve(Response.json({ a: 1 })), 20));
    const client = createClient({ baseUrl: server.url, fetch, timeoutMs: 2 ** 31, attemptTimeoutMs: 2 ** 32 });
    await expect(unary(client, read, {})).resolves.toEqual({ a: 1 });
  });
});

describe("a token source", () => {
  const byToken = (good: string) => (response: Parameters<ReturnType<typeof ok>>[0], request: Parameters<ReturnType<typeof ok>>[1]) =>
    request.headers.authorization === `Bearer ${good}` ? ok({ a: 1 })(response, request) : refuse("unauthenticated", { status: 401, reason: "TOKEN_EXPIRED" })(response, request);

  it("is asked once, and its token kept", async () => {
    server.script(ok({}));
    let asked = 0;
    const { clock, client } = clientOf({ token: async () => `t${++asked}` });
    await Promise.all([unary(client, read, {}), unary(client, read, {})]);
    await unary(client, read, {});
    expect([asked, clock.pending()]).toEqual([1, []]);
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(["Bearer t1", "Bearer t1", "Bearer t1"]);
  });

  it("is asked again once for all concurrent calls that were refused, even of methods that may not be repeated", async () => {
    server.script(byToken("t2"));
    let asked = 0;
    const { client } = clientOf({ token: async () => `t${++asked}` });
    await expect(Promise.all(Array.from({ length: 20 }, () => unary(client, act, {})))).resolves.toHaveLength(20);
    expect(asked).toBe(2);
    expect(server.seen).toHaveLength(40);
  });

  it("is asked again once a call only", async () => {
    server.script(byToken("never"));
    let asked = 0;
    const { client } = clientOf({ token: () => `t${++asked}` });
    expect(await failing(unary(client, read, {}))).toMatchObject({ reason: "TOKEN_EXPIRED", attempts: 2 });
    expect(asked).toBe(2);
  });

  it("is not asked because of a wrong password, nor for a fixed credential", async () => {
    server.script(refuse("unauthenticated", { status: 401, reason: "LOGIN_FAILED" }));
    let asked = 0;
    await failing(unary(clientOf({ token: () => `t${++asked}` }).client, act, {}));
    expect([asked, server.seen.length]).toEqual([1, 1]);
    server.script(refuse("unauthenticated", { status: 401, reason: "TOKEN_INVALID" }));
    await failing(unary(clientOf({ token: "fixed" }).client, read, {}));
    expect(server.seen).toHaveLength(2);
  });

  it("may call an open method of its own client, and give the response of a login as it is", async () => {
    server.script((response, request) => (request.path.endsWith("Login") ? ok({ token: "fresh", expiresAt: 0 }) : byToken("fresh"))(response, request));
    const { client } = clientOf({ token: () => unary<{ token: string; expiresAt: number }, never>(client, login, { username: "a" }) });
    await expect(unary(client, read, {})).resolves.toEqual({ a: 1 });
    expect(server.seen.map(({ path, headers }) => [path.split("/").pop(), headers.authorization])).toEqual([
      ["Login", undefined],
      ["Read", "Bearer fresh"],
    ]);
  });

  it("is asked again shortly before its token ends", async () => {
    server.script(ok({}));
    let asked = 0;
    const { clock, client } = clientOf({ token: () => ({ token: `t${++asked}`, expiresAt: clock.date() / 1000 + 3600 }) });
    await unary(client, read, {});
    clock.advance(3_580_000);
    await unary(client, read, {});
    clock.advance(15_000);
    await unary(client, read, {});
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(["Bearer t1", "Bearer t1", "Bearer t2"]);
  });

  it("is asked once where this machine's clock is so far ahead that every token seems to have ended", async () => {
    server.script(ok({}));
    let asked = 0;
    const { clock, client } = clientOf({ token: () => ({ token: `t${++asked}`, expiresAt: clock.date() / 1000 - 7200 }) });
    for (let call = 0; call < 3; call++) await unary(client, read, {});
    expect(asked).toBe(1);
    server.script(byToken("t2"));
    await unary(client, read, {});
    expect(asked).toBe(2);
  });

  it("that fails, fails the call with its cause, and is asked again by the next", async () => {
    server.script(ok({}));
    let asked = 0;
    const cause = new Error("no network");
    const { client } = clientOf({ token: () => (asked++ === 0 ? Promise.reject(cause) : "t") });
    expect(await failing(unary(client, read, {}))).toMatchObject({ code: "unauthenticated", reason: "CREDENTIAL_UNAVAILABLE", attempts: 0, cause });
    await unary(client, read, {});
  });

  it.each<[string, () => never | Promise<never>]>([
    ["at once", () => { throw new Error("no network"); }],
    ["later", () => Promise.reject(new Error("no network"))],
    ["with what is no error", () => { throw undefined; }],
  ])("that fails %s is asked again, once for all concurrent calls", async (_, fail) => {
    server.script(ok({}));
    let asked = 0;
    const { client } = clientOf({ token: () => (asked++ === 0 ? fail() : "t") });
    const reasons = (await Promise.all(Array.from({ length: 100 }, () => unary(client, read, {}).result()))).map((result) => result.ok || result.error.reason);
    expect([new Set(reasons), asked]).toEqual([new Set(["CREDENTIAL_UNAVAILABLE"]), 1]);
    await unary(client, read, {});
    expect([asked, server.seen.length]).toEqual([2, 1]);
  });

  it.each<[string, () => string | Promise<string>, string, number]>([
    ["gives the refused token again", () => "t", "TOKEN_EXPIRED", 200],
    ["fails", () => Promise.reject(new Error("no network")), "CREDENTIAL_UNAVAILABLE", 100],
  ])("that %s when 100 concurrent calls were refused fails them all, and sends no call more than twice", async (_, second, reason, requests) => {
    server.script(byToken("never"));
    let asked = 0;
    const { client } = clientOf({ token: () => (asked++ === 0 ? "t" : second()) });
    const results = await Promise.all(Array.from({ length: 100 }, () => unary(client, read, {}).result()));
    expect(new Set(results.map((result) => result.ok || result.error.reason))).toEqual(new Set([reason]));
    expect(server.seen).toHaveLength(requests);
    if (reason === "TOKEN_EXPIRED") expect(asked).toBe(2);
  });

  it("that asks its own client for what needs a token ends with an error, and not never", async () => {
    server.script(ok({}));
    let asked = 0;
    const made: ReturnType<typeof clientOf> = clientOf({ timeoutMs: 20_000, token: async () => (asked++, String(await unary(made.client, read, {}))) });
    const call = failing(unary(made.client, read, {}));
    while (asked === 0) await new Promise((resolve) => setImmediate(resolve));
    made.clock.advance(20_000);
    expect((await call).code).toMatch(/unauthenticated|deadline_exceeded/);
    expect([asked, server.seen.length]).toEqual([1, 0]);
  });

  it("that hangs ends with the deadline of the call, and not of calls after it", async () => {
    server.script(ok({}));
    let asked = 0;
    const { clock, client } = clientOf({ token: () => (asked++ === 0 ? new Promise<string>(() => {}) : "t"), timeoutMs: 20_000 });
    const call = failing(unary(client, read, {}, { timeoutMs: 15_000 }));
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(15_000);
    expect((await call).reason).toBe("DEADLINE_PASSED");
    clock.advance(5_000);
    await new Promise((resolve) => setImmediate(resolve));
    await unary(client, read, {});
  });
});

describe("a hook", () => {
  it("sees every attempt with its outcome, may add headers, and never sees the credential", async () => {
    server.script(refuse("unavailable", { reason: "STORE_UNAVAILABLE" }), refuse("unauthenticated", { status: 401, reason: "TOKEN_EXPIRED" }), ok({}));
    const starts: AttemptStart[] = [];
    const ends: AttemptEnd[] = [];
    const seen: unknown[] = [];
    const { client } = clientOf({
      token: () => "secret-token",
      hooks: {
        attempt(start) {
          starts.push(start);
          seen.push([...start.headers]);
          start.headers.set("traceparent", `00-${start.attempt}`);
          return (end) => void ends.push(end);
        },
      },
    });
    await unary(client, read, {});
    expect(starts.map(({ method, attempt }) => [method, attempt])).toEqual([1, 2, 3].map((attempt) => ["test.v1.Test/Read", attempt]));
    expect(ends).toMatchObject([
      { status: 503, code: "unavailable", reason: "STORE_UNAVAILABLE", retryInMs: 100, requestId: "request-1" },
      { status: 401, reason: "TOKEN_EXPIRED", retryInMs: 0 },
      { status: 200 },
    ]);
    expect(ends[2]?.code).toBeUndefined();
    expect(server.seen.map(({ headers }) => headers["traceparent"])).toEqual(["00-1", "00-2", "00-3"]);
    expect(JSON.stringify([seen, ends])).not.toContain("secret-token");
    // Not even once the call is over.
    expect(inspect(starts, { depth: 9, showHidden: true })).not.toContain("secret-token");
  });

  it("hears how long each attempt took", async () => {
    const took: number[] = [];
    const { clock, client } = clientOf({ hooks: { attempt: () => ({ durationMs }) => void took.push(durationMs) }, fetch: async () => (clock.advance(took.length ? 30 : 20), Response.json({ code: "unavailable" }, { status: 503 })), retries: 1 });
    await failing(unary(client, read, {}));
    expect(took).toEqual([20, 30]);
  });

  it("that throws breaks nothing", async () => {
    server.script(ok({ a: 1 }));
    const unhandled: unknown[] = [];
    const note = (thrown: unknown): void => void unhandled.push(thrown);
    process.on("unhandledRejection", note);
    for (const attempt of [() => { throw new Error("hook"); }, () => () => { throw new Error("hook"); }, () => () => Promise.reject(new Error("hook"))]) {
      await expect(unary(clientOf({ hooks: { attempt } }).client, read, {})).resolves.toEqual({ a: 1 });
      await expect(unary(clientOf({ hooks: combineHooks({ attempt }, {}) }).client, read, {})).resolves.toEqual({ a: 1 });
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });
});
