/** The one port: both HTTP versions from the first byte on, and clients that never finish. */
import { createServer as createHttpServer, type Server } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import type { Readable } from "node:stream";
import { createOnePort, type OnePort, type OnePortTimeouts, type RequestHandler } from "./one-port.js";

const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function answered(version: string, verb: string | undefined, path: string | undefined, body: Readable, end: (text: string) => void): void {
  const chunks: Buffer[] = [];
  body.on("data", (chunk: Buffer) => chunks.push(chunk));
  body.on("end", () => end(`${version} ${verb} ${path} ${Buffer.concat(chunks).toString()}`));
}

const answer: RequestHandler = {
  http1: (request, response) => answered("1.1", request.method, request.url, request, (text) => response.end(text)),
  http2: (stream, headers) => answered("2.0", headers[":method"] as string, headers[":path"] as string, stream, (text) => {
    if (stream.destroyed || stream.closed) return;
    stream.respond({ ":status": 200 });
    stream.end(text);
  }),
};

async function open(timeouts: Partial<OnePortTimeouts> = {}, handler: RequestHandler = answer): Promise<{ port: number; onePort: OnePort }> {
  const onePort = createOnePort(handler, timeouts);
  onePort.listener.listen(0, "127.0.0.1");
  await once(onePort.listener, "listening");
  closers.push(() => onePort.drain(0));
  return { port: (onePort.listener.address() as AddressInfo).port, onePort };
}

function dial(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  closers.push(() => void socket.destroy());
  return socket;
}

async function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  await once(socket, "close");
  return text;
}

/** Resolves when the server ended the connection. */
async function cutOff(socket: Socket): Promise<string> {
  return readAll(socket);
}

const request = (verb: string, path: string, body = ""): string => `${verb} ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

describe("telling the protocols apart", () => {
  test("HTTP/1.1 and HTTP/2 are served side by side", async () => {
    const { port } = await open();
    const one = await fetch(`http://127.0.0.1:${port}/a`, { method: "POST", body: "hello" });
    expect(await one.text()).toBe("1.1 POST /a hello");
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    closers.push(() => session.destroy());
    const stream = session.request({ ":path": "/b", ":method": "POST" });
    stream.end("world");
    let text = "";
    stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    await once(stream, "end");
    expect(text).toBe("2.0 POST /b world");
  });

  test.each(["GET", "PROPFIND", "PUT", "PATCH"])("%s arrives byte by byte", async (verb) => {
    const { port } = await open();
    const socket = dial(port);
    const reading = readAll(socket);
    for (const byte of `${verb} /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`) {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await reading).toContain(`1.1 ${verb} /slow`);
  });

  test("the HTTP/2 preface arrives byte by byte", async () => {
    const { port } = await open();
    const socket = dial(port);
    const reading = once(socket, "data") as Promise<[Buffer]>;
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    for (const byte of Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), settings])) {
      socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const [first] = await reading;
    // A SETTINGS frame answers.
    expect(first[3]).toBe(4);
  });

  test("pipelined requests in one packet are all answered, in order", async () => {
    const { port } = await open();
    const socket = dial(port);
    const reading = readAll(socket);
    socket.write(request("GET", "/1") + request("POST", "/2", "x") + "GET /3 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    const text = await reading;
    expect([...text.matchAll(/1\.1 (\w+) \/(\d)/g)].map((match) => match[2])).toEqual(["1", "2", "3"]);
  });

  describe("more than one request in a packet", () => {
    const get = (path: string, ...fields: string[]): string => `GET ${path} HTTP/1.1\r\n${["host: x", ...fields].map((field) => `${field}\r\n`).join("")}\r\n`;
    const late: RequestHandler["http1"] = ({ url }, response) => void setImmediate(() => response.end(url));

    /** Writes bytes to a server whose handler notes what it is asked, and reads until the connection ends. */
    async function play(http1: RequestHandler["http1"], bytes: string): Promise<{ processed: string[]; answers: string[] }> {
      const processed: string[] = [];
      const { port } = await open({}, { ...answer, http1: (request, response) => (processed.push(request.url!), http1(request, response)) });
      const socket = dial(port);
      const reading = readAll(socket);
      socket.write(bytes);
      const text = await reading;
      return { processed, answers: [...text.matchAll(/HTTP\/1\.1 (\d+)[^]*?\r\n\r\n(\/\d)?/g)].map(([, status, body]) => `${status} ${body ?? ""}`.trim()) };
    }

    test("requests ahead of one that ends the connection are answered, those behind it not processed", async () => {
      expect(await play(late, get("/1") + get("/2", "connection: close") + get("/3"))).toEqual({ processed: ["/1", "/2"], answers: ["200 /1", "200 /2"] });
    });

    test("a request behind an answer that ends the connection is not processed", async () => {
      const http1: RequestHandler["http1"] = (request, response) => {
        if (request.url === "/2") response.shouldKeepAlive = false;
        late(request, response);
      };
      expect(await play(http1, get("/1") + get("/2") + get("/3") + get("/4"))).toEqual({ processed: ["/1", "/2"], answers: ["200 /1", "200 /2"] });
    });

    test.each(["GARBAGE\r\n\r\n", `${get("/3").slice(0, -4)}\r\nbad header\r\n\r\n`, "POST /3 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"])("what is no request is refused after the answers to those ahead of it: %j", async (broken) => {
      const http1: RequestHandler["http1"] = (request, response) => {
        request.on("error", () => undefined);
        if (request.url !== "/3") late(request, response);
      };
      expect((await play(http1, get("/1") + get("/2") + broken)).answers).toEqual(["200 /1", "200 /2", "400"]);
    });
  });

  test("a header block beyond the bound is refused and the port lives on", async () => {
    const { port } = await open();
    const socket = dial(port);
    const reading = readAll(socket);
    socket.write(`GET / HTTP/1.1\r\nhost: x\r\nbig: ${"a".repeat(64 * 1024)}\r\n\r\n`);
    expect(await reading).toContain("431");
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
  });

  test("a connection that closes before it says anything harms nobody", async () => {
    const { port } = await open();
    for (let i = 0; i < 20; i++) {
      const socket = dial(port);
      await once(socket, "connect");
      if (i % 2 === 0) socket.write("PR");
      socket.destroy();
    }
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
  });
});

describe("slow and silent clients are cut off", () => {
  const quick: Partial<OnePortTimeouts> = { peekMs: 150, headersMs: 200, requestMs: 400, keepAliveMs: 150, h2IdleMs: 200, h2StreamMs: 200 };
  const clients: Readonly<Record<string, (socket: Socket) => void>> = {
    "open and silent": () => undefined,
    "half a preface": (socket) => void socket.write("PR"),
    "partial headers": (socket) => void socket.write("GET / HTTP/1.1\r\nhost: x\r\nx-slow"),
    "partial body": (socket) => void socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc"),
    "idle after a call": (socket) => void socket.write(request("GET", "/")),
    "HTTP/2 preface and silence": (socket) => void socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])])),
    "HTTP/2 partial headers": (socket) =>
      void socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]), Buffer.from([0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82])])),
  };
  test.each(Object.keys(clients))("%s", async (name) => {
    const { port } = await open(quick);
    const socket = dial(port);
    const ended = cutOff(socket);
    clients[name]!(socket);
    await ended;
  });

  test("an HTTP/2 stream with a partial body is closed", async () => {
    const { port } = await open(quick);
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    session.on("error", () => undefined);
    closers.push(() => session.destroy());
    const stream = session.request({ ":path": "/", ":method": "POST", "content-length": "100" });
    stream.on("error", () => undefined);
    stream.write("abc");
    await once(stream, "close");
    expect(stream.rstCode).toBeDefined();
  });

  test("the same clients are cut off by Node's own listening server, so nothing is stricter by accident", async () => {
    const own: Server = createHttpServer({ headersTimeout: 200, requestTimeout: 400, keepAliveTimeout: 150, connectionsCheckingInterval: 100 }, answer.http1);
    own.listen(0, "127.0.0.1");
    await once(own, "listening");
    closers.push(() => void own.close());
    for (const name of ["partial headers", "partial body", "idle after a call"]) {
      const socket = dial((own.address() as AddressInfo).port);
      const ended = cutOff(socket);
      clients[name]!(socket);
      await ended;
    }

  });
});

describe("draining", () => {
  test("a call in flight ends and says that its connection does, then the port is closed", async () => {
    let release: (() => void) | undefined;
    const onePort = createOnePort({
      ...answer,
      http1: (_request, response) => {
        release = () => void response.end("late");
      },
    });
    onePort.listener.listen(0, "127.0.0.1");
    await once(onePort.listener, "listening");
    const { port } = onePort.listener.address() as AddressInfo;
    const inFlight = fetch(`http://127.0.0.1:${port}/`);
    while (release === undefined) await new Promise((resolve) => setImmediate(resolve));
    const drained = onePort.drain(10_000);
    release();
    const response = await inFlight;
    expect([response.headers.get("connection"), await response.text()]).toEqual(["close", "late"]);
    await drained;
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  });

  test("pipelined calls in flight are all answered, the last one says that it is, and none behind it is processed", async () => {
    const processed: string[] = [];
    const releases: (() => void)[] = [];
    const onePort = createOnePort({
      ...answer,
      http1: ({ url }, response) => {
        processed.push(url!);
        releases.push(() => void response.end(url));
      },
    });
    onePort.listener.listen(0, "127.0.0.1");
    await once(onePort.listener, "listening");
    const accepted = once(onePort.listener, "connection") as Promise<[Socket]>;
    const socket = connect((onePort.listener.address() as AddressInfo).port, "127.0.0.1");
    let answers = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => (answers += chunk));
    const closed = once(socket, "close");
    const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
    socket.write(get("/1") + get("/2") + get("/3"));
    while (releases.length < 3) await new Promise((resolve) => setImmediate(resolve));
    const drained = onePort.drain(10_000);
    const [read] = await accepted;
    const before = read.bytesRead;
    socket.write(get("/4"));
    while (read.bytesRead === before) await new Promise((resolve) => setImmediate(resolve));
    for (const release of releases) release();
    await closed;
    expect(processed).toEqual(["/1", "/2", "/3"]);
    expect([...answers.matchAll(/\r\nConnection: (\S+)\r\n[^]*?\r\n\r\n(\/\d)/g)].map(([, connection, path]) => [path, connection])).toEqual([["/1", "keep-alive"], ["/2", "keep-alive"], ["/3", "close"]]);
    await drained;
  });

  test("a connection that has asked nothing yet gets one answer, which says that it is the last", async () => {
    const onePort = createOnePort({ ...answer, http1: (_request, response) => void response.end("late") });
    onePort.listener.listen(0, "127.0.0.1");
    await once(onePort.listener, "listening");
    const { port } = onePort.listener.address() as AddressInfo;
    const accepted = once(onePort.listener, "connection");
    const socket = connect(port, "127.0.0.1");
    let answers = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => (answers += chunk));
    await accepted;
    const drained = onePort.drain(10_000);
    socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await once(socket, "close");
    expect(answers).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*Connection: close\r\n(?:.+\r\n)*\r\nlate$/);
    await drained;
  });
});
