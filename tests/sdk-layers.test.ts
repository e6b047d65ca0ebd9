/** What each layer of the SDK gives around a call: listings that turn their pages, outcomes as values, headers and status. Against the real server. */
import { createValidator } from "@bufbuild/protovalidate";
import { createClient as createServiceClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { DocumentService as WebDocumentService } from "@parapet/contract/web/parapet/document/v1/document_service_pb";
import { Parapet, type ParapetError } from "@parapet/sdk";
import { createParapetClient, paginate, type ParapetClient, type Protocol, result, withResponse } from "@parapet/sdk/connect";
import { createParapetClient as createWebClient, createTransport, type InvalidResponse, paginate as webPaginate, type ParapetWebClient, result as webResult, validating, withResponse as webWithResponse } from "@parapet/sdk/connect/web";
import { createRestClient, paginate as restPaginate, type RestClient, result as restResult, stream as restStream } from "@parapet/sdk/rest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";

const keys = Array.from({ length: 25 }, (_, at) => `k${String(at).padStart(2, "0")}`);
const search = { collection: "paged", limit: 10, sort: "key" as const, asc: true };

let server: TestServer;
let admin: Parapet;
beforeAll(async () => {
  server = await startTestServer({ PARAPET_RATE_LIMIT_REQUESTS: "10000" });
  admin = new Parapet({ baseUrl: server.url, token: login });
  await admin.documents.addBatch({ collection: "paged", documents: keys.map((key) => ({ key })) });
});
afterAll(() => server.close());

const login = () => admin.auth.login({ username: server.adminUser, password: server.adminPassword });

/** What a call gave, in the words that all layers share. */
interface Told {
  readonly ok: boolean;
  readonly key?: string | undefined;
  readonly reason?: string | undefined;
  readonly status: number;
  readonly requestId: string;
  readonly attempts: number;
}

/** A layer, as far as these tests go. `offset`: where the listing begins. */
interface Layer {
  /** HTTP status of a document that is not there. */
  readonly missing: number;
  items(offset?: number): AsyncIterable<{ readonly key: string }>;
  pages(): AsyncIterable<{ readonly documents: readonly { readonly key: string }[]; readonly totalSize: number }>;
  get(key: string): Promise<Told>;
  /** Without its refusal as a value. */
  plain(key: string): Promise<unknown>;
  close?(): void;
}

type AnyResult = Awaited<ReturnType<ReturnType<Parapet["documents"]["get"]>["result"]>>;
function told(outcome: { readonly ok: boolean } & (AnyResult | { readonly ok: true; readonly value: { readonly document?: { readonly key: string } | undefined }; readonly response: { status: number; requestId: string; attempts: number; headers: Headers } })): Told {
  if (!outcome.ok) return { ok: false, ...(({ reason, status, requestId, attempts }) => ({ reason, status, requestId, attempts }))((outcome as Extract<AnyResult, { ok: false }>).error) };
  const { value, response } = outcome as Extract<AnyResult, { ok: true }>;
  expect(response.headers.get("x-ratelimit-limit")).not.toBeNull();
  return { ok: true, key: value.document?.key, status: response.status, requestId: response.requestId, attempts: response.attempts };
}

function overConnect({ documents, ...client }: ParapetClient | ParapetWebClient, missing: number, helpers: { paginate: typeof paginate; result: typeof result }): Layer {
  return {
    missing,
    items: (offset = 0) => helpers.paginate(documents.search, { ...search, offset }),
    pages: () => helpers.paginate(documents.search, search).pages(),
    get: async (key) => told(await helpers.result(documents.get, { collection: "paged", key })),
    plain: (key) => documents.get({ collection: "paged", key }),
    close: () => ("close" in client ? client.close() : undefined),
  };
}
const onNode = (protocol: Protocol, httpVersion: "1.1" | "2", missing: number) => () => overConnect(createParapetClient({ baseUrl: server.url, token: login, protocol, httpVersion }), missing, { paginate, result });
const onWeb = (protocol: "connect" | "grpc-web", missing: number) => () => overConnect(createWebClient({ baseUrl: server.url, token: login, protocol }), missing, { paginate: webPaginate, result: webResult });

function overRest(listing: (rest: RestClient, offset?: number) => ReturnType<typeof byBody>): Layer {
  const rest = createRestClient({ baseUrl: server.url, token: login });
  const path = "/v1/collections/{collection}/documents/{key}";
  return {
    missing: 404,
    items: (offset) => listing(rest, offset),
    pages: () => listing(rest).pages(),
    async get(key) {
      const outcome = await restResult(rest, "get", path, { params: { path: { collection: "paged", key } } });
      return told(outcome.ok ? { ...outcome, value: { document: outcome.value } } : (outcome as Extract<AnyResult, { ok: false }>));
    },
    plain: async (key) => (await rest.GET(path, { params: { path: { collection: "paged", key } } })).error,
  };
}
const byBody = (rest: RestClient, offset = 0) => restPaginate(rest, "post", "/v1/search", { body: { ...search, offset } });
const byQuery = (rest: RestClient, offset = 0) => {
  const { collection, ...query } = search;
  return restPaginate(rest, "get", "/v1/collections/{collection}/documents", { params: { path: { collection }, query: { ...query, offset } } });
};

describe.each<[string, () => Layer]>([
  [
    "the default layer",
    () => ({
      missing: 404,
      items: (offset = 0) => admin.documents.search({ ...search, offset }),
      pages: () => admin.documents.search(search).pages(),
      get: async (key) => told(await admin.documents.get({ collection: "paged", key }).result()),
      plain: (key) => admin.documents.get({ collection: "paged", key }),
    }),
  ],
  ["REST by body", () => overRest(byBody)],
  ["REST by query", () => overRest(byQuery)],
  ["grpc", onNode("grpc", "2", 200)],
  ["grpc-web over HTTP/1.1", onNode("grpc-web", "1.1", 200)],
  ["connect over HTTP/1.1", onNode("connect", "1.1", 404)],
  ["connect over HTTP/2", onNode("connect", "2", 404)],
  ["grpc-web over fetch", onWeb("grpc-web", 200)],
  ["connect over fetch", onWeb("connect", 404)],
])("%s", (_, start) => {
  let layer: Layer;
  beforeAll(() => {
    layer = start();
  });
  afterAll(() => layer.close?.());

  it("turns the pages of a listing by itself, of which an offset moves the first alone", async () => {
    const seen: string[] = [];
    for await (const { key } of layer.items()) seen.push(key);
    expect(seen).toEqual(keys);
    const behind: string[] = [];
    for await (const { key } of layer.items(3)) behind.push(key);
    expect(behind).toEqual(keys.slice(3));
    const pages: [number, number][] = [];
    for await (const { documents, totalSize } of layer.pages()) pages.push([documents.length, totalSize]);
    expect(pages).toEqual([[10, 25], [10, 25], [5, 25]]);
  });

  it("gives the outcome of a call as a value, with status, request id and attempts, and never rejects", async () => {
    const found = await layer.get("k07");
    expect(found).toMatchObject({ ok: true, key: "k07", status: 200, attempts: 1 });
    const missing = await layer.get("none");
    expect(missing).toMatchObject({ ok: false, reason: "DOCUMENT_NOT_FOUND", status: layer.missing, attempts: 1 });
    const invalid = await layer.get("");
    expect(invalid.ok).toBe(false);
    for (const { requestId } of [found, missing]) expect(requestId).not.toBe("");
    expect(await layer.plain("none").catch((error: ParapetError) => error)).toMatchObject({ reason: "DOCUMENT_NOT_FOUND", status: layer.missing });
  });
});

describe("outcomes", () => {
  it.each<[string, () => Promise<unknown>]>([
    ["grpc", () => result(createParapetClient({ baseUrl: "http://127.0.0.1:1", protocol: "grpc", retries: 0 }).documents.get, { collection: "c", key: "k" })],
    ["connect over fetch", () => webResult(createWebClient({ baseUrl: "http://127.0.0.1:1", protocol: "connect", retries: 0 }).documents.get, { collection: "c", key: "k" })],
    ["REST", () => restResult(createRestClient({ baseUrl: "http://127.0.0.1:1", retries: 0 }), "get", "/health")],
  ])("of a server that is not there are values as well: %s", async (_, call) => {
    expect(await call()).toMatchObject({ ok: false, error: { reason: "NETWORK_FAILED", status: 0, attempts: 1 } });
  });

  it("count the attempts of a call that was sent again, over each protocol", async () => {
    const flaky = (): typeof fetch => {
      let cut = true;
      return async (input, init) => {
        const response = await fetch(input, init);
        if (!cut) return response;
        cut = false;
        await response.arrayBuffer();
        throw new TypeError("the connection broke");
      };
    };
    const options = { baseUrl: server.url, token: login, random: () => 0 };
    const web = createWebClient({ ...options, protocol: "grpc-web", fetch: flaky() as never });
    const { value, response } = await webWithResponse(web.documents.search, search);
    expect([value.documents.length, response.attempts, response.status, response.headers.get("x-ratelimit-limit") !== null]).toEqual([10, 2, 200, true]);
    const rest = await restResult(createRestClient({ ...options, fetch: flaky() }), "post", "/v1/search", { body: search });
    expect(rest).toMatchObject({ ok: true, value: { totalSize: 25 }, response: { attempts: 2 } });
  });

  it("hand on what the caller listens to, and take a stream of the client", async () => {
    const client = createParapetClient({ baseUrl: server.url, token: login, protocol: "connect", httpVersion: "2" });
    const heard: string[] = [];
    const { response } = await withResponse(client.documents.search, search, { onHeader: (headers) => heard.push(headers.get("x-request-id")!) });
    expect(heard).toEqual([response.requestId]);
    async function* uploads() {
      yield { collection: "uploads", document: { key: "u1" } };
      yield { document: { key: "u2" } };
    }
    const imported = await result(client.documents.import, uploads());
    expect(imported).toMatchObject({ ok: true, value: { imported: 2 }, response: { attempts: 1 } });
    client.close();
  });
});

describe("a stream on REST", () => {
  it("is read message by message, is left at any of them, and fails with its reason", async () => {
    const rest = createRestClient({ baseUrl: server.url, token: login });
    const seen: (string | undefined)[] = [];
    for await (const { key } of restStream(rest, "post", "/v1/export", { body: { collection: "paged" } })) seen.push(key);
    expect(seen).toEqual(keys);
    for await (const { key } of restStream(rest, "get", "/v1/collections/{collection}/export", { params: { path: { collection: "paged" } } })) {
      expect(keys).toContain(key);
      break;
    }
    const refused = restStream(rest, "post", "/v1/export", { body: { collection: "" } }).next();
    await expect(refused).rejects.toMatchObject({ name: "ParapetError", reason: "FIELD_INVALID", status: 400, method: "parapet.document.v1.DocumentService/Export" });
  });
});

describe("validation of what is received", () => {
  it.each([
    ["grpc-web", createGrpcWebTransport],
    ["connect", createConnectTransport],
  ] as const)("is there for browsers over %s, by a function that is imported for it, and by descriptors that have rules", async (_, make) => {
    const seen: InvalidResponse[] = [];
    const options = { baseUrl: server.url, token: login };
    const validator = createValidator();
    const warn = (invalid: InvalidResponse) => seen.push(invalid);
    const validated: string[] = [];
    const noting = { validate: (...args: Parameters<typeof validator.validate>) => (validated.push(args[0].typeName), validator.validate(...args)) } as typeof validator;
    const transport = createTransport(options, validating(make, { validator: noting, warn }));
    const { document } = await createServiceClient(DocumentService, transport).get({ collection: "paged", key: "k00" });
    expect(document?.key).toBe("k00");
    for await (const message of createServiceClient(WebDocumentService, transport).export({ collection: "paged" })) expect(message.document).toBeDefined();
    expect([validated.length, new Set(validated), seen]).toEqual([26, new Set(["parapet.document.v1.GetResponse", "parapet.document.v1.ExportResponse"]), []]);
  });
});
