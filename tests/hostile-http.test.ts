/** HTTP as an attacker writes it: spellings of paths, verbs, content types, lengths and headers, over sockets and frames of our own. */
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "@bufbuild/protobuf";
import { frame } from "../conformance/src/wire/envelope.js";
import { binaryOf } from "../conformance/src/wire/messages.js";
import { type Credential, field, type Variant, variants } from "../conformance/src/wire/wire.js";
import { exchangeRaw, errorCodes, frameFlags, frameTypes, headerBlock, type Http2Wire, openHttp2, type RawAnswer } from "./wire.js";
import { type Answer, type Encoded, methodOf, openWorld, variantsOf, type World } from "./world.js";

let world: World;
let reader: Credential;
let before: string;
beforeAll(async () => {
  world = await openWorld();
  reader = await world.user("reader", [{ collection: "c", read: true }]);
  await world.send(connectJson, "DocumentService/Add", { collection: "c", key: "k", contentMd: "# K" }, { credential: world.admin });
  before = await world.contents();
});
afterAll(async () => {
  expect(await world.contents()).toBe(before);
  expect(await world.health()).toBe(200);
  await world.close();
});

const connectJson = variants.find(({ label }) => label === "connect-json/h1")!;
const search = methodOf("DocumentService/Search");
const named = (list: readonly Variant[]) => list.map((variant) => [variant.label, variant] as const);
const bearer = (): string => `authorization: Bearer ${(world.admin as { bearer: string }).bearer}`;

async function attack(variant: Variant, method: string, request: JsonObject, bend: (encoded: Encoded) => Encoded, credential: Credential | undefined = world.admin): Promise<Answer> {
  const answer = await world.send(variant, method, request, { credential }, bend);
  expect(answer.error?.reasons ?? []).toHaveLength(answer.code === "ok" ? 0 : 1);
  expect(answer.http.status === 501 || answer.http.status < 500).toBe(true);
  return answer;
}

const withHeaders = (encoded: Encoded, ...headers: readonly (readonly [string, string])[]): Encoded => ({
  ...encoded,
  headers: [...encoded.headers.filter(([name]) => !headers.some(([other]) => other === name)), ...headers],
});

/** The problem document of a bare answer; its reason is in its own field and nowhere else. */
function problemOf({ text, body }: RawAnswer): JsonObject {
  expect(text).toMatch(/\r\ncontent-type: application\/problem\+json\r\n/i);
  const problem = JSON.parse(body) as JsonObject;
  expect(Object.keys(problem)).toEqual(expect.arrayContaining(["type", "title", "status", "detail", "code", "reason", "domain", "requestId", "error"]));
  return problem;
}

describe("paths", () => {
  const restPaths = ["//v1/stats", "/v1//stats", "/v1/stats/", "/V1/stats", "/v1/Stats", "/v1/./stats", "/v1/x/../stats", "/v1/%73tats", "/v1%2Fstats", "/%2e/v1/stats", "/v1/stats%00", "/v1/stats%20", "/v1/stats;a=b", "/v1\\stats", "/v1/stats%3Fcollection=c", "/v1/stats#top", "/./v1/stats", "/../v1/stats", "/v1/stats/.", "/v1/stats/..;/"];
  test.each(restPaths)("%s is no route", async (path) => {
    const raw = await exchangeRaw(world.port, `GET ${path} HTTP/1.1\r\nhost: x\r\n${bearer()}\r\n\r\n`);
    expect([raw.status, problemOf(raw)["reason"]]).toEqual([404, "METHOD_UNKNOWN"]);
    const [, overHttp2] = variantsOf("rest");
    expect((await attack(overHttp2!, "DocumentService/GetStats", {}, (encoded) => ({ ...encoded, path }))).reason).toBe("METHOD_UNKNOWN");
  });

  const rpcPaths = [`/${search.path}`, search.path.replace("/Search", "//Search"), `${search.path}/`, search.path.toLowerCase(), search.path.replace("Search", "search"), search.path.replace("S", "%53"), `/.${search.path}`, `/x/..${search.path}`, `${search.path}%00`, `${search.path};a=b`, search.path.replaceAll(".", "%2E"), "/DocumentService/Search", "/parapet.document.v1.DocumentService", "/parapet.document.v1.DocumentService/", "/"];
  test.each(rpcPaths.flatMap((path) => named(variants.filter(({ encoding }) => encoding !== "rest" && encoding !== "connect-get")).map(([label, variant]) => [path, label, variant] as const)))("%s is no method over %s", async (path, _label, variant) => {
    const { http, error } = await world.send(variant, "DocumentService/Search", { collection: "c" }, { credential: world.admin }, (encoded) => ({ ...encoded, path }));
    const isGrpc = variant.encoding.startsWith("grpc");
    expect(http.status).toBe(isGrpc ? 200 : 404);
    // JSON and protobuf at an unknown path may be anybody's: they hear it as a problem document.
    const reasons = isGrpc ? error!.reasons : [(JSON.parse(Buffer.from(http.body).toString()) as JsonObject)["reason"]];
    expect(reasons).toEqual(["METHOD_UNKNOWN"]);
  });

  test.each(named(variants.filter(({ encoding }) => encoding !== "rest" && encoding !== "connect-get")))("a method with a query is refused over %s", async (_label, variant) => {
    for (const query of ["?collection=c", "?x", "?access_token=t"]) {
      const { reason } = await attack(variant, "DocumentService/Search", { collection: "c" }, (encoded) => ({ ...encoded, path: `${search.path}${query}` }));
      expect([query, reason]).toEqual([query, "QUERY_PARAMETER_UNKNOWN"]);
    }
  });

  test("no leading slash is no request over HTTP/1.1 and no method over HTTP/2", async () => {
    for (const path of ["v1/stats", search.path.slice(1), "?collection=c", "%2Fv1%2Fstats", search.path.replaceAll("/", "%2F"), "\\v1\\stats"]) {
      const raw = await exchangeRaw(world.port, `GET ${path} HTTP/1.1\r\nhost: x\r\n${bearer()}\r\n\r\n`);
      expect([path, raw.status, problemOf(raw)["reason"]]).toEqual([path, 400, "REQUEST_MALFORMED"]);
      const wire = openHttp2(world.port);
      wire.write(frameTypes.headers, frameFlags.endHeaders | frameFlags.endStream, 1, headerBlock([[":method", "GET"], [":scheme", "http"], [":authority", "x"], [":path", path], ["authorization", bearer().slice(15)]]));
      const answered = await wire.next(({ stream, type }) => stream === 1 && (type === frameTypes.data || type === frameTypes.reset));
      if (answered!.type === frameTypes.data) expect((JSON.parse(answered!.payload.toString()) as JsonObject)["reason"]).toBe("METHOD_UNKNOWN");
      else expect(answered!.payload.readUInt32BE()).toBe(errorCodes.protocol);
      wire.close();
    }
  });

  test("the absolute form leads nowhere", async () => {
    for (const target of [`http://127.0.0.1:${world.port}/v1/stats`, "http://elsewhere.example/v1/stats", "https://127.0.0.1/v1/stats", "file:///etc/passwd"]) {
      const raw = await exchangeRaw(world.port, `GET ${target} HTTP/1.1\r\nhost: x\r\n${bearer()}\r\n\r\n`);
      expect([target, raw.status, problemOf(raw)["reason"]]).toEqual([target, 404, "METHOD_UNKNOWN"]);
    }
    expect((await exchangeRaw(world.port, `OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n`)).status).toBe(404);
    expect((await exchangeRaw(world.port, `CONNECT 127.0.0.1:${world.port} HTTP/1.1\r\nhost: x\r\n\r\n`)).text).not.toMatch(/^HTTP\/1\.1 2/);
  });
});

describe("verbs", () => {
  test.each(["PUT", "PATCH", "DELETE", "POST", "TRACE", "OPTIONS", "PROPFIND", "SEARCH", "LINK"])("%s where GET is bound is VERB_NOT_ALLOWED", async (verb) => {
    const raw = await exchangeRaw(world.port, `${verb} /v1/stats HTTP/1.1\r\nhost: x\r\n${bearer()}\r\ncontent-length: 0\r\n\r\n`);
    expect([raw.status, problemOf(raw)["reason"]]).toEqual([405, "VERB_NOT_ALLOWED"]);
    expect(raw.text).toMatch(/\r\nallow: GET\r\n/i);
    expect(raw.body).not.toContain((world.admin as { bearer: string }).bearer);
  });

  test.each(["FROB", "get", "GE T", "G\0T", ""])("%j is no verb of HTTP/1.1", async (verb) => {
    const raw = await exchangeRaw(world.port, `${verb} /v1/stats HTTP/1.1\r\nhost: x\r\n${bearer()}\r\n\r\n`);
    expect([raw.status, problemOf(raw)["reason"]]).toEqual([400, "REQUEST_MALFORMED"]);
  });

  test.each(["FROB", "get", "PUT", "TRACE"])("%s over HTTP/2 is VERB_NOT_ALLOWED", async (verb) => {
    const [, overHttp2] = variantsOf("rest");
    const answer = await attack(overHttp2!, "DocumentService/GetStats", {}, (encoded) => ({ ...encoded, verb }));
    expect([answer.http.status, answer.reason, field(answer.http.headers, "allow")]).toEqual([405, "VERB_NOT_ALLOWED", "GET"]);
  });

  test.each(named(variants.filter(({ encoding }) => !["rest", "connect-get"].includes(encoding))))("only POST calls a change over %s", async (_label, variant) => {
    for (const verb of ["GET", "HEAD", "PUT", "DELETE", "PATCH"]) {
      const { http } = await world.send(variant, "DocumentService/Delete", { collection: "c", key: "k" }, { credential: world.admin }, (encoded) => ({ ...encoded, verb, body: undefined }));
      expect([verb, http.status, field(http.headers, "allow")]).toEqual([verb, 405, "POST"]);
      if (verb !== "HEAD") expect((JSON.parse(Buffer.from(http.body).toString()) as { details: unknown[] }).details).toHaveLength(1);
    }
  });

  test.each(["x-http-method-override", "x-http-method", "x-method-override", "x-original-method"])("%s changes nothing", async (name) => {
    for (const variant of variantsOf("rest")) {
      const answer = await attack(variant, "DocumentService/Get", { collection: "c", key: "k" }, (encoded) => withHeaders(encoded, [name, "DELETE"]));
      expect(answer.messages[0]!["document"]).toMatchObject({ key: "k" });
      expect((await attack(variant, "DocumentService/Add", { collection: "c", key: "new" }, (encoded) => withHeaders(encoded, [name, "GET"]), reader)).reason).toBe("PERMISSION_MISSING");
    }
  });

  test.each(["x-original-url", "x-rewrite-url", "x-forwarded-prefix", "x-forwarded-uri"])("%s leads nowhere else", async (name) => {
    for (const variant of variantsOf("rest")) {
      expect((await attack(variant, "DocumentService/GetStats", {}, (encoded) => withHeaders(encoded, [name, "/health"]), reader)).reason).toBe("PERMISSION_MISSING");
    }
  });
});

describe("query strings", () => {
  const queries: readonly (readonly [query: string, reason: string, parameter?: string])[] = [
    ["unknown=1", "QUERY_PARAMETER_UNKNOWN", "unknown"],
    ["__proto__=1", "QUERY_PARAMETER_UNKNOWN", "__proto__"],
    ["constructor.prototype=1", "QUERY_PARAMETER_UNKNOWN", "constructor.prototype"],
    ["=1", "QUERY_PARAMETER_UNKNOWN", ""],
    ["_method=DELETE", "QUERY_PARAMETER_UNKNOWN", "_method"],
    ["access_token=t", "QUERY_PARAMETER_UNKNOWN", "access_token"],
    ["Limit=1", "QUERY_PARAMETER_UNKNOWN", "Limit"],
    ["limit%00=1", "QUERY_PARAMETER_UNKNOWN", "limit\0"],
    ["limit[]=1", "QUERY_PARAMETER_UNKNOWN", "limit[]"],
    ["filterMeta=a", "QUERY_PARAMETER_UNKNOWN", "filterMeta"],
    ["collection=other", "QUERY_PARAMETER_UNKNOWN", "collection"],
    ["limit=1&limit=2", "REQUEST_MALFORMED"],
    ["limit=1&limit=1", "REQUEST_MALFORMED"],
    ["pageToken=a&page_token=b", "REQUEST_MALFORMED"],
    ["limit=%", "REQUEST_MALFORMED"],
    ["limit=%zz", "REQUEST_MALFORMED"],
    ["%ff=1", "REQUEST_MALFORMED"],
    ["pageToken=%ed%a0%80", "REQUEST_MALFORMED"],
    ["limit=abc", "REQUEST_MALFORMED"],
    ["limit=", "REQUEST_MALFORMED"],
    ["limit=0x10", "REQUEST_MALFORMED"],
    ["limit=+1", "REQUEST_MALFORMED"],
    ["limit=1.5", "REQUEST_MALFORMED"],
    ["limit=2147483648", "REQUEST_MALFORMED"],
    ["limit=-1", "FIELD_INVALID"],
    ["limit=1001", "FIELD_INVALID"],
    ["asc=yes", "REQUEST_MALFORMED"],
    ["asc=TRUE", "REQUEST_MALFORMED"],
    ["sort=size", "FIELD_INVALID"],
    ["&&limit=1&&", "-"],
    ["page_token=&limit=1", "-"],
  ];
  test.each(variantsOf("rest").flatMap((variant) => queries.map(([query, reason, parameter]) => [query, variant.label, variant, reason, parameter] as const)))("?%s over %s", async (query, _label, variant, reason, parameter) => {
    const answer = await attack(variant, "DocumentService/Search", {}, (encoded) => ({ ...encoded, verb: "GET", path: `/v1/collections/c/documents?${query}`, body: undefined }));
    expect(answer.reason).toBe(reason);
    if (parameter !== undefined) expect(answer.error!.metadata["parameter"]).toBe(parameter);
  });

  test("a body is no place for a query", async () => {
    for (const variant of variantsOf("rest")) {
      expect((await attack(variant, "DocumentService/Search", { collection: "c" }, (encoded) => ({ ...encoded, path: "/v1/search?limit=1" }))).reason).toBe("QUERY_PARAMETER_UNKNOWN");
    }
  });

  test.each(named(variantsOf("connect-get")))("a GET of Connect takes its own parameters once over %s", async (_label, variant) => {
    const message = encodeURIComponent('{"collection":"c"}');
    for (const [query, reason] of [["&x=1", "QUERY_PARAMETER_UNKNOWN"], ["&access_token=t", "QUERY_PARAMETER_UNKNOWN"], [`&message=${message}`, "REQUEST_MALFORMED"], ["&encoding=proto", "REQUEST_MALFORMED"]] as const) {
      expect([query, (await attack(variant, "DocumentService/Search", {}, (encoded) => ({ ...encoded, path: `${search.path}?connect=v1&encoding=json&message=${message}${query}` }))).reason]).toEqual([query, reason]);
    }
  });
});

describe("content types", () => {
  const refused = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "application/grpc+thrift", "application/grpc-web+thrift", "application/grpcx", "application/connect+json", "application/connect", "application/x-protobuf", "application/json, application/proto", "json", "", ";", "x".repeat(4_000)];
  test.each(variantsOf("connect-json", "connect-proto", "grpc", "grpc-web").flatMap((variant) => refused.map((type) => [type.slice(0, 40), variant.label, variant, type] as const)))("%j is CONTENT_TYPE_UNSUPPORTED to a method over %s", async (_type, _label, variant, type) => {
    const { http } = await world.send(variant, "DocumentService/Search", { collection: "c" }, { credential: world.admin }, (encoded) => withHeaders(encoded, ["content-type", type]));
    expect(http.status).toBe(415);
    expect(field(http.headers, "accept-post")).toContain("application/grpc-web-text");
    expect((JSON.parse(Buffer.from(http.body).toString()) as { code: string; details: unknown[] }).details).toHaveLength(1);
  });

  const charsets: readonly (readonly [parameter: string, reason: string])[] = [
    ["; charset=utf-8", "-"], [";charset=UTF-8", "-"], ['; charset="utf-8"', "-"], ["; charset=utf8", "-"], ["; q=1; charset=utf-8", "-"],
    ["; charset=utf-16", "CONTENT_TYPE_UNSUPPORTED"], ["; charset=iso-8859-1", "CONTENT_TYPE_UNSUPPORTED"], ["; charset=utf-7", "CONTENT_TYPE_UNSUPPORTED"], ['; charset="utf-16"', "CONTENT_TYPE_UNSUPPORTED"], ["; CHARSET=UTF-32", "CONTENT_TYPE_UNSUPPORTED"], ["; x=y; charset=ucs-2", "CONTENT_TYPE_UNSUPPORTED"], ["; charset=", "CONTENT_TYPE_UNSUPPORTED"],
  ];
  test.each(variantsOf("connect-json", "rest").flatMap((variant) => charsets.map(([parameter, reason]) => [parameter, variant.label, variant, reason] as const)))("application/json%s over %s", async (parameter, _label, variant, reason) => {
    const answer = await attack(variant, "DocumentService/Search", { collection: "c" }, (encoded) => withHeaders(encoded, ["content-type", `application/json${parameter}`]));
    expect([answer.reason, answer.http.status]).toEqual([reason, reason === "-" ? 200 : 415]);
  });
});

describe("lengths", () => {
  const five = String(5 * 1024 ** 3);
  const bodies: readonly (readonly [what: string, path: string, type: string, status: number])[] = [
    ["REST", "/v1/add", "application/json", 413],
    ["Connect", methodOf("DocumentService/Add").path, "application/json", 429],
    ["Connect protobuf", methodOf("DocumentService/Add").path, "application/proto", 429],
    ["a Connect stream", methodOf("DocumentService/Export").path, "application/connect+json", 200],
    ["gRPC-Web", methodOf("DocumentService/Add").path, "application/grpc-web", 200],
  ];
  test.concurrent.each(bodies)("5 GB declared to %s is MESSAGE_TOO_LARGE before it is sent", async (_what, path, type, status) => {
    const raw = await exchangeRaw(world.port, `POST ${path} HTTP/1.1\r\nhost: x\r\n${bearer()}\r\ncontent-type: ${type}\r\ncontent-length: ${five}\r\n\r\n{`, { untilAnswer: false });
    expect(raw.closed).toBe(true);
    expect(raw.status).toBe(status);
    expect(raw.text).toMatch(/MESSAGE_TOO_LARGE|grpc-status: 8|TUVTU0FHRV9UT09fTEFSR0U|NRVNTQUdFX1RPT19MQVJHR|1FU1NBR0VfVE9PX0xBUkdF/);
    expect(await world.health()).toBe(200);
  });

  test.concurrent.each(bodies)("5 GB declared to %s without a credential is CREDENTIAL_MISSING", async (_what, path, type) => {
    const raw = await exchangeRaw(world.port, `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: ${five}\r\n\r\n{`, { untilAnswer: false });
    expect([raw.closed, [200, 401].includes(raw.status), /missing(?: |%20)authentication/.test(raw.text)]).toEqual([true, true, true]);
  });

  test.concurrent.each(named(variants.filter(({ http, encoding }) => http === "h2" && !["connect-get", "rest"].includes(encoding))))("5 GB declared over %s is answered, and the stream closed", async (_label, variant) => {
    const session = connectHttp2(world.server.url);
    try {
      const type = { grpc: "application/grpc", "grpc-web": "application/grpc-web", "connect-proto": "application/proto", "connect-json": "application/json" }[variant.encoding as "grpc"];
      for (const [credential, code] of [[bearer().slice(15), "resource_exhausted"], [undefined, "unauthenticated"]] as const) {
        const answer = await declared(session, { ":path": methodOf("DocumentService/Add").path, "content-type": type, "content-length": five, ...(credential === undefined ? {} : { authorization: credential }) });
        expect([answer.status, answer.text.includes(code) || answer.grpcStatus === (code === "unauthenticated" ? "16" : "8")]).toEqual([variant.encoding.startsWith("grpc") ? 200 : code === "unauthenticated" ? 401 : 429, true]);
      }
    } finally {
      session.destroy();
    }
    expect(await world.health()).toBe(200);
  });

  test.each(["18446744073709551616", "-1", "+5", "1e3", "0x10", "5 5", "", "five", "5,6"])("a content-length of %j is no length", async (length) => {
    const raw = await exchangeRaw(world.port, `POST /v1/add HTTP/1.1\r\nhost: x\r\n${bearer()}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`);
    expect([raw.status, problemOf(raw)["reason"]]).toEqual([400, "REQUEST_MALFORMED"]);
  });

  test.each([["longer", 2], ["shorter", 2_000]])("a body %s than it says is no request over HTTP/2", async (_what, length) => {
    const wire = openHttp2(world.port);
    wire.write(frameTypes.headers, frameFlags.endHeaders, 1, headerBlock([[":method", "POST"], [":scheme", "http"], [":authority", "x"], [":path", "/v1/add"], ["content-type", "application/json"], ["content-length", String(length)], ["authorization", bearer().slice(15)]]));
    wire.write(frameTypes.data, frameFlags.endStream, 1, Buffer.from('{"collection":"c","key":"lied"}'));
    const reset = await wire.next(({ type, stream }) => stream === 1 && type === frameTypes.reset);
    expect(reset!.payload.readUInt32BE()).toBe(errorCodes.protocol);
    wire.close();
  });
});

/** Sends a head that announces a body, and nothing of it; resolves once the server has closed the stream. */
function declared(session: ClientHttp2Session, headers: Record<string, string>): Promise<{ status: number; text: string; grpcStatus: string | undefined }> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":method": "POST", ...headers });
    let status = 0;
    let grpcStatus: string | undefined;
    const chunks: Buffer[] = [];
    stream.on("response", (incoming) => (status = Number(incoming[":status"])));
    stream.on("trailers", (trailers) => (grpcStatus = String(trailers["grpc-status"])));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("close", () => {
      const text = Buffer.concat(chunks).toString("latin1");
      resolve({ status, text, grpcStatus: grpcStatus ?? /grpc-status: (\d+)/.exec(text)?.[1] });
    });
  });
}

describe("requests that two readers would read differently", () => {
  const head = "POST /v1/add HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
  const smuggled = "GET /v1/stats HTTP/1.1\r\nhost: x\r\n\r\n";
  test.each([
    ["a length and chunks", `${head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`],
    ["two lengths", `${head}content-length: 0\r\ncontent-length: 37\r\n\r\n${smuggled}`],
    ["a coding that is none", `${head}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`],
    ["chunks inside another coding", `${head}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`],
    ["a coding with a blank before its colon", `${head}transfer-encoding : chunked\r\n\r\n0\r\n\r\n${smuggled}`],
    ["a header that goes on in the next line", `${head}x-a: b\r\n c\r\ncontent-length: 0\r\n\r\n${smuggled}`],
    ["lines that end with LF alone", "GET /health HTTP/1.1\nhost: x\n\n"],
    ["NUL in a header", "GET /health HTTP/1.1\r\nhost: x\r\nx-a: b\0c\r\n\r\n"],
    ["CR in a header", "GET /health HTTP/1.1\r\nhost: x\r\nx-a: b\rc\r\n\r\n"],
    ["no host", "GET /health HTTP/1.1\r\n\r\n"],
    ["two hosts", `GET /health HTTP/1.1\r\nhost: x\r\nHost: y\r\n\r\n${smuggled}`],
    ["a host twice", "GET /health HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n"],
    ["a host with a path", "GET /health HTTP/1.1\r\nhost: x/v1\r\n\r\n"],
    ["a host with a name before it", "GET /health HTTP/1.1\r\nhost: me@x\r\n\r\n"],
    ["two hosts in one", "GET /health HTTP/1.1\r\nhost: x, y\r\n\r\n"],
    ["a version that is none", "GET /health HTTP/1.9\r\nhost: x\r\n\r\n"],
    ["a version of two digits", "GET /health HTTP/11\r\nhost: x\r\n\r\n"],
    ["no version", "GET /v1/stats\r\n\r\n"],
    ["noise", "\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003\u0003"],
  ])("%s", async (_what, bytes) => {
    const raw = await exchangeRaw(world.port, bytes, { untilAnswer: false });
    expect(raw.closed).toBe(true);
    expect([400, 401]).toContain(raw.status);
    expect(raw.text.split("HTTP/1.1 ").length - 1).toBe(1);
    expect(raw.text).not.toContain("totalDocuments");
    expect(await world.health()).toBe(200);
  });

  test.each(["gzip, chunked", "identity, chunked", "deflate, chunked"])("a transfer coding of %j is not read as if it were none", async (coding) => {
    const raw = await exchangeRaw(world.port, `${head}${bearer()}\r\ntransfer-encoding: ${coding}\r\n\r\n23\r\n{"collection":"c","key":"smuggled"}\r\n0\r\n\r\n${smuggled}`, { untilAnswer: false });
    expect([raw.closed, raw.status, problemOf(raw)["reason"]]).toEqual([true, 501, "ENCODING_UNSUPPORTED"]);
    expect(raw.text.split("HTTP/1.1 ").length - 1).toBe(1);
  });

  test("HTTP/1.0 needs no host", async () => {
    expect((await exchangeRaw(world.port, "GET /health HTTP/1.0\r\n\r\n")).status).toBe(200);
  });

  test("a host beside another authority is no request over HTTP/2; the same one is", async () => {
    for (const [host, status] of [["y", 400], ["X", 200]] as const) {
      const session = connectHttp2(world.server.url);
      const stream = session.request({ ":path": "/health", ":authority": "x", host });
      expect([host, await new Promise((resolve) => stream.on("response", (headers) => resolve(headers[":status"])))]).toEqual([host, status]);
      session.destroy();
    }
  });

  test("an upgrade is not taken up", async () => {
    const raw = await exchangeRaw(world.port, "GET /health HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n");
    expect(raw.status).toBe(200);
  });

  test("garbage behind a request that is being answered is told behind its answer", async () => {
    const raw = await exchangeRaw(world.port, `GET /v1/collections/c/export HTTP/1.1\r\nhost: x\r\n${bearer()}\r\n\r\nGARBAGE\r\n\r\n`, { untilAnswer: false });
    expect([raw.closed, raw.status]).toEqual([true, 200]);
    expect(raw.text).toMatch(/\r\n0\r\n\r\nHTTP\/1\.1 400 Bad Request\r\n/);
    expect(await world.health()).toBe(200);
  });
});

describe("headers", () => {
  test.each([["one of 20 kB", `x-a: ${"x".repeat(20_000)}\r\n`], ["six thousand", "x-a: b\r\n".repeat(6_000)], ["a path of 1 MB", ""]])("%s over HTTP/1.1 are MESSAGE_TOO_LARGE", async (what, headers) => {
    const path = what.includes("path") ? `/v1/${"x".repeat(1024 * 1024)}` : "/v1/stats";
    const raw = await exchangeRaw(world.port, `GET ${path} HTTP/1.1\r\nhost: x\r\n${headers}\r\n`, { untilAnswer: false });
    expect([raw.status, problemOf(raw)["reason"], problemOf(raw)["code"], raw.closed]).toEqual([431, "MESSAGE_TOO_LARGE", "resource_exhausted", true]);
    expect(raw.text).not.toMatch(/retry-after/i);
    expect(await world.health()).toBe(200);
  });

  /** Sends a head over HTTP/2 in as many frames as it takes: clients that know the settings of the server would not. */
  function sendHead(wire: Http2Wire, stream: number, fields: readonly (readonly [string, string])[]): void {
    const block = headerBlock(fields);
    for (let at = 0; at < block.length; at += 16_000) {
      const isLast = at + 16_000 >= block.length;
      const flags = (isLast ? frameFlags.endHeaders : 0) | (at === 0 ? frameFlags.endStream : 0);
      wire.write(at === 0 ? frameTypes.headers : frameTypes.continuation, flags, stream, block.subarray(at, at + 16_000));
    }
  }
  const health: readonly (readonly [string, string])[] = [[":method", "GET"], [":scheme", "http"], [":authority", "x"], [":path", "/health"]];

  test.each([
    ["REST", "/v1/search", "application/json", /"reason":"MESSAGE_TOO_LARGE"/],
    ["Connect", search.path, "application/json", /"code":"resource_exhausted"/],
    ["gRPC-Web", search.path, "application/grpc-web", /grpc-status: 8\r\n/],
    ["gRPC-Web at no method", "/a/B", "application/grpc-web", /grpc-status: 8\r\n/],
  ])("one of 20 kB over HTTP/2 to %s is MESSAGE_TOO_LARGE", async (_what, path, type, answer) => {
    const wire = openHttp2(world.port);
    sendHead(wire, 1, [[":method", "POST"], [":scheme", "http"], [":authority", "x"], [":path", path], ["content-type", type], ["authorization", "x".repeat(20_000)]]);
    const data = await wire.next(({ type: kind, stream }) => stream === 1 && kind === frameTypes.data);
    expect(data!.payload.toString("latin1")).toMatch(answer);
    wire.close();
  });

  /** The mapping of gRPC takes ENHANCE_YOUR_CALM for RESOURCE_EXHAUSTED (gRPC over HTTP/2, Errors). */
  test("a thousand over HTTP/2 close their stream alone", async () => {
    const wire = openHttp2(world.port);
    sendHead(wire, 1, [...health, ...Array.from({ length: 1_000 }, (_, index) => [`x-${index}`, "x"] as const)]);
    const reset = await wire.next(({ type, stream }) => stream === 1 && type === frameTypes.reset);
    expect(reset!.payload.readUInt32BE()).toBe(errorCodes.calm);
    sendHead(wire, 3, health);
    expect(await wire.next(({ type, stream }) => stream === 3 && type === frameTypes.data)).toBeDefined();
    wire.close();
  });

  test.each([["one of 100 kB", 1, 100_000], ["five of 30 kB", 5, 30_000]])("%s over HTTP/2 end their connection alone", async (_what, count, length) => {
    const wire = openHttp2(world.port);
    sendHead(wire, 1, [...health, ...Array.from({ length: count }, (_, index) => [`x-${index}`, "x".repeat(length)] as const)]);
    expect(await wire.next(({ type }) => type === frameTypes.goAway)).toBeDefined();
    expect(await world.health()).toBe(200);
    wire.close();
  });

  test("a second credential behind two thousand other headers is still seen", async () => {
    const raw = await exchangeRaw(world.port, `GET /v1/auth/me HTTP/1.1\r\nhost: x\r\n${bearer()}\r\n${"a:\r\n".repeat(2_100)}authorization: Bearer another\r\n\r\n`);
    expect([raw.status, problemOf(raw)["reason"]]).toEqual([401, "CREDENTIAL_AMBIGUOUS"]);
  });

  test("a flood of CONTINUATION ends its connection alone", async () => {
    const wire = openHttp2(world.port);
    wire.write(frameTypes.headers, frameFlags.endStream, 1, headerBlock(health));
    for (let count = 0; count < 2_000; count++) wire.write(frameTypes.continuation, 0, 1, headerBlock([[`x-${count}`, "x".repeat(1_000)]]));
    expect(await wire.next(({ type }) => type === frameTypes.goAway || type === frameTypes.reset)).toBeDefined();
    expect(await world.health()).toBe(200);
    wire.close();
  });

  test("rapid resets end their connection alone", async () => {
    const wire = openHttp2(world.port);
    const block = headerBlock(health);
    const cancel = Buffer.alloc(4);
    cancel.writeUInt32BE(errorCodes.cancel);
    for (let stream = 1; stream < 8_000; stream += 2) {
      wire.write(frameTypes.headers, frameFlags.endStream | frameFlags.endHeaders, stream, block);
      wire.write(frameTypes.reset, 0, stream, cancel);
    }
    expect(await wire.next(({ type }) => type === frameTypes.goAway)).toBeDefined();
    expect(await world.health()).toBe(200);
    wire.close();
  });
});

describe("expectations", () => {
  const upload = (credential: string): string => `POST /v1/add HTTP/1.1\r\nhost: x\r\n${credential}content-type: application/json\r\ncontent-length: 2000000\r\nexpect: 100-continue\r\n\r\n`;
  test("a caller that will be refused is not told to go on", async () => {
    const raw = await exchangeRaw(world.port, upload(""));
    expect(raw.text).toMatch(/^HTTP\/1\.1 401 /);
    expect(problemOf(raw)["reason"]).toBe("CREDENTIAL_MISSING");
  });

  test("any other is", async () => {
    const raw = await exchangeRaw(world.port, upload(`${bearer()}\r\n`), { untilAnswer: false, waitMs: 300 });
    expect(raw.text).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  });

  test("HTTP/1.0 knows no expectation", async () => {
    const raw = await exchangeRaw(world.port, `${upload(`${bearer()}\r\n`).replace("HTTP/1.1", "HTTP/1.0").replace("2000000", "17")}{"collection":""}`, { untilAnswer: false });
    expect(raw.text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(problemOf(raw)["reason"]).toBe("FIELD_INVALID");
  });

  test("an expectation that is not known is refused", async () => {
    expect((await exchangeRaw(world.port, "GET /health HTTP/1.1\r\nhost: x\r\nexpect: the-unexpected\r\n\r\n")).status).toBe(417);
  });
});

test("gRPC over HTTP/1.1 is answered by its own rules", async () => {
  const body = frame(binaryOf(search.desc.input, { collection: "c" }));
  const raw = await exchangeRaw(world.port, Buffer.concat([Buffer.from(`POST ${search.path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc\r\ncontent-length: ${body.length}\r\n\r\n`), body]), { waitMs: 500 });
  expect(raw.status).toBe(200);
  expect(raw.text).toMatch(/grpc-status: 16/);
});
