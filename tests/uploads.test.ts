/** Uploads that nobody admitted: the caller reads why, and the server spends next to nothing on them (AN-05, AN-06). */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect as connectHttp2, constants } from "node:http2";
import { type AddressInfo, connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOnePort, type OnePort } from "../server/src/edge/one-port.js";
import { refusedBodyDiscardBytes } from "../server/src/limits.js";
import { methodOf, openWorld, type World } from "./world.js";

const secret = "0123456789abcdef0123456789abcdef";
const mebibyte = 1024 * 1024;
const gigabyte = 1024 * mebibyte;
const piece = Buffer.alloc(64 * 1024, 0x20);
const add = methodOf("DocumentService/Add").path;

let world: World;
let expired: string;
/** A second port of the same server, whose connections are counted. */
let counted: OnePort;
let port: number;
/** Its ends of connections, by the port of the caller. */
const sockets = new Map<number, Socket>();

beforeAll(async () => {
  world = await openWorld({ PARAPET_AUTH_JWT_SECRET: secret });
  expired = resigned((world.admin as { bearer: string }).bearer, { iat: 1_700_000_000, exp: 1_700_000_060 });
  counted = createOnePort(world.server.app.parapet.handler);
  counted.listener.on("connection", (socket) => sockets.set(socket.remotePort!, socket));
  counted.listener.listen(0, "127.0.0.1");
  await once(counted.listener, "listening");
  port = (counted.listener.address() as AddressInfo).port;
});
afterAll(async () => {
  await counted.drain(0);
  await world.close();
});

/** A token with other claims, under the server's own key. */
function resigned(token: string, claims: object): string {
  const [header, payload] = token.split(".") as [string, string];
  const changed = Buffer.from(JSON.stringify({ ...(JSON.parse(Buffer.from(payload, "base64url").toString()) as object), ...claims })).toString("base64url");
  return `${header}.${changed}.${createHmac("sha256", secret).update(`${header}.${changed}`).digest("base64url")}`;
}

/** The reason that an answer carries, whichever protocol wrote it: as it is, in base64 details, or in those within gRPC-Web text. */
function reasonIn(text: string, depth = 0): string {
  const found = /TOKEN_EXPIRED|CREDENTIAL_MISSING/.exec(text)?.[0];
  if (found !== undefined || depth === 2) return found ?? "";
  return reasonIn([...text.matchAll(/[A-Za-z0-9+/]{24,}={0,2}/g)].map(([part]) => Buffer.from(part, "base64").toString("latin1")).join(" "), depth + 1);
}

/** What is uploaded where. */
const targets: readonly (readonly [protocol: string, path: string, type: string])[] = [
  ["REST", "/v1/add", "application/json"],
  ["REST, line by line", "/v1/collections/c/import", "application/x-ndjson"],
  ["Connect", add, "application/json"],
  ["Connect protobuf", add, "application/proto"],
  ["a Connect stream", methodOf("DocumentService/Import").path, "application/connect+proto"],
  ["gRPC-Web", add, "application/grpc-web"],
  ["gRPC-Web text", add, "application/grpc-web-text"],
];

describe("5 MB with a token that has expired", () => {
  const body = Buffer.alloc(5 * mebibyte, 0x20);
  const headers = (type: string): Record<string, string> => ({ "content-type": type, authorization: `Bearer ${expired}` });

  function overHttp(path: string, type: string, chunked: boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      let answered = false;
      const outgoing = httpRequest({ host: "127.0.0.1", port, method: "POST", path, headers: { ...headers(type), ...(chunked ? {} : { "content-length": body.length }) } });
      // The server may close while we still send; what counts is that the answer is whole (RFC 9112 section 9.6).
      outgoing.on("error", (error) => (answered ? undefined : reject(error)));
      outgoing.on("response", (incoming) => {
        answered = true;
        let text = "";
        incoming.setEncoding("latin1");
        incoming.on("data", (chunk: string) => (text += chunk));
        incoming.on("error", reject);
        incoming.on("end", () => resolve(text));
      });
      if (chunked) Readable.from(pieces(body.length)).pipe(outgoing);
      else outgoing.end(body);
    });
  }

  const round = [1, 2, 3];
  test.each(targets)("node:http reads why over %s", async (_protocol, path, type) => {
    for (const _ of round) {
      expect(reasonIn(await overHttp(path, type, false))).toBe("TOKEN_EXPIRED");
      expect(reasonIn(await overHttp(path, type, true))).toBe("TOKEN_EXPIRED");
    }
  });

  test.each(targets)("fetch reads why over %s", async (_protocol, path, type) => {
    for (const _ of round) {
      for (const upload of [body, new Blob([body]), Readable.toWeb(Readable.from(pieces(body.length)))]) {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", headers: headers(type), body: upload as BodyInit, duplex: "half" } as RequestInit);
        expect(reasonIn(Buffer.from(await response.arrayBuffer()).toString("latin1"))).toBe("TOKEN_EXPIRED");
      }
    }
  });

  // The server ends a stream of HTTP/2 after a second: many at once take no longer.
  test.concurrent.each([...targets, ["gRPC", add, "application/grpc"] as const, ["a gRPC stream", methodOf("DocumentService/Import").path, "application/grpc"] as const])("an HTTP/2 client reads why over %s", async (_protocol, path, type) => {
    const answers = await Promise.all(round.map(() => overHttp2({ ":path": path, ...headers(type), te: "trailers", "content-length": body.length }, Readable.from(pieces(body.length)))));
    for (const { text, code } of answers) expect([reasonIn(text), code]).toEqual(["TOKEN_EXPIRED", constants.NGHTTP2_NO_ERROR]);
  });
});

/** Makes one exchange over a connection of its own; resolves with everything that came once the server has closed the stream. */
function overHttp2(headers: Record<string, string | number>, body: Readable): Promise<{ text: string; code: number; localPort: number }> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    session.on("error", reject);
    let localPort = 0;
    session.on("connect", (_, socket) => (localPort = socket.localPort!));
    const stream = session.request({ ":method": "POST", ...headers }, { endStream: false });
    let text = "";
    let ended = false;
    stream.setEncoding("latin1");
    stream.on("response", (incoming) => (text += JSON.stringify(incoming)));
    stream.on("trailers", (trailers) => (text += JSON.stringify(trailers)));
    stream.on("data", (chunk: string) => (text += chunk));
    stream.on("end", () => (ended = true));
    stream.on("error", reject);
    stream.on("close", () => {
      body.destroy();
      session.destroy();
      if (ended) resolve({ text, code: stream.rstCode, localPort });
      else reject(new Error("the stream was closed without a whole answer"));
    });
    body.on("error", () => undefined);
    body.pipe(stream);
  });
}

function* pieces(length: number): Generator<Buffer> {
  for (let at = 0; at < length; at += piece.length) yield piece.subarray(0, Math.min(piece.length, length - at));
}

/** What the server read on the connection from this port. */
function bytesRead(localPort: number): number {
  return sockets.get(localPort)!.bytesRead;
}

describe("a gigabyte without a credential", () => {
  /** Above what is discarded there is what Node had read ahead by then: a chunk of its sockets each way. */
  const bytesMax = refusedBodyDiscardBytes + 192 * 1024;

  /** Writes a head and then a gigabyte, as fast as the server takes it, until the server closes. */
  async function flood(head: string, chunked: boolean): Promise<{ text: string; localPort: number }> {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
    socket.on("error", () => undefined);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await once(socket, "connect");
    const localPort = socket.localPort!;
    socket.write(head);
    const wrapped = chunked ? Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]) : piece;
    const source = Readable.from(repeated(wrapped, gigabyte));
    source.pipe(socket);
    await closed;
    source.destroy();
    return { text, localPort };
  }

  function* repeated(bytes: Buffer, length: number): Generator<Buffer> {
    for (let sent = 0; sent < length; sent += bytes.length) yield bytes;
  }

  const ways = targets.flatMap(([protocol, path, type]) => [[protocol, "declared", path, type] as const, [protocol, "chunked", path, type] as const]);
  test.concurrent.each([...ways, ["no method", "chunked", "/nowhere", "application/json"], ["a method that reads no body", "chunked", "/health", "application/json"], ["a preflight", "chunked", "/v1/add", "application/json"]] as const)("%s, %s, costs no more than the bounds", async (protocol, how, path, type) => {
    const verb = path === "/health" ? "GET" : protocol === "a preflight" ? "OPTIONS" : "POST";
    const preflight = verb === "OPTIONS" ? "origin: https://a.example\r\naccess-control-request-method: POST\r\n" : "";
    const { text, localPort } = await flood(`${verb} ${path} HTTP/1.1\r\nhost: x\r\n${preflight}content-type: ${type}\r\n${how === "chunked" ? "transfer-encoding: chunked" : `content-length: ${gigabyte}`}\r\n\r\n`, how === "chunked");
    expect(text).toMatch(/^HTTP\/1\.1 \d{3} /);
    if (path !== "/nowhere" && path !== "/health" && verb === "POST") expect(reasonIn(text)).toBe("CREDENTIAL_MISSING");
    expect(bytesRead(localPort)).toBeLessThan(bytesMax);
  });

  test.concurrent.each([...targets, ["gRPC", add, "application/grpc"] as const, ["no method", "/nowhere", "application/grpc"] as const, ["a method that reads no body", "/v1/stats", "application/json"] as const])("%s over HTTP/2 costs no more than the bounds", async (protocol, path, type) => {
    const verb = protocol.startsWith("a method") ? { ":method": "GET" } : {};
    const { text, code, localPort } = await overHttp2({ ":path": path, "content-type": type, te: "trailers", ...verb }, Readable.from(pieces(gigabyte)));
    expect(code).toBe(constants.NGHTTP2_NO_ERROR);
    if (path !== "/nowhere") expect(reasonIn(text)).toBe("CREDENTIAL_MISSING");
    expect(bytesRead(localPort)).toBeLessThan(bytesMax);
  });

  test("twenty at once cost no more than twenty times the bounds, and others are served meanwhile", async () => {
    const floods = Array.from({ length: 20 }, (_, index) => flood(`POST ${index % 2 ? add : "/v1/add"} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${gigabyte}\r\n\r\n`, false));
    for (let call = 0; call < 20; call++) expect(await world.health()).toBe(200);
    const answers = await Promise.all(floods);
    for (const { text } of answers) expect(reasonIn(text)).toBe("CREDENTIAL_MISSING");
    expect(answers.reduce((sum, { localPort }) => sum + bytesRead(localPort), 0)).toBeLessThan(20 * bytesMax);
  });

  test("a body that drips is not waited for", async () => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    let text = "";
    socket.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
    socket.write(`POST /v1/add HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${gigabyte}\r\n\r\n`);
    const drip = setInterval(() => socket.write(" "), 50);
    await new Promise((resolve) => socket.once("close", resolve));
    clearInterval(drip);
    expect(reasonIn(text)).toBe("CREDENTIAL_MISSING");
  });
});
