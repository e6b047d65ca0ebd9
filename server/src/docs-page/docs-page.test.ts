// Tests the documentation page without a browser: what is served, to whom, under which headers, and when not at all.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { get as httpGet, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:http2";
import { createContext, runInContext } from "node:vm";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../testing/start.js";

const pinned = JSON.parse(readFileSync(new URL("../../../tools/docs-page/scalar.json", import.meta.url), "utf8")) as { sha256: string };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A request as it is written: nothing is decompressed, and no header is added. */
function get(path: string, headers: Record<string, string> = {}, method = "GET", port = server.port): Promise<Answer> {
  return new Promise((resolve, reject) => {
    httpGet({ port, host: "127.0.0.1", path, headers, method }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }));
    }).on("error", reject);
  });
}

/** Addresses that a page loads, as a browser resolves them. */
async function scriptsOf(page: string): Promise<string[]> {
  const html = (await get(page)).body.toString();
  return [...html.matchAll(/<script src="([^"]+)"/g)].map(([, src]) => new URL(src!, `${server.url}${page}`).pathname);
}

describe.each(["/docs", "/docs/"])("%s", (path) => {
  test("is a page without any script or style of its own, and without any other address", async () => {
    const { status, headers, body } = await get(path);
    expect([status, headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    const html = body.toString();
    expect(html).toContain("<title>Parapet</title>");
    expect(html).not.toMatch(/<style|style=|\son\w+=|https?:|\/\/|<script(?! src=)|<script[^>]*>[^<]/);
  });

  test("names the OpenAPI document and scripts that are there", async () => {
    const html = (await get(path)).body.toString();
    const [, href] = /rel="service-desc" type="application\/json" href="([^"]+)"/.exec(html)!;
    expect(new URL(href!, `${server.url}${path}`).pathname).toBe("/openapi.json");
    const scripts = await scriptsOf(path);
    expect(scripts.map((script) => script.replace(/\.[0-9a-f]{16}\./, "."))).toEqual(["/docs/styles.js", "/docs/start.js", "/docs/scalar.js"]);
    for (const script of scripts) {
      const { status, headers } = await get(script);
      expect([status, headers["content-type"], headers["x-content-type-options"]]).toEqual([200, "text/javascript; charset=utf-8", "nosniff"]);
    }
  });

  test("allows scripts and requests of its own origin, and nothing inline that could run", async () => {
    const { headers } = await get(path);
    const policy = Object.fromEntries(String(headers["content-security-policy"]).split("; ").map((part) => [part.split(" ")[0], part.split(" ").slice(1).join(" ")]));
    expect(policy).toEqual({
      "default-src": "'none'",
      "script-src": "'self'",
      "connect-src": "'self'",
      "img-src": "'self' data:",
      "style-src-attr": "'unsafe-inline'",
      "base-uri": "'none'",
      "form-action": "'none'",
      "frame-ancestors": "'none'",
    });
    expect(headers).toMatchObject({ "referrer-policy": "no-referrer", "cross-origin-opener-policy": "same-origin", "x-content-type-options": "nosniff" });
  });
});

describe("caches", () => {
  test("ask for the page each time, and get it only if it has changed", async () => {
    for (const path of ["/docs", "/openapi.yaml", "/openapi.json"]) {
      const { headers } = await get(path);
      expect(headers["cache-control"]).toBe("no-cache");
      const etag = headers.etag!;
      for (const known of [etag, etag.replace("W/", ""), `"other", ${etag}`, "*"]) {
        const again = await get(path, { "if-none-match": known });
        expect([again.status, again.body.length, again.headers.etag], known).toEqual([304, 0, etag]);
      }
      expect((await get(path, { "if-none-match": '"other"' })).status).toBe(200);
    }
    const [page, slash] = await Promise.all(["/docs", "/docs/"].map((path) => get(path)));
    expect(page!.headers.etag).not.toBe(slash!.headers.etag);
  });

  test("keep scripts for ever, whose names change with them", async () => {
    for (const script of await scriptsOf("/docs")) {
      expect((await get(script)).headers["cache-control"]).toBe("public, max-age=31536000, immutable");
      expect((await get(script.replace(/\.[0-9a-f]{16}\./, ".0000000000000000."))).status).toBe(404);
    }
  });

  test("are told the same over HTTP/2", async () => {
    const session = connect(server.url);
    const exchange = (headers: Record<string, string>): Promise<{ status: number; etag: string }> =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ":path": "/docs", ...headers });
        stream.on("error", reject);
        stream.on("response", (answer) => resolve({ status: answer[":status"]!, etag: String(answer["etag"]) }));
        stream.resume();
      });
    const { status, etag } = await exchange({});
    expect(status).toBe(200);
    expect(await exchange({ "if-none-match": etag })).toEqual({ status: 304, etag });
    session.close();
  });
});

describe("compression", () => {
  test.each([
    ["gzip", true],
    ["deflate, gzip;q=0.5, br", true],
    ["*", true],
    ["", false],
    ["br", false],
    ["gzip;q=0", false],
    ["gzip;q=0, *", false],
  ])("Accept-Encoding %j: %s", async (accepted, packed) => {
    const bundle = (await scriptsOf("/docs")).at(-1)!;
    for (const path of [bundle, "/openapi.yaml"]) {
      const { headers, body } = await get(path, accepted === "" ? {} : { "accept-encoding": accepted });
      expect(headers).toMatchObject({ vary: "Accept-Encoding", "content-length": String(body.length) });
      expect(headers["content-encoding"]).toBe(packed ? "gzip" : undefined);
      const text = packed ? gunzipSync(body) : body;
      expect(text.subarray(0, 12).toString()).toBe(path === bundle ? "(function(){" : '# Parapet as');
    }
  });

  test("the bundle is the one that is pinned", async () => {
    const { body } = await get((await scriptsOf("/docs")).at(-1)!);
    expect(createHash("sha256").update(body).digest("hex")).toBe(pinned.sha256);
  });
});

describe("who may read it", () => {
  test("anybody, whatever the credential, but by GET and HEAD only", async () => {
    expect((await get("/docs", { authorization: "Bearer nonsense" })).status).toBe(200);
    const head = await get("/docs", {}, "HEAD");
    expect([head.status, head.body.length, head.headers["content-length"]]).toEqual([200, 0, String((await get("/docs")).body.length)]);
    for (const method of ["POST", "PUT", "DELETE"]) expect((await get("/docs", {}, method)).status, method).toBe(404);
  });

  test("no page of another origin", async () => {
    expect((await get("/docs", { origin: "https://evil.example" })).status).toBe(403);
  });

  test("nobody, where PARAPET_DOCS_ENABLED is false; the OpenAPI document stays", async () => {
    const scripts = await scriptsOf("/docs");
    const without = await startTestServer({ PARAPET_DOCS_ENABLED: "false" });
    try {
      for (const path of ["/docs", "/docs/", "/docs/LICENSE-scalar.txt", ...scripts]) {
        const { status, body } = await get(path, {}, "GET", without.port);
        expect([status, (JSON.parse(body.toString()) as { reason: string }).reason], path).toEqual([404, "METHOD_UNKNOWN"]);
      }
      expect((await get("/openapi.yaml", {}, "GET", without.port)).status).toBe(200);
    } finally {
      await without.close();
    }
  });
});

describe("how it starts", () => {
  /** Runs the script as the page does; returns what the bundle is told. */
  async function started(base: string): Promise<{ configuration: Record<string, unknown>; sent: Request[] }> {
    const [, start] = await scriptsOf("/docs");
    const sent: Request[] = [];
    let configuration: Record<string, unknown> = {};
    const context = createContext({
      URL,
      Request,
      fetch: (request: Request) => sent.push(request),
      addEventListener: (_name: string, listener: () => void) => listener(),
      document: { querySelector: () => ({ href: `${base}openapi.json` }) },
      Scalar: { createApiReference: (_at: string, given: Record<string, unknown>) => (configuration = given) },
    });
    runInContext((await get(start!)).body.toString(), context);
    return { configuration, sent };
  }

  test("keeps no credential, reports to nobody, and calls the server it came from, also below a path", async () => {
    const { configuration } = await started("https://proxy.example/below/");
    expect(configuration).toMatchObject({
      url: "https://proxy.example/below/openapi.json",
      servers: [{ url: "https://proxy.example/below" }],
      persistAuth: false,
      telemetry: false,
      withDefaultFonts: false,
      agent: { disabled: true },
      mcp: { disabled: true },
      hideClientButton: true,
    });
    expect(configuration["proxyUrl"]).toBeUndefined();
  });

  test("sends no credential that is empty", async () => {
    const { configuration, sent } = await started(`${server.url}/`);
    const send = configuration["customFetch"] as (input: string, init: RequestInit) => unknown;
    for (const authorization of ["Bearer", "Bearer ", "Bearer t"]) send(`${server.url}/v1/auth/me`, { headers: { authorization } });
    for (const key of ["", "k"]) send(`${server.url}/v1/auth/me`, { headers: { "x-api-key": key } });
    expect(sent.map(({ headers }) => headers.get("authorization") ?? headers.get("x-api-key"))).toEqual([null, null, "Bearer t", null, "k"]);
  });
});
