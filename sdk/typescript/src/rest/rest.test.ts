/** The rules of the runtime over openapi-fetch, against a server that answers well and badly. */
import { getEventListeners } from "node:events";
import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answer, type FaultServer, ok, reset, silence, stall, startFaultServer, text, truncated } from "../test-support/fault-server.js";
import { createTestClock } from "../test-support/test-clock.js";
import { createRestClient, ParapetError, type RestCallOptions, type RestOptions, stream, unwrap } from "./index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterAll(() => server.close());
beforeEach(() => {
  server.seen.length = 0;
});

function clientOf(options: Partial<RestOptions> = {}) {
  const clock = createTestClock({ skipUpToMs: 10_000 });
  return { clock, rest: createRestClient({ baseUrl: server.url, clock, random: () => 0.5, retryBudget: { ratio: 10 }, ...options }) };
}

/** A refusal as the REST side words it. */
function problem(status: number, code: string, reason: string, more: object = {}, headers: Record<string, string> = {}): Answer {
  const body = { type: "about:blank", title: reason, status, detail: "refused", code, reason, domain: "parapet", metadata: {}, requestId: "request-9", error: "refused", ...more };
  return text(status, "application/problem+json", JSON.stringify(body), headers);
}

const unavailable = problem(503, "unavailable", "STORE_UNAVAILABLE");
type Rest = ReturnType<typeof createRestClient>;
const read = (rest: Rest, more: object = {}) => rest.GET("/v1/collections/{collection}/documents/{key}", { params: { path: { collection: "c", key: "k" } }, ...more });
const search = (rest: Rest) => rest.POST("/v1/search", { body: { collection: "c" } });
const add = (rest: Rest, more: object = {}) => rest.POST("/v1/add", { body: { collection: "c", key: "k", contentMd: "kept" }, ...more });
/** Neither without effect nor with a key. */
const act = (rest: Rest) => rest.POST("/v1/auth/password", { body: { currentPassword: "p", newPassword: "a new password" } });

async function errorOf(work: PromiseLike<unknown>): Promise<ParapetError> {
  const error = await Promise.resolve(work).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ParapetError);
  return error as ParapetError;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe("the contract decides what is sent again", () => {
  it.each([
    ["a GET after a reset", read, reset, 3],
    ["a GET after a refusal that passes", read, unavailable, 3],
    ["a POST without effect after a proxy's 503", search, text(503, "text/html", "<html>"), 3],
    ["a POST with a key after a reset", add, reset, 3],
    ["any other POST after a reset", act, reset, 1],
    ["a limited call", read, problem(429, "resource_exhausted", "RATE_LIMITED", { retryAfterMs: 100 }), 3],
    ["a refusal that stays", add, problem(412, "aborted", "ETAG_MISMATCH"), 1],
  ] as const)("%s", async (_, call, answer, requests) => {
    server.script(answer);
    const error = await errorOf(unwrap(call(clientOf().rest) as ReturnType<typeof read>));
    expect([server.seen.length, error.attempts]).toEqual([requests, requests]);
    expect(new Set(server.seen.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
    expect(typeof server.seen[0]?.headers["idempotency-key"]).toBe(call === add ? "string" : "undefined");
    expect(new Set(server.seen.map(({ body }) => String(body))).size).toBe(1);
  });

  it("with the whole body each time, and the caller's own key", async () => {
    server.script(reset, ok({ key: "k" }));
    await unwrap(add(clientOf().rest, { headers: { "Idempotency-Key": "mine" } }));
    expect(server.seen.map(({ headers, body }) => [headers["idempotency-key"], JSON.parse(String(body))])).toEqual(Array(2).fill(["mine", { collection: "c", key: "k", contentMd: "kept" }]));
  });

  it("within a budget that all calls share", async () => {
    server.script(unavailable);
    const { rest } = clientOf({ retryBudget: {} });
    for (let call = 0; call < 20; call++) await read(rest);
    expect(server.seen.length).toBeGreaterThan(20);
    expect(server.seen.length).toBeLessThanOrEqual(22);
  });
});

describe("a path that the contract does not know", () => {
  const call = (rest: Rest, verb: "get" | "post") => unwrap((rest.request as unknown as (verb: string, path: string) => ReturnType<typeof read>)(verb, "/v1/of-tomorrow"));

  it("is called with the credential, and again only where HTTP calls that safe", async () => {
    server.script(unavailable);
    const { rest } = clientOf({ apiKey: "k" });
    expect(await errorOf(call(rest, "get"))).toMatchObject({ reason: "STORE_UNAVAILABLE", attempts: 3 });
    expect(await errorOf(call(rest, "post"))).toMatchObject({ reason: "STORE_UNAVAILABLE", attempts: 1 });
    expect(server.seen.map(({ headers }) => headers["x-api-key"])).toEqual(Array(4).fill("k"));
  });
});

describe("time", () => {
  it.each([
    ["no headers", silence],
    ["a body that stalls", stall('{"key":')],
  ])("is bounded over the whole call, which may set it: %s", async (_, answer) => {
    server.script(answer);
    const { clock, rest } = clientOf();
    const call = errorOf(read(rest, { timeoutMs: 20_000 } satisfies RestCallOptions));
    await until(() => server.seen.length === 1);
    clock.advance(20_000);
    expect(await call).toMatchObject({ code: "deadline_exceeded", reason: "DEADLINE_PASSED", attempts: 1, method: "parapet.document.v1.DocumentService/Get" });
    expect(clock.pending()).toEqual([]);
  });

  it("that the server asks for and the deadline does not have fails the call at once", async () => {
    server.script(problem(429, "resource_exhausted", "RATE_LIMITED", {}, { "retry-after": "3600" }));
    const { rest } = clientOf();
    const call = read(rest);
    expect((await call).error).toMatchObject({ reason: "RATE_LIMITED" });
    expect(await errorOf(unwrap(call))).toMatchObject({ reason: "RATE_LIMITED", retryAfterMs: 3_600_000, attempts: 1, requestId: "request-9" });
  });

  it("is bounded over the whole of a stream where the call sets it", async () => {
    server.script(stall("{}\n"));
    const { clock, rest } = clientOf();
    const { data } = await rest.POST("/v1/export", { body: { collection: "c" }, parseAs: "stream", ...({ timeoutMs: 20_000 } satisfies RestCallOptions) });
    const reader = data!.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    await reader.read();
    const next = errorOf(reader.read());
    clock.advance(20_000);
    expect(await next).toMatchObject({ reason: "DEADLINE_PASSED" });
    expect(clock.pending()).toEqual([]);
  });

  it("ends with the caller's signal, in the back-off too, and leaves nothing on it", async () => {
    server.script(problem(503, "unavailable", "STORE_UNAVAILABLE", { retryAfterMs: 15_000 }));
    const controller = new AbortController();
    const { clock, rest } = clientOf();
    const call = errorOf(read(rest, { signal: controller.signal }));
    await until(() => clock.pending().includes(15_000));
    controller.abort();
    expect(await call).toMatchObject({ reason: "CALL_CANCELLED", attempts: 1 });
    const { signal } = new AbortController();
    const answers = [() => Response.json({}), () => Response.json({}, { status: 404 }), () => Promise.reject(new Error("down"))];
    let count = 0;
    const many = clientOf({ retries: 0, fetch: async () => answers[count++ % answers.length]!() });
    for (let at = 0; at < 300; at++) await read(many.rest, { signal }).catch(() => {});
    expect([count, getEventListeners(signal, "abort").length]).toEqual([300, 0]);
  });
});

describe("an answer", () => {
  it.each([
    ["a portal's page", text(200, "text/html", "<html>please pay</html>"), "internal", "RESPONSE_MALFORMED", 200],
    ["JSON that breaks off", text(200, "application/json", '{"key": "a'), "internal", "RESPONSE_MALFORMED", 200],
    ["a body that is cut off", truncated('{"key": "a'), "unavailable", "NETWORK_FAILED", 0],
    ["a cut connection", reset, "unavailable", "NETWORK_FAILED", 0],
    ["a proxy's page", text(502, "text/html", "<html>bad gateway</html>"), "unavailable", "RESPONSE_MALFORMED", 502],
    ["a redirect", text(307, "text/plain", "", { location: "http://127.0.0.1:9/elsewhere" }), "unknown", "RESPONSE_MALFORMED", 307],
  ] as const)("that is none is typed: %s", async (_, answer, code, reason, status) => {
    server.script(answer);
    expect(await errorOf(unwrap(read(clientOf({ retries: 0 }).rest)))).toMatchObject({ code, reason, status, attempts: 1, method: "parapet.document.v1.DocumentService/Get" });
  });

  it("that refuses is told with all that its problem document says", async () => {
    const told = { domain: "shop.example", metadata: { limit: "3" }, violations: [{ field: "limit", description: "is too large" }], retryAfterMs: 1_500 };
    server.script(problem(400, "invalid_argument", "FIELD_INVALID", told), problem(400, "invalid_argument", "FIELD_INVALID", { requestId: "" }, { "x-request-id": "of-the-header" }));
    const { rest } = clientOf();
    const { violations, ...rest_ } = told;
    expect(await errorOf(unwrap(read(rest)))).toMatchObject({ ...rest_, reason: "FIELD_INVALID", message: "refused", requestId: "request-9", status: 400, fieldViolations: violations });
    expect(await errorOf(unwrap(read(rest)))).toMatchObject({ domain: "parapet", metadata: {}, fieldViolations: [], requestId: "of-the-header" });
  });

  it("that is to be text may be any", async () => {
    server.script(text(200, "text/plain", "hello"));
    expect((await read(clientOf().rest, { parseAs: "text" })).data).toBe("hello");
  });

  it("that is read as it comes leaves nothing on the signal once it is read", async () => {
    server.script(ok({ key: "k" }));
    const { signal } = new AbortController();
    const { clock, rest } = clientOf();
    const { data } = await read(rest, { parseAs: "stream", signal });
    expect(await new Response(data as unknown as ReadableStream).json()).toEqual({ key: "k" });
    expect([getEventListeners(signal, "abort").length, clock.pending()]).toEqual([0, []]);
  });

  it("keeps what the contract does not know, and its secrets do not print", async () => {
    server.script(ok({ token: "secret-1", somethingNew: [1] }, { "x-more": "m" }));
    const { data, response } = await clientOf().rest.POST("/v1/auth/login", { body: { username: "a", password: "p" } });
    expect(data).toEqual({ token: "secret-1", somethingNew: [1] });
    expect([response.status, response.headers.get("x-more")]).toEqual([200, "m"]);
    expect(inspect(data)).not.toContain("secret-1");
  });

  it("that streams comes as it is sent, has no bound once it has begun, and ends with its call", async () => {
    const controller = new AbortController();
    server.script(stall('{"document":{"key":"a"}}\n'));
    const { clock, rest } = clientOf();
    const { data } = await rest.POST("/v1/export", { body: { collection: "c" }, parseAs: "stream", signal: controller.signal });
    expect(clock.pending()).toEqual([]);
    const reader = data!.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    expect(new TextDecoder().decode((await reader.read()).value)).toContain('"a"');
    controller.abort();
    expect(await errorOf(reader.read())).toMatchObject({ reason: "CALL_CANCELLED", method: "parapet.document.v1.DocumentService/Export" });
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    await until(() => server.seen[0]!.cut);
  });
});

/** Pieces of one body, each a write of its own; then its end, or the end of its connection. */
const sse =
  (pieces: readonly (string | Uint8Array)[], cut = false): Answer =>
  async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const piece of pieces) await new Promise<void>((resolve) => response.write(piece, () => setImmediate(resolve)));
    if (cut) response.socket?.destroy();
    else response.end();
  };
const event = (key: string): string => `id: after ${key}\ndata: {"key":"${key}"}\n\n`;
const failed = (code: string, reason: string): string => `event: error\ndata: {"code":"${code}","reason":"${reason}","detail":"refused","domain":"parapet"}\n\n`;
const exported = async (rest: Rest, more: object = {}): Promise<string> => {
  const { data } = await rest.POST("/v1/export", { body: { collection: "c" }, parseAs: "stream", ...more });
  return new Response(data).text();
};

describe("a stream that can go on", () => {
  it("goes on behind its last whole event, whatever else its connection brought, and gives lines", async () => {
    const umlaut = Buffer.from(event("ü"));
    const half = umlaut.indexOf(0xc3) + 1;
    server.script(
      sse([":alive\n\n", event("a"), umlaut.subarray(0, half), umlaut.subarray(half), 'id: after b\ndata: {"key":'], true),
      unavailable,
      sse(['id: after c\r\ndata: {"key":\r\ndata: "c"}\r\n\r', "\n", "retry: 9\n\n", event("d") + event("e")]),
    );
    expect(await exported(clientOf().rest)).toBe('{"key":"a"}\n{"key":"ü"}\n{"key":\n"c"}\n{"key":"d"}\n{"key":"e"}\n');
    expect(server.seen.map(({ headers, body }) => [headers.accept, headers["last-event-id"] && Buffer.from(headers["last-event-id"] as string, "latin1").toString(), String(body)])).toEqual([
      ["text/event-stream", undefined, '{"collection":"c"}'],
      ["text/event-stream", "after ü", '{"collection":"c"}'],
      ["text/event-stream", "after ü", '{"collection":"c"}'],
    ]);
  });

  it("gives events as they came to those who ask for them, and what it was ended for as its last", async () => {
    server.script(sse([`:alive\n\n${event("a")}`, failed("permission_denied", "PERMISSION_MISSING")]));
    expect(await exported(clientOf().rest, { headers: { accept: "text/event-stream" } })).toBe(event("a") + failed("permission_denied", "PERMISSION_MISSING"));
    expect(await exported(clientOf().rest)).toMatch(/^\{"key":"a"\}\n\{"error":\{"code":"permission_denied",.*\}\}\n$/);
    expect(server.seen).toHaveLength(2);
  });

  it("says what it gives, and goes on for those who read it as one text too", async () => {
    const answers = [sse([event("a")], true), sse([event("b")])];
    const typeOf = async (headers: Record<string, string>): Promise<string | null> => {
      const { data, response } = await clientOf().rest.POST("/v1/export", { body: { collection: "c" }, parseAs: "stream", headers });
      await data!.cancel();
      return response.headers.get("content-type");
    };
    server.script(...answers);
    expect([await typeOf({}), await typeOf({ accept: "text/event-stream" })]).toEqual(["application/x-ndjson", "text/event-stream"]);
    server.script(...answers);
    expect((await clientOf().rest.POST("/v1/export", { body: { collection: "c" }, parseAs: "text" })).data).toBe('{"key":"a"}\n{"key":"b"}\n');
  });

  it("lets go of its connection when it is left", async () => {
    server.script((response) => response.writeHead(200, { "content-type": "text/event-stream" }).write(event("a")));
    for await (const { key } of stream(clientOf().rest, "post", "/v1/export", { body: { collection: "c" } })) {
      expect(key).toBe("a");
      break;
    }
    await until(() => server.seen[0]!.cut);
  });

  it("is read message by message, over its connections, until it ends or fails", async () => {
    const read = async (): Promise<[string[], ParapetError | undefined]> => {
      const keys: string[] = [];
      try {
        for await (const { key } of stream(clientOf().rest, "post", "/v1/export", { body: { collection: "c" } })) keys.push(key);
      } catch (thrown) {
        return [keys, thrown as ParapetError];
      }
      return [keys, undefined];
    };
    server.script(sse([event("a"), event("b")], true), sse([event("c")]));
    expect(await read()).toEqual([["a", "b", "c"], undefined]);
    server.script(sse([event("a")], true), sse([event("b"), failed("permission_denied", "PERMISSION_MISSING")]));
    const [keys, error] = await read();
    expect(keys).toEqual(["a", "b"]);
    expect(error).toBeInstanceOf(ParapetError);
    expect(error).toMatchObject({ reason: "PERMISSION_MISSING", code: "permission_denied", attempts: 2, method: "parapet.document.v1.DocumentService/Export" });
    server.script(sse([event("a"), "id: b\ndata: no JSON\n\n"]));
    expect((await read())[1]).toMatchObject({ reason: "RESPONSE_MALFORMED" });
    server.script(sse([event("a")]));
    const left = stream(clientOf().rest, "post", "/v1/export", { body: { collection: "c" } });
    const before = server.seen.length;
    expect((await left.next()).value?.key).toBe("a");
    await left.return();
    expect(server.seen).toHaveLength(before + 1);
  });

  it("takes an error that passes for a broken connection, and not for ever", async () => {
    server.script(sse([event("a"), failed("unavailable", "STORE_UNAVAILABLE")]), sse([event("b"), failed("unavailable", "STORE_UNAVAILABLE")]), sse([failed("unavailable", "STORE_UNAVAILABLE")]));
    expect(await exported(clientOf().rest)).toMatch(/^\{"key":"a"\}\n\{"key":"b"\}\n\{"error":\{"code":"unavailable",.*\}\}\n$/);
    expect(server.seen).toHaveLength(4);
  });

  it.each([
    ["a connection that never comes back", [sse([event("a")], true), reset], "NETWORK_FAILED"],
    ["a page where events were", [sse([event("a")], true), text(200, "text/html", "<html>")], "RESPONSE_MALFORMED"],
    ["an event larger than the client takes", [sse([event("a"), event("b".repeat(50)), event("b".repeat(100))])], "RESPONSE_MALFORMED"],
    ["an event without an id, behind which nobody can go on", [sse([event("a"), "data: {}\n\n"], true), sse([event("b")])], "NETWORK_FAILED"],
  ] as const)("fails for %s", async (_, answers, reason) => {
    server.script(...answers);
    expect(await errorOf(exported(clientOf({ messageBytesMax: 200 }).rest))).toMatchObject({ reason, method: "parapet.document.v1.DocumentService/Export" });
  });

  it("is what came where the server knows no events, and ends with its call", async () => {
    server.script(text(200, "application/x-ndjson", '{"key":"a"}\n'));
    expect(await exported(clientOf().rest)).toBe('{"key":"a"}\n');
    const controller = new AbortController();
    server.script((response) => response.writeHead(200, { "content-type": "text/event-stream" }).write(event("a")));
    const { data } = await clientOf().rest.POST("/v1/export", { body: { collection: "c" }, parseAs: "stream", signal: controller.signal });
    const reader = data!.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    expect(String(Buffer.from((await reader.read()).value!))).toBe('{"key":"a"}\n');
    const next = errorOf(reader.read());
    controller.abort();
    expect(await next).toMatchObject({ reason: "CALL_CANCELLED" });
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    await until(() => server.seen[1]!.cut);
    const left = await clientOf().rest.POST("/v1/export", { body: { collection: "c" }, parseAs: "stream" });
    await left.data!.cancel();
    await until(() => server.seen[2]!.cut);
  });
});

describe("a token", () => {
  it("that ended is replaced once for all calls, whose errors never show one", async () => {
    let asked = 0;
    server.script((response, request) => (request.headers.authorization === "Bearer secret-2" ? ok({ key: "k" }) : problem(401, "unauthenticated", "TOKEN_EXPIRED"))(response, request));
    const { rest } = clientOf({ token: async () => `secret-${++asked}` });
    await Promise.all(Array.from({ length: 20 }, () => unwrap(act(rest) as unknown as ReturnType<typeof read>)));
    expect([asked, server.seen.length]).toEqual([2, 40]);
    server.script(reset);
    for (const value of [rest, await errorOf(read(rest))]) expect(inspect(value, { depth: 9, showHidden: true })).not.toContain("secret-");
  });
});

describe("those who watch", () => {
  it("hear of every attempt and where it goes, and middleware of the whole call", async () => {
    server.script(unavailable, ok({ key: "k" }));
    const heard: unknown[] = [];
    const { rest } = clientOf({
      apiKey: "secret",
      hooks: {
        attempt({ method, url, attempt, headers }) {
          expect(headers.has("x-api-key")).toBe(false);
          headers.set("traceparent", `00-${attempt}`);
          return ({ status, reason, retryInMs }) => void heard.push([method, url.replace(server.url, ""), attempt, status, reason, retryInMs]);
        },
      },
    });
    rest.use({ onRequest: ({ request }) => request.headers.set("x-mine", "1"), onResponse: ({ response }) => void heard.push(response.status) });
    await read(rest);
    const [method, path] = ["parapet.document.v1.DocumentService/Get", "/v1/collections/c/documents/k"];
    expect(heard).toEqual([[method, path, 1, 503, "STORE_UNAVAILABLE", 100], [method, path, 2, 200, undefined, undefined], 200]);
    expect(server.seen.map(({ headers }) => [headers["traceparent"], headers["x-mine"], headers["x-api-key"]])).toEqual([["00-1", "1", "secret"], ["00-2", "1", "secret"]]);
  });
});
