/** Answers of REST in the coding that the caller takes most gladly: which ones, under which entity tags, alike with both executors of unary calls. */
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { request } from "node:http";
import { AuthService } from "@parapet/contract/parapet/auth/v1/auth_service_pb";
import { DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { SystemService } from "@parapet/contract/parapet/system/v1/system_service_pb";
import { routes } from "@parapet/contract/rest/routes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CredentialKind } from "../server/src/call.js";
import { createParapet, type Parapet } from "../server/src/parapet.js";
import { ADMIN, everyCollection } from "../server/src/policy/rights.js";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

const contentMd = "Markdown that repeats itself. ".repeat(400);
const path = "/v1/collections/docs/documents/large";
const unpack: Readonly<Record<string, (bytes: Buffer) => Buffer>> = { gzip: gunzipSync, br: brotliDecompressSync };

describe.each(["fast", "connect-es"] as const)("with unary calls by %s", (unary) => {
  let server: TestServer;
  let token: string;
  /** Says nothing that is not said here: fetch would ask for compression by itself. */
  const call = (verb: string, target: string, headers: Record<string, string> = {}, body?: unknown): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const sent = request({ port: server.port, host: "127.0.0.1", method: verb, path: target, headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers } }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers as Record<string, string>, body: Buffer.concat(chunks) }));
      });
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  const plain = ({ headers, body }: Answer): string => (unpack[headers["content-encoding"] ?? ""] ?? ((bytes: Buffer) => bytes))(body).toString();

  beforeAll(async () => {
    server = await startTestServer({ PARAPET_RATE_LIMIT_ENABLED: "false" }, undefined, unary);
    const answer = await call("POST", "/v1/auth/login", {}, { username: server.adminUser, password: server.adminPassword });
    token = (JSON.parse(answer.body.toString()) as { token: string }).token;
    for (const [key, text] of [["large", contentMd], ["small", "Short."]]) expect((await call("POST", "/v1/add", {}, { collection: "docs", key, contentMd: text })).status).toBe(200);
  }, 60_000);
  afterAll(() => server.close());

  test.each([
    [undefined, undefined],
    ["", undefined],
    ["identity", undefined],
    ["deflate", undefined],
    ["gzip", "gzip"],
    ["GZIP", "gzip"],
    ["x-gzip", "gzip"],
    ["br", "br"],
    ["gzip, br", "br"],
    ["gzip, deflate, br, zstd", "br"],
    ["gzip;q=1.0, br;q=0.9", "gzip"],
    ["gzip;q=0", undefined],
    ["gzip;q=0.000, br;q=0.001", "br"],
    ["gzip;q=0.5, identity", undefined],
    ["gzip;q=nothing", undefined],
    ["gzip;q=2", undefined],
    ["*", "br"],
    ["*;q=0.1, br;q=0", "gzip"],
    ["*;q=0", undefined],
  ])("Accept-Encoding %o gives %o", async (accepted, coding) => {
    const answer = await call("GET", path, accepted === undefined ? {} : { "accept-encoding": accepted });
    expect([answer.status, answer.headers["content-encoding"], answer.headers["vary"], answer.headers["content-length"]]).toEqual([200, coding, "Accept-Encoding", String(answer.body.length)]);
    expect((JSON.parse(plain(answer)) as { contentMd: string }).contentMd).toBe(contentMd);
    if (coding !== undefined) expect(answer.body.length).toBeLessThan(1_000);
    // The bytes of each coding have a strong tag of their own, which names the same state.
    const bare = (await call("GET", path)).headers["etag"]!;
    expect(answer.headers["etag"]).toBe(coding === undefined ? bare : `${bare.slice(0, -1)};${coding}"`);
  });

  test("HEAD says what GET would", async () => {
    for (const accepted of ["identity", "gzip", "br"]) {
      const shown = ({ status, headers: { date: _date, "x-request-id": _id, ...headers } }: Answer): unknown => ({ status, headers });
      const head = await call("HEAD", path, { "accept-encoding": accepted });
      expect(head.body.length).toBe(0);
      expect(shown(head)).toEqual(shown(await call("GET", path, { "accept-encoding": accepted })));
    }
  });

  test("small answers and refusals are not compressed", async () => {
    for (const [verb, target, body] of [
      ["GET", "/v1/collections/docs/documents/small", undefined],
      ["GET", "/v1/collections/docs/documents/absent", undefined],
      ["POST", "/v1/auth/login", { username: server.adminUser, password: server.adminPassword }],
    ] as const) {
      const { headers } = await call(verb, target, { "accept-encoding": "gzip, br" }, body);
      expect([target, headers["content-encoding"], headers["vary"]]).toEqual([target, undefined, undefined]);
    }
  });

  test("a state that is known is 304 in any coding, under the tag by which it is known", async () => {
    const tagIn = async (accepted: string): Promise<string> => (await call("GET", path, { "accept-encoding": accepted })).headers["etag"]!;
    const [bare, gzip, br] = await Promise.all(["identity", "gzip", "br"].map(tagIn));
    for (const known of [bare, gzip, br]) {
      for (const accepted of ["identity", "gzip", "br"]) {
        for (const written of [known!, `W/${known!}`, `"other", ${known!}`]) {
          const { status, headers, body } = await call("GET", path, { "accept-encoding": accepted, "if-none-match": written });
          expect([status, headers["etag"], headers["vary"], headers["content-encoding"], headers["content-type"], body.length]).toEqual([304, known, "Accept-Encoding", undefined, undefined, 0]);
        }
      }
    }
    for (const other of ['"other"', '";gzip"', `"other${gzip!.slice(1)}`]) expect((await call("GET", path, { "accept-encoding": "gzip", "if-none-match": other })).status).toBe(200);
    expect((await call("GET", path, { "accept-encoding": "gzip", "if-none-match": "*" })).headers["etag"]).toBe(gzip);
  });

  test("a change that names the tag of any coding is made, once", async () => {
    for (const accepted of ["identity", "gzip", "br"]) {
      const read = (await call("GET", path, { "accept-encoding": accepted })).headers["etag"]!;
      const change = (): Promise<Answer> => call("PATCH", path, { "accept-encoding": "gzip", "if-match": read }, { meta: { read: [accepted] } });
      const changed = await change();
      expect([changed.status, changed.headers["content-encoding"]]).toEqual([200, "gzip"]);
      expect((await change()).status).toBe(412);
      // The answer to a change is tagged as what a GET gives.
      expect(changed.headers["etag"]).toBe((await call("GET", path, { "accept-encoding": "gzip" })).headers["etag"]);
    }
  });

  test("a listing is compressed as well, and its count stands beside it", async () => {
    const answer = await call("POST", "/v1/search", { "accept-encoding": "gzip" }, { collection: "docs" });
    expect([answer.status, answer.headers["content-encoding"], answer.headers["x-total-count"]]).toEqual([200, "gzip", "2"]);
    expect((JSON.parse(plain(answer)) as unknown[] | { documents: unknown[] })).toBeTruthy();
  });
});

describe("a service of somebody else", () => {
  const large = "x".repeat(10_000);
  let parapet: Parapet;
  let port: number;
  beforeAll(async () => {
    parapet = createParapet({
      services: (router) => {
        router.service(AuthService, { login: () => ({ token: large }), getMe: () => ({ username: large }) });
        router.service(DocumentService, {
          get(_request, { responseHeader }) {
            responseHeader.set("etag", '"own"');
            return { document: { contentMd: large } };
          },
        });
        router.service(SystemService, { getMetrics: () => ({ body: { contentType: "application/octet-stream", data: Buffer.from(large) } }) });
      },
      rest: routes,
      identity: { authenticate: () => Promise.reject(new Error("nobody signs in here")) },
      everybody: { principal: { id: "usr_1", name: "one", tenant: "t", admin: true, grants: new Map([[everyCollection, ADMIN]]) }, credential: { kind: CredentialKind.NONE, id: "" } },
      audit: { write: () => Promise.resolve() },
      limiter: null,
      pseudonymKey: new Uint8Array(32),
      tenant: "t",
    });
    port = await parapet.listen({ hosts: ["127.0.0.1"], port: 0 });
  });
  afterAll(() => parapet.close(1_000));

  test.each([
    ["an answer of any length", "GET", "/v1/auth/me", "gzip"],
    ["but none with a secret", "POST", "/v1/auth/login", null],
    ["none that a handler tagged", "GET", "/v1/collections/c/documents/k", null],
    ["and none that is no text", "GET", "/metrics", null],
  ])("has compressed: %s", async (_what, verb, target, coding) => {
    const response = await fetch(`http://127.0.0.1:${port}${target}`, { method: verb, headers: { "accept-encoding": "gzip", "content-type": "application/json" }, ...(verb === "POST" ? { body: '{"username":"u","password":"long enough"}' } : {}) });
    expect([response.status, response.headers.get("content-encoding"), (await response.text()).includes(large)]).toEqual([200, coding, true]);
  });
});
