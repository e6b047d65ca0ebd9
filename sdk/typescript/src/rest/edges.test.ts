/** What the REST layer makes of requests that cannot be sent, answers at the edge of what is one, and secrets in streams, for any contract. */
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { createPaginate, createResult, createRuledClient, createStream, ParapetError, type RestContract, type RestOptions, unwrap } from "./runtime.js";

const method = { kind: "unary", idempotency: "no_side_effects", key: "ignored", needs: "principal" } as const;
const contract = {
  methods: {
    "t.v1.T/Watch": { ...method, name: "t.v1.T/Watch", kind: "server_streaming", secrets: ["token"], resume: { request: "after", response: "at" } },
    "t.v1.T/Tail": { ...method, name: "t.v1.T/Tail", kind: "server_streaming", secrets: ["token"] },
    "t.v1.T/List": { ...method, name: "t.v1.T/List", secrets: ["token"] },
    "t.v1.T/Keep": { ...method, name: "t.v1.T/Keep", bare: true },
    "t.v1.T/Drop": { ...method, name: "t.v1.T/Drop", idempotency: "idempotent" },
  },
  operations: {
    "GET /v1/watch": { method: "t.v1.T/Watch" },
    "GET /v1/tail": { method: "t.v1.T/Tail" },
    "GET /v1/things": { method: "t.v1.T/List", paging: { token: "pageToken", next: "nextPageToken", items: "things", first: [], in: "query" } },
    "POST /v1/keep": { method: "t.v1.T/Keep" },
    "DELETE /v1/boxes/{box}/things/{thing}": { method: "t.v1.T/Drop" },
    "DELETE /v1/things/{thing}:now": { method: "t.v1.T/Drop" },
  },
} as const satisfies RestContract;

type Thing = { id: string; token: string };
type Json<T> = { responses: { 200: { content: { "application/json": T } } } };
type Event = { responses: { 200: { content: { "text/event-stream": Thing } } } };
interface Paths {
  "/v1/watch": { get: Event };
  "/v1/tail": { get: Event };
  "/v1/things": { get: Json<{ things: Thing[]; nextPageToken: string }> & { parameters: { query?: { pageToken?: string } } } };
  "/v1/keep": { post: Json<null | string | object> & { requestBody: { content: { "application/json": unknown } } } };
  "/v1/boxes/{box}/things/{thing}": { delete: Json<object> & { parameters: { path: { box: string; thing: string } } } };
  "/v1/things/{thing}:now": { delete: Json<object> & { parameters: { path: { thing: string } } } };
  "/elsewhere": { get: Json<object>; delete: Json<object> };
}
interface Types {
  "GET /v1/watch": { message: Thing };
  "GET /v1/tail": { message: Thing };
  "POST /v1/keep": { reason: never };
}

const clientOf = (fetch: (request: Request) => Response | Promise<Response>, options: Partial<RestOptions> = {}) =>
  createRuledClient<Paths>({ baseUrl: "http://server.example", retries: 0, apiKey: "k", fetch: async (request) => fetch(request), ...options }, contract);
const [stream, result, paginate] = [createStream<Types>(), createResult<Types>(), createPaginate(contract.operations)];

async function failing(work: PromiseLike<unknown>): Promise<ParapetError> {
  const error = await Promise.resolve(work).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ParapetError);
  return error as ParapetError;
}

async function all<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of messages) found.push(each);
  return found;
}

const events = (...messages: readonly unknown[]): Response =>
  new Response(messages.map((each, at) => `id: ${at}\ndata: ${JSON.stringify(each)}\n\n`).join(""), { headers: { "content-type": "text/event-stream" } });

describe("a secret", () => {
  const things = [{ id: "i", token: "hush-1" }, { id: "j", token: "hush-2" }];

  it.each(["/v1/watch", "/v1/tail"] as const)("of a streamed message is there for the caller, and not printed: %s", async (path) => {
    const rest = clientOf(() => events(...things));
    // What middleware hands on is still an answer of the method.
    rest.use({ onResponse: ({ response }) => new Response(response.body, response) });
    const seen = await all(stream(rest, "get", path));
    expect(JSON.parse(JSON.stringify(seen))).toEqual(things);
    expect(inspect(seen)).toBe("[ { id: 'i', token: '[redacted]' }, { id: 'j', token: '[redacted]' } ]");
  });

  it("of an item of a page is not printed when the item is printed alone", async () => {
    const rest = clientOf(() => Response.json({ things, nextPageToken: "" }));
    const seen = await all(paginate(rest, "get", "/v1/things"));
    expect(seen.map(({ token }) => token)).toEqual(["hush-1", "hush-2"]);
    expect(seen.map((each) => inspect(each)).join()).not.toContain("hush");
  });
});

describe("an answer", () => {
  it("of null is one where the contract knows such", async () => {
    const rest = clientOf(() => Response.json(null));
    expect(await unwrap(rest.POST("/v1/keep", { body: 1 }))).toBeNull();
    expect(await result(rest, "post", "/v1/keep", { body: 1 })).toMatchObject({ ok: true, value: null });
  });

  it.each([
    ["nothing", () => new Response("", { headers: { "content-type": "application/json" } })],
    ["no content", () => new Response(null, { status: 204 })],
    ["JSON that breaks off", () => new Response('{"a": ', { headers: { "content-type": "application/json" } })],
  ])("that is none is no success: %s", async (_, answer) => {
    const rest = clientOf(answer);
    expect(await result(rest, "post", "/v1/keep", { body: 1 })).toMatchObject({ ok: false, error: { reason: "RESPONSE_MALFORMED", method: "t.v1.T/Keep", attempts: 1 } });
    expect((await failing(unwrap(rest.POST("/v1/keep", { body: 1 })))).reason).toBe("RESPONSE_MALFORMED");
  });

  it.each([null, { things: {} }])("of %j is no page", async (body) => {
    const rest = clientOf(() => Response.json(body));
    expect(await failing(all(paginate(rest, "get", "/v1/things")))).toMatchObject({ reason: "RESPONSE_MALFORMED", method: "t.v1.T/List" });
  });

  it("may be empty where nobody knows better, and to HEAD", async () => {
    const rest = clientOf(() => new Response(null, { status: 204 }));
    expect((await rest.DELETE("/elsewhere")).response.status).toBe(204);
    expect((await clientOf(() => new Response("")).HEAD("/v1/things" as never)).response.status).toBe(200);
  });

  it.each(["/v1/watch", "/v1/tail"] as const)("that is a page is no empty stream: %s", async (path) => {
    const requests: Request[] = [];
    const body = (): ReadableStream => new ReadableStream({ start: (page) => page.enqueue(Buffer.from("<html>\n\n<p>please pay</p>\n\n")) });
    const rest = clientOf((request) => (requests.push(request), new Response(body(), { headers: { "content-type": "text/html" } })));
    expect(await failing(all(stream(rest, "get", path)))).toMatchObject({ reason: "RESPONSE_MALFORMED", status: 200, method: contract.operations[`GET ${path}`].method });
    expect(requests.map(({ signal }) => signal.aborted)).toEqual([true]);
  });
});

describe("a request that cannot be sent is refused as such, and shows nothing", () => {
  const circle: { self?: object } = {};
  circle.self = circle;
  const hush = "hush\nhush";
  it.each<[string, (rest: ReturnType<typeof clientOf>) => PromiseLike<unknown>, string]>([
    ["a header", (rest) => rest.GET("/v1/things", { headers: { "x-a": hush } }), "t.v1.T/List"],
    ["a key", (rest) => rest.DELETE("/v1/things/{thing}:now", { params: { path: { thing: "t" } }, headers: { "idempotency-key": hush } }), "t.v1.T/Drop"],
    ["a number of 64 bits", (rest) => rest.POST("/v1/keep", { body: { n: 1n } }), "t.v1.T/Keep"],
    ["a circle", (rest) => rest.POST("/v1/keep", { body: circle }), "t.v1.T/Keep"],
    ["half a character", (rest) => rest.DELETE("/v1/things/{thing}:now", { params: { path: { thing: "\ud800" } } }), "t.v1.T/Drop"],
    ["a step up the path", (rest) => rest.DELETE("/v1/boxes/{box}/things/{thing}", { params: { path: { box: "b", thing: ".." } } }), "t.v1.T/Drop"],
    ["a step in place", (rest) => rest.DELETE("/v1/boxes/{box}/things/{thing}", { params: { path: { box: ".", thing: "t" } } }), "t.v1.T/Drop"],
  ])("%s", async (_, call, name) => {
    let sent = 0;
    const error = await failing(call(clientOf(() => (sent++, Response.json({})))));
    expect(error).toMatchObject({ reason: "REQUEST_INVALID", code: "invalid_argument", method: name, attempts: 0 });
    expect([sent, inspect(error).includes("hush\\nhush") || inspect(error).includes(hush)]).toEqual([0, false]);
  });

  it("and what only looks like one is sent as it is", async () => {
    const urls: string[] = [];
    const rest = clientOf(({ url }) => (urls.push(new URL(url).pathname), Response.json({})));
    for (const thing of ["...", "../up", "%2e%2e", "__proto__"]) await unwrap(rest.DELETE("/v1/boxes/{box}/things/{thing}", { params: { path: { box: "b", thing } } }));
    await unwrap(rest.DELETE("/v1/things/{thing}:now", { params: { path: { thing: ".." } } }));
    expect(urls).toEqual(["/v1/boxes/b/things/...", "/v1/boxes/b/things/..%2Fup", "/v1/boxes/b/things/%252e%252e", "/v1/boxes/b/things/__proto__", "/v1/things/..:now"]);
  });

  it("and what middleware throws is its own", async () => {
    class NotLoggedIn extends Error {}
    const rest = clientOf(() => Response.json({}));
    rest.use({
      onRequest() {
        throw new NotLoggedIn();
      },
    });
    await expect(rest.GET("/elsewhere")).rejects.toBeInstanceOf(NotLoggedIn);
  });
});
