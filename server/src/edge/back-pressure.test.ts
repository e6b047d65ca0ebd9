/** A body that nobody reads stops its sender instead of filling memory, also where it came along with the first bytes of a connection. */
import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createOnePort, type OnePort } from "./one-port.js";

const floodBytes = 64 * 1024 * 1024;
/** What both kernels may hold between two sockets of one machine, in bytes. */
const kernelBytes = 24 * 1024 * 1024;
/** A write that is not taken within this time is taken for stopped. */
const stoppedMs = 500;

describe("behind the one port", () => {
  let onePort: OnePort;
  let socket: Socket;
  afterEach(async () => {
    socket.destroy();
    await onePort.drain(0);
  });

  it.each([
    ["with its first bytes", true],
    ["later", false],
  ])("a flood %s is stopped by a handler that does not read", async (_name, atOnce) => {
    onePort = createOnePort({ http1: () => undefined, http2: () => undefined });
    onePort.listener.listen(0, "127.0.0.1");
    await once(onePort.listener, "listening");
    socket = connect((onePort.listener.address() as AddressInfo).port, "127.0.0.1");
    socket.on("error", () => undefined);
    const piece = Buffer.alloc(64 * 1024);
    const head = Buffer.from(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${floodBytes}\r\n\r\n`);
    await write(atOnce ? Buffer.concat([head, piece]) : head);
    let sent = 0;
    while (sent < floodBytes && (await write(piece))) sent += piece.length;
    expect(sent).toBeLessThan(kernelBytes);
  });

  /** False if the other side does not take the bytes. */
  function write(bytes: Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, stoppedMs, false);
      socket.write(bytes, () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }
});
