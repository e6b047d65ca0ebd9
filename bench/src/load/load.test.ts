/** A load counts right answers, and ends with the first wrong one. */
import { createServer as createHttp1Server, type RequestListener } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { Connection } from "./connection.js";
import { openHttp1Connection, parseResponse } from "./http1-connection.js";
import { openHttp2Connection } from "./http2-connection.js";
import { keyOf, type Keys, type RequestTemplate } from "./job.js";
import { requestOf, type WireProtocol } from "./requests.js";
import { runStretch } from "./run-stretch.js";

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

function templateOf(protocol: WireProtocol): RequestTemplate {
  return requestOf("get", protocol, { authorization: "Bearer x" });
}

/** Requests of a stretch; a stretch of a certain time has as many as the machine is quick. */
const requestsMin = 50;

interface Loaded {
  readonly requests: number;
  readonly bytesMin: number;
}

async function load(open: () => Promise<Connection>, keys: Keys = { from: 0, count: 5 }): Promise<Loaded> {
  const connection = await open();
  closers.push(() => connection.close());
  const { latenciesMs, bytesMin } = await runStretch([connection], { ms: 0, requestsMin, msMax: Infinity, keys });
  return { requests: latenciesMs.length, bytesMin };
}

function http1(listener: RequestListener, protocol: WireProtocol = "rest", keys?: Keys): Promise<Loaded> {
  return load(async () => openHttp1Connection(await portOf(createHttp1Server(listener)), (templateOf(protocol) as { bytes: Uint8Array }).bytes), keys);
}

async function http2(answer: (stream: ServerHttp2Stream, body: Buffer) => void, protocol: "grpc" | "grpc-web" = "grpc"): Promise<Loaded> {
  const server = createHttp2Server();
  server.on("stream", (stream) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => answer(stream, Buffer.concat(chunks)));
    stream.on("error", () => undefined);
  });
  const port = await portOf(server);
  return load(() => openHttp2Connection(port, templateOf(protocol) as Extract<RequestTemplate, { wire: "http2" }>, 4));
}

function grpcAnswer(stream: ServerHttp2Stream, status: string, body = Buffer.alloc(1200)): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
  stream.end(body);
}

describe("a load over HTTP/1.1", () => {
  it("asks for every key in turn and counts what was answered", async () => {
    const seen: string[] = [];
    const { requests, bytesMin } = await http1((request, response) => {
      seen.push(request.url!);
      response.end("x".repeat(1200));
    }, "rest-get");
    expect(requests).toBe(requestsMin);
    expect(seen).toHaveLength(requestsMin);
    expect(bytesMin).toBeGreaterThan(1200);
    expect(seen.slice(0, 6).map((url) => /k\d+/.exec(url)![0])).toEqual([0, 1, 2, 3, 4, 0].map(keyOf));
  });

  it("asks for keys in the turn that it is told", async () => {
    const seen: string[] = [];
    await http1((request, response) => {
      seen.push(/k\d+/.exec(request.url!)![0]);
      response.end("x".repeat(1200));
    }, "rest-get", { from: 10, count: 5, distance: 2, stride: 3, position: 1 });
    expect(seen.slice(0, 6)).toEqual([16, 12, 18, 14, 10, 16].map(keyOf));
  });

  it("reads chunked answers", async () => {
    const { requests } = await http1((_request, response) => {
      response.write("x".repeat(600));
      setImmediate(() => response.end("y".repeat(600)));
    });
    expect(requests).toBe(requestsMin);
  });

  it.each([204, 401, 429, 500])("fails on status %i", async (status) => {
    await expect(http1((_request, response) => response.writeHead(status, { "content-length": 0 }).end())).rejects.toThrow(`HTTP status ${status}`);
  });

  it("fails on a connection that closes without an answer", async () => {
    await expect(http1((request) => request.socket.destroy())).rejects.toThrow();
  });

  it("waits for the whole of an answer, wherever it is cut", () => {
    const whole = Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    for (let length = 0; length < whole.length; length++) expect(parseResponse(whole.subarray(0, length))).toEqual({ kind: "partial" });
    expect(parseResponse(whole)).toEqual({ kind: "response", status: 200, bytes: whole.length });
  });
});

describe("a load over h2", () => {
  it("sends whole messages and counts what was answered", async () => {
    const bodies = new Set<string>();
    const { requests, bytesMin } = await http2((stream, body) => {
      bodies.add(/k\d{10}/.exec(body.toString("latin1"))![0]);
      expect(body.readUInt32BE(1)).toBe(body.length - 5);
      grpcAnswer(stream, "0");
    });
    expect(requests).toBe(requestsMin);
    expect(bytesMin).toBe(1200);
    expect([...bodies].sort()).toEqual([0, 1, 2, 3, 4].map(keyOf));
  });

  it("reads the status of gRPC-Web at the end of the body", async () => {
    const trailers = Buffer.from("grpc-status: 0\r\n");
    const body = Buffer.concat([Buffer.from([0, 0, 0, 0, 3]), Buffer.from("abc"), Buffer.from([0x80, 0, 0, 0, trailers.length]), trailers]);
    const { requests } = await http2((stream) => {
      stream.respond({ ":status": 200 });
      stream.end(body);
    }, "grpc-web");
    expect(requests).toBe(requestsMin);
  });

  it.each(["7", "16"])("fails on grpc-status %s", async (status) => {
    await expect(http2((stream) => grpcAnswer(stream, status))).rejects.toThrow(`grpc-status ${status}`);
  });

  it("fails where gRPC-Web brings no status", async () => {
    await expect(http2((stream) => grpcAnswer(stream, "0", Buffer.from([0, 0, 0, 0, 0])), "grpc-web")).rejects.toThrow("grpc-status missing");
  });

  it("fails on another HTTP status", async () => {
    await expect(http2((stream) => stream.respond({ ":status": 503, "grpc-status": "0" }, { endStream: true }))).rejects.toThrow("HTTP status 503");
  });

  it("fails on a stream that is reset", async () => {
    await expect(http2((stream) => stream.close(2))).rejects.toThrow("reset a stream with code 2");
  });
});

describe("a stretch", () => {
  it("lasts as long as it is told where no number of requests is asked for", async () => {
    const open = await openHttp1Connection(await portOf(createHttp1Server((_request, response) => response.end("x"))), (templateOf("rest") as { bytes: Uint8Array }).bytes);
    closers.push(() => open.close());
    const { elapsedMs, latenciesMs } = await runStretch([open], { ms: 30, keys: { from: 0, count: 1 } });
    expect(elapsedMs).toBeGreaterThanOrEqual(30);
    expect(latenciesMs.every((ms) => ms > 0 && ms <= elapsedMs)).toBe(true);
  });
});
