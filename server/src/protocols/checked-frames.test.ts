/** Frames are passed on as they are in whatever pieces they come; messages that must be looked at are whole and plain by then. */
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Reason } from "../errors.js";
import { checkedFrames, type MessageBounds } from "./checked-frames.js";
import { malformed } from "./malformed.js";

const frame = (message: string | Buffer, flags = 0): Buffer => {
  const data = Buffer.from(message);
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(data.length, 1);
  return Buffer.concat([head, data]);
};
const bounds: MessageBounds = { messageBytesMax: 100, encoding: "gzip", readyBytesMax: 8, ready };

function ready(message: Uint8Array): Uint8Array {
  if (Buffer.from(message).includes("bad")) throw malformed("bad");
  return message;
}

async function* pieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const end = at + sizes[turn % sizes.length]!;
    yield bytes.subarray(at, end);
    at = end;
  }
}

async function passed(bytes: Buffer, sizes: readonly number[]): Promise<Buffer> {
  const out: Uint8Array[] = [];
  for await (const piece of checkedFrames(pieces(bytes, sizes), bounds)) out.push(piece);
  return Buffer.concat(out);
}

const cuts: readonly (readonly number[])[] = [[1], [2], [3], [4], [5], [6], [7], [1, 9], [5, 20], [11, 2, 3], [1_000]];

describe("frames of a stream", () => {
  it.each(cuts.map((sizes) => [sizes.join(), sizes] as const))("come out whole and plain when they come in pieces of %s bytes", async (_label, sizes) => {
    const messages = ["", "short", "long enough to be looked at", "", "again", "looked at a second time", "x"];
    const sent = messages.map((message, index) => (index % 3 === 2 ? frame(gzipSync(message), 1) : frame(message)));
    expect((await passed(Buffer.concat(sent), sizes)).toString("latin1")).toBe(Buffer.concat(messages.map((message) => frame(message))).toString("latin1"));
  });

  it.each(cuts.map((sizes) => [sizes.join(), sizes] as const))("are refused by what is in them when they come in pieces of %s bytes", async (_label, sizes) => {
    for (const last of [frame("this is bad enough"), frame(gzipSync("bad"), 1)]) {
      await expect(passed(Buffer.concat([frame("fine"), frame("fine, and looked at"), last]), sizes)).rejects.toMatchObject({ reason: Reason.REQUEST_MALFORMED, message: "bad" });
    }
  });

  it.each([
    ["a message that is no gzip", frame("not gzip", 1), Reason.REQUEST_MALFORMED],
    ["a message that swells beyond what may be", frame(gzipSync(Buffer.alloc(101)), 1), Reason.MESSAGE_TOO_LARGE],
    ["a message that is announced larger", frame(Buffer.alloc(101)), Reason.MESSAGE_TOO_LARGE],
    ["a small message cut off", frame("cut").subarray(0, -1), Reason.REQUEST_MALFORMED],
    ["a large message cut off", frame("cut where it is looked at").subarray(0, -1), Reason.REQUEST_MALFORMED],
    ["a head cut off", frame("").subarray(0, 3), Reason.REQUEST_MALFORMED],
    ["an unknown flag", frame("", 2), Reason.REQUEST_MALFORMED],
  ])("are refused: %s", async (_what, bytes, reason) => {
    await expect(passed(Buffer.concat([frame("first"), bytes]), [7])).rejects.toMatchObject({ reason });
  });
});
