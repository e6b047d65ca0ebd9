/** The curl commands of the authentication guide, replayed as curl sends them: no JSON content type unless printed. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";

let server: TestServer;
let admin: string;

beforeAll(async () => {
  server = await startTestServer({ MDDB_AUTH_ENABLED: "true", MDDB_AUTH_JWT_SECRET: "0123456789abcdef0123456789abcdef", MDDB_AUTH_ADMIN_USERNAME: "admin", PARAPET_AUTH_ADMIN_PASSWORD: "changeme", MDDB_AUTH_JWT_EXPIRY: "7d" });
  admin = ((await (await curl("/v1/auth/login", { data: '{"username":"admin","password":"changeme"}' })).json()) as { token: string }).token;
});
afterAll(() => server.close());

interface CurlOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** As `-d` sends it: POST, and a form's content type unless one is given. */
  readonly data?: string;
  readonly verb?: string;
}

function curl(path: string, { headers = {}, data, verb }: CurlOptions = {}): Promise<Response> {
  return fetch(`${server.url}${path}`, {
    method: verb ?? (data === undefined ? "GET" : "POST"),
    headers: { accept: "*/*", "user-agent": "curl/8.5.0", ...(data === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }), ...headers },
    ...(data === undefined ? {} : { body: data }),
  });
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const json = { "content-type": "application/json" };
const seconds = expect.toSatisfy((value: unknown) => Number.isInteger(value) && Math.abs((value as number) - Date.now() / 1000) < 60);

describe("quick start", () => {
  test.each([[json], [{}]])("login answers a token and when it expires (%j)", async (headers) => {
    const response = await curl("/v1/auth/login", { headers, data: '{"username":"admin","password":"changeme"}' });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    const body = (await response.json()) as { token: string; expiresAt: number };
    expect(Object.keys(body)).toEqual(["token", "expiresAt"]);
    expect(body.token).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(body.expiresAt).toBeGreaterThan(Date.now() / 1000 + 6 * 86_400);
  });

  test("login with the data spread over lines", async () => {
    expect((await curl("/v1/auth/login", { headers: json, data: '{ "username": "admin", "password": "changeme" }' })).status).toBe(200);
  });

  test("the token opens /v1/stats, which is shut without it", async () => {
    expect((await curl("/v1/stats", { headers: bearer(admin) })).status).toBe(200);
    const refused = await curl("/v1/stats");
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ error: "missing authentication" });
  });

  test("add without a content type of its own", async () => {
    const response = await curl("/v1/add", { headers: bearer(admin), data: '{ "collection": "docs", "key": "readme", "lang": "en", "contentMd": "# Welcome" }' });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ collection: "docs", key: "readme", lang: "en", contentMd: "# Welcome" });
  });
});

describe("API keys", () => {
  test("created, shown once, and used in X-API-Key and as a bearer", async () => {
    const response = await curl("/v1/auth/api-key", { headers: { ...bearer(admin), ...json }, data: '{ "description": "CI server", "expiresAt": 0 }' });
    const body = (await response.json()) as { key: string };
    expect(body).toEqual({ key: expect.stringMatching(/^parapet_live_[0-9a-f]{48}$/), description: "CI server", expiresAt: 0, createdAt: seconds });
    expect((await curl("/v1/stats", { headers: { "x-api-key": body.key } })).status).toBe(200);
    expect((await curl("/v1/stats", { headers: bearer(body.key) })).status).toBe(200);
  });

  test("created with an expiry and the form's content type", async () => {
    const response = await curl("/v1/auth/api-key", { headers: bearer(admin), data: '{ "description": "Q1 2026 CI key", "expiresAt": 1735689600 }' });
    expect(await response.json()).toMatchObject({ description: "Q1 2026 CI key", expiresAt: 1735689600 });
  });

  test("a made-up key is an invalid api key", async () => {
    const response = await curl("/v1/stats", { headers: { "x-api-key": "mddb_live_b9a2604ba923ea920451d139a5f366eb384434600aff7e1d" } });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: "invalid api key" });
  });
});

describe("users and permissions", () => {
  test("register, me, permissions, delete answer the printed shapes", async () => {
    const registered = await curl("/v1/auth/register", { headers: bearer(admin), data: '{"username":"alice","password":"secret123"}' });
    expect(await registered.json()).toEqual({ username: "alice", createdAt: seconds });
    const me = await curl("/v1/auth/me", { headers: bearer(admin) });
    expect(await me.json()).toEqual({ username: "admin", admin: true, createdAt: seconds });
    const granted = await curl("/v1/auth/permissions", {
      headers: { ...bearer(admin), ...json },
      data: '{ "username": "alice", "collection": "blog", "read": true, "write": false, "admin": false }',
    });
    expect(granted.status).toBe(200);
    const listed = await curl("/v1/auth/permissions?username=alice", { headers: bearer(admin) });
    expect(await listed.json()).toEqual([{ username: "alice", collection: "blog", read: true, write: false, admin: false }]);
    const deleted = await curl("/v1/auth/users/alice", { verb: "DELETE", headers: bearer(admin) });
    expect(await deleted.json()).toEqual({ status: "deleted" });
  });

  test("a user without grants has an empty list, not null", async () => {
    await curl("/v1/auth/register", { headers: bearer(admin), data: '{"username":"bare","password":"secret123"}' });
    expect(await (await curl("/v1/auth/permissions?username=bare", { headers: bearer(admin) })).text()).toBe("[]");
  });

  test("the read-only user of the RBAC walk-through may search and not add", async () => {
    await curl("/v1/auth/register", { headers: bearer(admin), data: '{"username":"readonly","password":"view123"}' });
    await curl("/v1/auth/permissions", { headers: bearer(admin), data: '{ "username": "readonly", "collection": "docs", "read": true, "write": false }' });
    const { token } = (await (await curl("/v1/auth/login", { data: '{"username":"readonly","password":"view123"}' })).json()) as { token: string };
    const found = await curl("/v1/search", { headers: bearer(token), data: '{"collection":"docs","limit":10}' });
    expect(found.status).toBe(200);
    expect(found.headers.get("x-total-count")).toBe("1");
    expect(await found.json()).toMatchObject({ documents: [{ key: "readme" }], totalSize: 1 });
    const refused = await curl("/v1/add", { headers: bearer(token), data: '{"collection":"docs","key":"test","lang":"en","contentMd":"# Test"}' });
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ error: "forbidden" });
    const notAdmin = await curl("/v1/auth/register", { headers: bearer(token), data: '{"username":"x","password":"secret123"}' });
    expect(notAdmin.status).toBe(403);
    expect(await notAdmin.json()).toMatchObject({ error: "admin access required" });
  });

  test("the admin can be replaced by a new one and deleted", async () => {
    await curl("/v1/auth/register", { headers: bearer(admin), data: '{"username":"newadmin","password":"strong-password-here"}' });
    await curl("/v1/auth/permissions", { headers: bearer(admin), data: '{ "username": "newadmin", "collection": "*", "read": true, "write": true, "admin": true }' });
    const { token } = (await (await curl("/v1/auth/login", { data: '{"username":"newadmin","password":"strong-password-here"}' })).json()) as { token: string };
    expect(await (await curl("/v1/auth/users/admin", { verb: "DELETE", headers: bearer(admin) })).json()).toEqual({ status: "deleted" });
    const gone = await curl("/v1/stats", { headers: bearer(admin) });
    expect(gone.status).toBe(401);
    expect(await gone.json()).toMatchObject({ error: "invalid token" });
    expect((await curl("/v1/stats", { headers: bearer(token) })).status).toBe(200);
    expect(await (await curl("/v1/auth/users/newadmin", { verb: "DELETE", headers: bearer(token) })).json()).toMatchObject({ reason: "LAST_ADMIN" });
  });

  test("wrong passwords are invalid credentials", async () => {
    const response = await curl("/v1/auth/login", { data: '{"username":"admin","password":"wrong"}' });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: "invalid credentials" });
  });
});

describe("public endpoints", () => {
  test.each(["/health", "/v1/health", "/v1/healthz", "/metrics", "/v1/compliance-status", "/ready"])("%s needs no credential and has no limit", async (path) => {
    const response = await curl(path, { headers: bearer("not-a-token") });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-ratelimit-limit")).toBeNull();
  });
});

test("a form's content type without a credential is no door for foreign pages", async () => {
  const response = await curl("/v1/add", { data: '{"collection":"docs","key":"k"}' });
  expect(response.status).toBe(415);
  expect(await response.json()).toMatchObject({ reason: "CONTENT_TYPE_UNSUPPORTED" });
});
