/** Header blocks of Node's own HTTP/2 read as they were meant, and ours are read by it. */
import { createServer, type IncomingHttpHeaders } from "node:http2";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createHeaderDecoder, encodeHeaders, type Header } from "./hpack.js";

const printable = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index)).filter((character) => character !== "\\");

describe("the header decoder", () => {
  const closers: (() => void)[] = [];
  afterEach(() => closers.splice(0).forEach((close) => close()));

  async function answersOf(headers: Record<string, string>, requests: number): Promise<{ seen: IncomingHttpHeaders[]; read: Map<string, string>[] }> {
    const seen: IncomingHttpHeaders[] = [];
    const server = createServer();
    server.on("stream", (stream, request) => {
      seen.push(request);
      stream.respond({ ":status": 200, ...headers }, { endStream: true });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    closers.push(() => {
      socket.destroy();
      server.close();
    });
    return { seen, read: await exchange(socket, requests) };
  }

  it("reads every printable character, Huffman-coded or not, from the dynamic table or not", async () => {
    const headers = Object.fromEntries(printable.map((character, index) => [`x-${index}`, `${character}${printable.slice(index, index + 7).join("")}.`.trim()]));
    const { read } = await answersOf(headers, 3);
    expect(read).toHaveLength(3);
    for (const block of read) expect(Object.fromEntries(block)).toMatchObject({ ":status": "200", ...headers });
  });

  it("follows a dynamic table that overflows", async () => {
    const headers = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`x-long-${index}`, String(index).repeat(100)]));
    const { read } = await answersOf(headers, 3);
    for (const block of read) expect(Object.fromEntries(block)).toMatchObject(headers);
  });

  it("refuses a block that names an entry which is not there", () => {
    expect(() => createHeaderDecoder().decode(Uint8Array.of(0xff, 0x20), () => undefined)).toThrow("index 159");
  });

  it("makes requests that Node reads alike, the first and all others", async () => {
    const { seen } = await answersOf({}, 3);
    expect(seen.map((headers) => headers["x-sent"])).toEqual(["~value~", "~value~", "~value~"]);
  });
});

/** Sends some requests on a fresh connection; returns the headers of their answers. */
function exchange(socket: Socket, requests: number): Promise<Map<string, string>[]> {
  const headers: readonly Header[] = [[":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", "localhost"], ["x-sent", "~value~"]];
  const { first, later } = encodeHeaders(headers);
  const frame = (type: number, flags: number, stream: number, payload: Uint8Array): Buffer => {
    const bytes = Buffer.alloc(9 + payload.length);
    bytes.writeUIntBE(payload.length, 0, 3);
    bytes[3] = type;
    bytes[4] = flags;
    bytes.writeUInt32BE(stream, 5);
    bytes.set(payload, 9);
    return bytes;
  };
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  socket.write(frame(4, 0, 0, new Uint8Array()));
  for (let request = 0; request < requests; request++) socket.write(frame(1, 0x5, 1 + 2 * request, request === 0 ? first : later));
  const decoder = createHeaderDecoder();
  const blocks: Map<string, string>[] = [];
  let received = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      try {
        while (received.length >= 9 && received.length >= 9 + received.readUIntBE(0, 3)) {
          const end = 9 + received.readUIntBE(0, 3);
          if (received[3] === 1) {
            const block = new Map<string, string>();
            decoder.decode(received.subarray(9, end), (name, value) => block.set(name, value));
            blocks.push(block);
          }
          received = received.subarray(end);
        }
      } catch (error) {
        reject(error as Error);
      }
      if (blocks.length === requests) resolve(blocks);
    });
  });
}
