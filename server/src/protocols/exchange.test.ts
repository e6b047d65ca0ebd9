/** A refused caller reads the refusal, however late or large the body that nobody reads (AN-06). */
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Http1Exchange } from "./exchange.js";

describe("a refused request over HTTP/1.1", () => {
  let server: Server;
  let socket: Socket;
  let received = "";
  const answers = (): number => received.split(/HTTP\/1\.1 (?:401|200) /).length - 1;
  const answered = async (count: number): Promise<void> => {
    while (answers() < count) await once(socket, "data");
  };

  beforeEach(async () => {
    server = createServer((request, response) => {
      const exchange = new Http1Exchange(request, response);
      exchange.abandonBody();
      exchange.send(request.url === "/200" ? 200 : 401, [["content-length", "2"]], "no");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    received = "";
    socket.on("data", (chunk) => (received += chunk.toString()));
    socket.on("error", () => undefined);
  });
  afterEach(() => {
    socket.destroy();
    server.closeAllConnections();
    server.close();
  });

  it.each([
    ["chunked", "transfer-encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"],
    ["of declared length", "content-length: 5", "hello"],
  ])("answers ahead of a body %s, and the connection lives on", async (_name, header, body) => {
    for (let request = 1; request <= 3; request++) {
      socket.write(`POST / HTTP/1.1\r\nhost: x\r\n${header}\r\n\r\n`);
      await answered(request);
      socket.write(body);
    }
    expect(received).not.toMatch(/connection: close/i);
  });

  /** Uploads 15 MiB; tells whether all of it was taken. */
  async function uploaded(path: string, header: string): Promise<boolean> {
    const bytes = 15 * 1024 * 1024;
    socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\n${header}content-length: ${bytes}\r\n\r\n`);
    const failure = await new Promise<Error | null | undefined>((resolve) => socket.write(Buffer.alloc(bytes), resolve));
    await answered(1);
    return failure == null;
  }

  it("takes the whole upload of a browser whose answer is not 4xx, since no page is shown that before", async () => {
    expect(await uploaded("/200", "origin: https://app.example\r\n")).toBe(true);
  });

  it.each([
    ["of a browser whose answer is 4xx", "/", "origin: https://app.example\r\n"],
    ["of anybody else", "/200", ""],
  ])("takes 1 MiB of an upload %s", async (_whose, path, header) => {
    expect(await uploaded(path, header)).toBe(false);
    expect(answers()).toBe(1);
  });

  it("lets a caller that sends without end read the answer before it closes", async () => {
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n");
    const chunk = Buffer.alloc(64 * 1024);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const pump = (): void => {
      if (!socket.destroyed) socket.write(chunk, () => setImmediate(pump));
    };
    pump();
    await closed;
    expect(received).toMatch(/^HTTP\/1\.1 401 [^]*connection: close[^]*\r\n\r\nno$/i);
  });
});
