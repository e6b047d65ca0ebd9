/** What REST adds to the contract: conditions, streams, CORS, idempotency keys, published documents. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";

let server: TestServer;
let token: string;
beforeAll(async () => {
  server = await startTestServer({ PARAPET_RATE_LIMIT_ENABLED: "false", PARAPET_CORS_ORIGINS: "https://app.example.com" });
  const response = await fetch(`${server.url}/v1/auth/login`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ username: server.adminUser, password: server.adminPassword }) });
  token = ((await response.json()) as { token: string }).token;
});
afterAll(() => server.close());

function call(verb: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const payload = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
  return fetch(`${server.url}${path}`, { method: verb, headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers }, ...payload });
}
const jsonOf = async (response: Response | Promise<Response>): Promise<Record<string, unknown>> => (await (await response).json()) as Record<string, unknown>;

describe("conditions (RFC 9110 section 13)", () => {
  test("If-None-Match: * creates once; If-Match changes only what was read; a read that has not changed is 304", async () => {
    const add = (headers: Record<string, string>): Promise<Response> => call("POST", "/v1/add", { collection: "cond", key: "k", contentMd: "1" }, headers);
    const created = await add({ "if-none-match": "*" });
    expect(created.status).toBe(200);
    const etag = created.headers.get("etag")!;
    expect(etag).toMatch(/^"[^"]+"$/);
    const again = await add({ "if-none-match": "*" });
    expect(again.status).toBe(412);
    expect(await again.json()).toMatchObject({ status: 412, code: "aborted", reason: "ETAG_MISMATCH" });
    const path = "/v1/collections/cond/documents/k";
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, `W/"other",W/${etag}`, "*"]) expect([known, (await call("GET", path, undefined, { "if-none-match": known })).status]).toEqual([known, 304]);
    for (const other of ['"other"', etag.slice(1, -1), `"other${etag.slice(1)}`, '""']) expect([other, (await call("GET", path, undefined, { "if-none-match": other })).status]).toEqual([other, 200]);
    const changed = await call("PATCH", path, { contentMd: "2" }, { "if-match": etag });
    expect(changed.status).toBe(200);
    expect(changed.headers.get("etag")).not.toBe(etag);
    expect((await call("PATCH", path, { contentMd: "3" }, { "if-match": etag })).status).toBe(412);
    expect((await jsonOf(call("GET", path)))["contentMd"]).toBe("2");
  });

  test.each(['"*"', '"other"', "other", "", "*, *"])("If-None-Match: %s on a change is refused, and not passed over", async (condition) => {
    const response = await call("POST", "/v1/add", { collection: "cond", key: "kept", contentMd: "1" }, { "if-none-match": condition });
    expect([response.status, await jsonOf(response)]).toMatchObject([400, { reason: "REQUEST_MALFORMED", metadata: { header: "if-none-match" } }]);
    expect((await call("GET", "/v1/collections/cond/documents/kept")).status).toBe(404);
  });
});

describe("idempotency keys", () => {
  test("a repeated call is executed once and replayed, marked and recorded", async () => {
    const once = (): Promise<Response> => call("POST", "/v1/add", { collection: "idem", key: "k", contentMd: "x" }, { "idempotency-key": "key-1" });
    const first = await jsonOf(once());
    const second = await once();
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(await second.json()).toEqual(first);
    expect((await jsonOf(call("GET", "/v1/collections/idem/documents/k")))["revision"]).toBe(1);
    const { records } = (await jsonOf(call("GET", "/v1/audit?collection=idem&action=document.add"))) as { records: { details: { name: string }[] }[] };
    expect(records.map(({ details }) => details.some(({ name }) => name === "replayed"))).toEqual([true, false]);
  });

  test("the same key for another request is refused; without a key nothing is remembered", async () => {
    await call("POST", "/v1/add", { collection: "idem", key: "a" }, { "idempotency-key": "key-2" });
    const other = await call("POST", "/v1/add", { collection: "idem", key: "b" }, { "idempotency-key": "key-2" });
    expect(await other.json()).toMatchObject({ reason: "IDEMPOTENCY_KEY_REUSED", code: "failed_precondition" });
    expect((await call("POST", "/v1/add", { collection: "idem", key: "c" })).headers.get("idempotency-replayed")).toBeNull();
  });

  test("a response that held a secret is not kept: its replay says so", async () => {
    const make = (): Promise<Response> => call("POST", "/v1/auth/api-key", { description: "once" }, { "idempotency-key": "key-3" });
    expect((await make()).status).toBe(200);
    const again = await make();
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({ reason: "IDEMPOTENCY_RESPONSE_WITHHELD", code: "already_exists" });
  });

  test("many at once are one", async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => call("POST", "/v1/add", { collection: "idem", key: "race" }, { "idempotency-key": "key-4" })));
    const statuses = all.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0);
    expect(statuses.every((status) => status === 200 || status === 409)).toBe(true);
    expect((await jsonOf(call("GET", "/v1/collections/idem/documents/race")))["revision"]).toBe(1);
  });

  test("too long a key is refused", async () => {
    expect(await jsonOf(call("POST", "/v1/add", { collection: "idem", key: "k" }, { "idempotency-key": "x".repeat(300) }))).toMatchObject({ reason: "IDEMPOTENCY_KEY_INVALID" });
  });
});

describe("streams", () => {
  beforeAll(async () => {
    await call("POST", "/v1/add-batch", { collection: "stream", documents: ["a", "b", "c"].map((key) => ({ key, contentMd: `# ${key}`, meta: { tag: [key] } })) });
  });

  test("an export is one document a line, or server-sent events", async () => {
    const lines = await call("GET", "/v1/collections/stream/export");
    expect(lines.headers.get("content-type")).toBe("application/x-ndjson");
    expect((await lines.text()).trimEnd().split("\n").map((line) => (JSON.parse(line) as { key: string }).key)).toEqual(["a", "b", "c"]);
    const events = await call("GET", "/v1/collections/stream/export", undefined, { accept: "text/event-stream" });
    expect(events.headers.get("content-type")).toBe("text/event-stream");
    expect([...(await events.text()).matchAll(/^data: (.*)$/gm)].map((match) => (JSON.parse(match[1]!) as { key: string }).key)).toEqual(["a", "b", "c"]);
  });

  test("what was exported can be imported; lines that break a rule are reported and left out", async () => {
    const exported = await (await call("GET", "/v1/collections/stream/export")).text();
    const response = await call("POST", "/v1/collections/copy/import", `${exported}{"key":""}\n{"key":"d","meta":{"n":[1]}}\n`, { "content-type": "application/x-ndjson" });
    expect(await response.json()).toMatchObject({ imported: 3, refused: 2, refusals: [{ line: 4 }, { line: 5 }] });
    const [a, b] = await Promise.all([jsonOf(call("GET", "/v1/checksum?collection=stream")), jsonOf(call("GET", "/v1/checksum?collection=copy"))]);
    expect(a["checksum"]).toBe(b["checksum"]);
  });

  test("an archive is a zip", async () => {
    const response = await call("GET", "/v1/collections/stream/archive");
    expect(response.headers.get("content-type")).toBe("application/zip");
    expect(Buffer.from(await response.arrayBuffer()).subarray(0, 2).toString()).toBe("PK");
  });

  test("a refused stream is a problem document", async () => {
    const response = await fetch(`${server.url}/v1/collections/stream/export`);
    expect(response.status).toBe(401);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });
});

describe("CORS", () => {
  const preflight = (origin: string): Promise<Response> => fetch(`${server.url}/v1/add`, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization" } });

  test("an allowed origin passes, and reads what it must", async () => {
    const allowed = await preflight("https://app.example.com");
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-origin")).toBe("https://app.example.com");
    const answered = await call("GET", "/v1/auth/me", undefined, { origin: "https://app.example.com" });
    for (const name of ["grpc-status", "grpc-status-details-bin", "retry-after", "ratelimit", "www-authenticate", "x-request-id"]) expect(answered.headers.get("access-control-expose-headers")).toContain(name);
    expect(answered.headers.get("vary")).toContain("Origin");
  });

  test("another origin is refused before any handler runs, whatever its credential", async () => {
    expect((await preflight("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull();
    const refused = await call("POST", "/v1/add", { collection: "evil", key: "k" }, { origin: "https://evil.example" });
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ reason: "ORIGIN_REFUSED" });
    expect((await jsonOf(call("GET", "/v1/collections/evil/documents/k")))["reason"]).toBe("DOCUMENT_NOT_FOUND");
  });
});

describe("published documents and verbs", () => {
  test("the OpenAPI document is served in both forms", async () => {
    const yaml = await (await fetch(`${server.url}/openapi.yaml`)).text();
    expect(yaml).toMatch(/^openapi: "3\.1/m);
    const json = await jsonOf(fetch(`${server.url}/openapi.json`));
    expect(Object.keys(json["paths"] as object)).toContain("/v1/add");
  });

  test("a known path with another verb says which are allowed; HEAD is a GET without a body", async () => {
    const wrong = await call("PUT", "/v1/search", {});
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get("allow")).toBe("POST");
    const head = await call("HEAD", "/health");
    expect(head.status).toBe(200);
    expect(await head.text()).toBe("");
  });
});
