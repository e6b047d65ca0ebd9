/** The TypeScript SDK, all of its layers, against the real server. */
import { inspect } from "node:util";
import { methods, Parapet, ParapetError, type Reason } from "@parapet/sdk";
import { createParapetClient, type ParapetClient, type Protocol, services } from "@parapet/sdk/connect";
import { createParapetClient as createWebClient } from "@parapet/sdk/connect/web";
import { createRestClient, unwrap } from "@parapet/sdk/rest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runScenario } from "../sdk/typescript/src/rest/scenario.js";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";

let server: TestServer;
let admin: Parapet;

beforeAll(async () => {
  server = await startTestServer({ PARAPET_RATE_LIMIT_REQUESTS: "10000" });
  admin = new Parapet({
    baseUrl: server.url,
    token: () => admin.auth.login({ username: server.adminUser, password: server.adminPassword }),
  });
});
afterAll(() => server.close());

/** A client of a fresh user with these rights on a collection. */
async function userWith(name: string, rights: { collection?: string; read?: boolean; write?: boolean }): Promise<Parapet> {
  const password = `the password of ${name}`;
  await admin.auth.register({ username: name, password });
  if (rights.collection) await admin.auth.setPermission({ username: name, collection: rights.collection, read: rights.read, write: rights.write });
  const user: Parapet = new Parapet({ baseUrl: server.url, token: () => user.auth.login({ username: name, password }) });
  return user;
}

async function reasonOf(work: PromiseLike<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    expect(error).toBeInstanceOf(ParapetError);
    return (error as ParapetError<Reason>).reason;
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe("the default layer", () => {
  it("logs in by itself, adds, gets, pages, exports, updates and deletes", async () => {
    const added = await admin.documents.add({ collection: "guide", key: "a", lang: "en", contentMd: "# A", meta: { tag: ["x", "y"] } });
    expect(added.document).toMatchObject({ key: "a", revision: 1, meta: { tag: ["x", "y"] } });
    await admin.documents.addBatch({ collection: "guide", documents: Array.from({ length: 24 }, (_, at) => ({ key: `b${at}` })) });

    const keys = (await all(admin.documents.search({ collection: "guide", limit: 10, sort: "key", asc: true, offset: 3 }))).map(({ key }) => key);
    expect(keys).toHaveLength(22);
    expect(new Set(keys).size).toBe(22);
    const { value, response } = await admin.documents.search({ collection: "guide", limit: 10 }).withResponse();
    expect([value.documents.length, value.totalSize]).toEqual([10, 25]);
    expect(response.headers.get("x-ratelimit-limit")).not.toBeNull();

    expect((await all(admin.documents.export({ collection: "guide" }))).map(({ document }) => document?.key)).toHaveLength(25);
    const imported = await admin.documents.import([{ collection: "guide", document: { key: "i1" } }, { document: { key: "i2", contentMd: "# I" } }]);
    expect(imported).toMatchObject({ imported: 2, refused: 0 });

    const updated = await admin.documents.update({ collection: "guide", key: "a", lang: "en", contentMd: "# B", etag: added.document?.etag });
    expect(updated.document?.revision).toBe(2);
    expect(await admin.documents.delete({ collection: "guide", key: "a", lang: "en" })).toEqual({ status: "deleted" });
  });

  it("gives every refusal its reason, the request id of the audit log, and what is wrong with a field", async () => {
    const reader = await userWith("reader", { collection: "shelf", read: true });
    await admin.documents.add({ collection: "shelf", key: "a" });
    expect(await reasonOf(new Parapet({ baseUrl: server.url }).auth.getMe())).toBe("CREDENTIAL_MISSING");
    expect(await reasonOf(new Parapet({ baseUrl: server.url, apiKey: "parapet_live_0" }).auth.getMe())).toBe("API_KEY_INVALID");
    expect(await reasonOf(reader.documents.add({ collection: "shelf", key: "b" }))).toBe("PERMISSION_MISSING");
    expect(await reasonOf(reader.documents.get({ collection: "shelf", key: "b" }))).toBe("DOCUMENT_NOT_FOUND");
    expect(await reasonOf(reader.documents.get({ collection: "other", key: "b" }))).toBe("PERMISSION_MISSING");
    expect(await reasonOf(admin.documents.add({ collection: "shelf", key: "a", createOnly: true }))).toBe("ETAG_MISMATCH");
    expect(await reasonOf(all(admin.documents.search({ collection: "shelf", pageToken: "forged" })))).toBe("PAGE_TOKEN_INVALID");

    const result = await admin.documents.add({ collection: "", key: "b" }).result();
    expect(result).toMatchObject({ ok: false, error: { reason: "FIELD_INVALID", fieldViolations: [{ field: "collection", rule: "string.min_len" }] } });

    const refused = await reader.documents.delete({ collection: "shelf", key: "a" }).result();
    const requestId = refused.ok ? "" : refused.error.requestId;
    const [record] = await all(admin.audit.listAuditRecords({ requestId }));
    expect(record).toMatchObject({ actor: "reader", action: "document.delete", result: "denied", reason: "PERMISSION_MISSING" });
  });

  it("sends a key with what it may repeat, which the server counts once", async () => {
    const options = { idempotencyKey: "once-and-for-all" };
    const first = await admin.documents.add({ collection: "keys", key: "a", contentMd: "1" }, options);
    const { value, response } = await admin.documents.add({ collection: "keys", key: "a", contentMd: "1" }, options).withResponse();
    expect(value).toEqual(first);
    expect(response.headers.get("idempotency-replayed")).toBe("true");
    expect(await reasonOf(admin.documents.add({ collection: "keys", key: "a", contentMd: "2" }, options))).toBe("IDEMPOTENCY_KEY_REUSED");
    expect((await admin.documents.get({ collection: "keys", key: "a" })).document?.revision).toBe(1);
  });

  it("repeats a change whose answer was lost without making it twice", async () => {
    let cut = true;
    const flaky = new Parapet({
      baseUrl: server.url,
      token: () => admin.auth.login({ username: server.adminUser, password: server.adminPassword }),
      random: () => 0,
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        if (!cut) return response;
        cut = false;
        await response.arrayBuffer();
        throw new TypeError("the connection broke");
      },
    });
    const { value, response } = await flaky.documents.add({ collection: "keys", key: "lost", contentMd: "1" }).withResponse();
    expect([value.document?.revision, response.attempts]).toEqual([1, 2]);
  });

  it("works with an API key, and keeps key and token out of what is printed", async () => {
    const created = await admin.auth.createApiKey({ description: "CI", scopes: [{ collection: "guide", read: true }] });
    expect(created.key).toMatch(/^parapet_live_[0-9a-f]{48}$/);
    const service = new Parapet({ baseUrl: server.url, apiKey: created.key });
    expect((await service.auth.getMe()).username).toBe(server.adminUser);
    expect(await reasonOf(service.documents.add({ collection: "guide", key: "z" }))).toBe("PERMISSION_MISSING");
    const [listed] = await all(admin.auth.listApiKeys());
    expect(listed).toMatchObject({ description: "CI", last4: created.key.slice(-4) });
    for (const value of [created, service, service.client, admin]) expect(inspect(value, { depth: 9, showHidden: true })).not.toContain(created.key);
    await admin.auth.deleteApiKey({ id: listed!.id });
    expect(await reasonOf(service.auth.getMe())).toBe("API_KEY_INVALID");
  });

  it("gets a new token when the server has revoked the old one, and says why where it gets none", async () => {
    const user = await userWith("comeback", {});
    expect((await user.auth.getMe()).username).toBe("comeback");
    await admin.auth.updateUser({ username: "comeback", password: "the password of comeback" });
    const { value, response } = await user.auth.getMe().withResponse();
    expect([value.username, response.attempts]).toEqual(["comeback", 2]);
    await admin.auth.updateUser({ username: "comeback", disabled: true });
    const error = await user.auth.getMe().catch((thrown: ParapetError) => thrown);
    expect(error).toMatchObject({ reason: "CREDENTIAL_UNAVAILABLE", cause: { reason: "LOGIN_FAILED" } });
  });

  it("says how long to wait when the budget is spent", async () => {
    await userWith("busy", {});
    await admin.system.setLimitOverride({ subject: "user:busy", requests: 10, burst: 0, lifetime: "60s" });
    const { token } = await admin.auth.login({ username: "busy", password: "the password of busy" });
    const busy = new Parapet({ baseUrl: server.url, token, retries: 0 });
    const outcomes = await Promise.all(Array.from({ length: 30 }, () => busy.auth.getMe().result()));
    const refusal = outcomes.find((outcome) => !outcome.ok);
    if (!refusal || refusal.ok) throw new Error("nothing was refused");
    expect(refusal.error).toMatchObject({ code: "resource_exhausted", reason: "RATE_LIMITED", status: 429 });
    expect(refusal.error.retryAfterMs).toBeGreaterThan(0);
    expect(refusal.error.details.map(({ type }) => type)).toEqual(expect.arrayContaining(["google.rpc.QuotaFailure", "google.rpc.RetryInfo"]));
  });

  it("knows every method of the services it has", () => {
    const served = Object.values(services).flatMap((service) => service.methods.map((method) => `${service.typeName}/${method.name}`));
    expect(Object.keys(methods).sort()).toEqual(served.sort());
  });
});

describe("the REST layer", () => {
  it("walks its scenario, typed by the published document", async () => {
    const report = await runScenario({ baseUrl: server.url, adminUser: server.adminUser, adminPassword: server.adminPassword, suffix: "sdk" });
    expect(report.steps).toEqual(["logged in as admin", "granted read true, write false", "added revision 1", "got # One", "found 1", "updated to revision 2", "deleted", "cleaned up"]);
    expect(report.missing).toMatchObject({ reason: "DOCUMENT_NOT_FOUND", status: 404, code: "not_found", error: "document not found" });
    expect(report.stale).toMatchObject({ reason: "ETAG_MISMATCH", status: 412, code: "aborted" });
    expect(report.refused).toMatchObject({ reason: "PERMISSION_MISSING", code: "permission_denied", status: 403 });
  });

  it("asks for a new token once when the old one is refused, and for none on open paths", async () => {
    let asked = 0;
    const rest = createRestClient({
      baseUrl: server.url,
      token: async () => (asked++ === 0 ? "stale" : unwrap(rest.POST("/v1/auth/login", { body: { username: server.adminUser, password: server.adminPassword } }))),
    });
    expect(await unwrap(rest.GET("/health"))).toEqual({ status: "healthy" });
    expect(asked).toBe(0);
    const posted = await unwrap(rest.POST("/v1/add", { body: { collection: "rest", key: "k", contentMd: "kept over the repetition" } }));
    expect(posted.contentMd).toBe("kept over the repetition");
    expect(asked).toBe(2);
  });

  it("is typed for a server that is not there", async () => {
    const rest = createRestClient({ baseUrl: "http://127.0.0.1:1" });
    expect(await reasonOf(unwrap(rest.GET("/health")))).toBe("NETWORK_FAILED");
  });
});

describe.each([
  ["grpc over HTTP/2", "grpc", "2"],
  ["grpc-web over HTTP/1.1", "grpc-web", "1.1"],
  ["grpc-web over HTTP/2", "grpc-web", "2"],
  ["connect over HTTP/1.1", "connect", "1.1"],
  ["connect over HTTP/2", "connect", "2"],
] as const)("the connect layer with %s", (name, protocol: Protocol, httpVersion) => {
  let client: ParapetClient;
  beforeAll(() => {
    client = createParapetClient({ baseUrl: server.url, protocol, httpVersion, token: () => admin.auth.login({ username: server.adminUser, password: server.adminPassword }) });
  });
  afterAll(() => client.close());

  it("calls, streams both ways, and fails with the same reasons", async () => {
    const collection = `c-${name.replaceAll(/\W/g, "-")}`;
    const { document } = await client.documents.add({ collection, key: "a", contentMd: "# A" });
    expect(document?.contentMd).toBe("# A");
    await client.documents.addBatch({ collection, documents: [{ key: "b" }, { key: "c" }] });
    const keys = (await all(client.documents.export({ collection }))).map((message) => message.document?.key);
    expect(new Set(keys)).toEqual(new Set(["a", "b", "c"]));
    async function* uploads() {
      yield { collection, document: { key: "u1" } };
      yield { document: { key: "u2" } };
    }
    expect((await client.documents.import(uploads())).imported).toBe(2);

    expect(await reasonOf(client.documents.get({ collection, key: "zzz" }))).toBe("DOCUMENT_NOT_FOUND");
    expect(await reasonOf(client.documents.add({ collection, key: "a", createOnly: true }))).toBe("ETAG_MISMATCH");
    expect(await reasonOf(all(client.documents.export({ collection: "" })))).toBe("FIELD_INVALID");
    const error = await client.documents.add({ collection, key: "" }).catch((thrown: ParapetError) => thrown);
    expect(error).toMatchObject({ code: "invalid_argument", fieldViolations: [{ field: "key" }], method: "parapet.document.v1.DocumentService/Add", attempts: 1 });
    expect((error as ParapetError).requestId).not.toBe("");

    const nobody = createParapetClient({ baseUrl: server.url, protocol, httpVersion });
    expect(await reasonOf(nobody.auth.getMe({}))).toBe("CREDENTIAL_MISSING");
    expect(await reasonOf(all(nobody.documents.export({ collection })))).toBe("CREDENTIAL_MISSING");
    expect((await nobody.system.getHealth({})).status).toBe("healthy");
    nobody.close();
  });

  it("counts a call with one key once, and is cancelled and bounded like any other", async () => {
    const headers = { "idempotency-key": `key-${name}` };
    const first = await client.documents.add({ collection: "keys", key: name }, { headers });
    expect((await client.documents.add({ collection: "keys", key: name }, { headers })).document?.id).toBe(first.document?.id);
    expect(await reasonOf(client.auth.getMe({}, { signal: AbortSignal.abort() }))).toBe("CALL_CANCELLED");
    const closed = createParapetClient({ baseUrl: "http://127.0.0.1:1", protocol, httpVersion, retries: 0 });
    expect(await reasonOf(closed.system.getHealth({}))).toBe("NETWORK_FAILED");
    closed.close();
  });
});

describe.each(["grpc-web", "connect"] as const)("the web layer with %s", (protocol) => {
  it("calls and streams over fetch, with the same reasons", async () => {
    const client = createWebClient({ baseUrl: server.url, protocol, token: () => admin.auth.login({ username: server.adminUser, password: server.adminPassword }) });
    await client.documents.add({ collection: "web", key: protocol });
    expect((await all(client.documents.export({ collection: "web" }))).map(({ document }) => document?.key)).toContain(protocol);
    const error = await client.documents.get({ collection: "web", key: "none" }).catch((thrown: ParapetError) => thrown);
    expect(error).toMatchObject({ reason: "DOCUMENT_NOT_FOUND", code: "not_found" });
  });
});
