/** Calls that do not run their course, alike for both executors: deadlines, callers who leave, narrow windows, many calls at once. */
import { connect as connectHttp2, constants } from "node:http2";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { methodOf } from "../../conformance/src/contract.js";
import { type Draft, draftOf, sentOf, type Shape, shapes, withHeaders } from "./draft.js";
import type { Sent } from "./exchanged.js";
import { type HandlerSide, openHandlers } from "./handler-pair.js";
import { createHeld, type Held, manners } from "./held-handlers.js";
import { createHttp1Line } from "./http1-line.js";
import { answerOf } from "./http2-line.js";
import { errorCodes, frameFlags, frameTypes, headerBlock, openHttp2 } from "../wire.js";
import { observe } from "./observe.js";

let pair: readonly [HandlerSide, HandlerSide];
const held: Readonly<Record<HandlerSide["executor"], Held>> = { "connect-es": createHeld(), "fast": createHeld() };
beforeAll(async () => {
  pair = await openHandlers((executor) => held[executor].handlers);
});
afterAll(async () => {
  await Promise.all(pair.map((side) => side.close()));
});

const { input, output } = methodOf("DocumentService/Get").desc;
const ways = shapes.flatMap((shape) => shape.http.map((http) => [`${shape.name} over ${http}`, shape, http] as const));
const posts = ways.filter(([, { get }]) => !get);
const deadline = ({ timeoutHeader }: Shape, ms: number): readonly [string, string] => [timeoutHeader, timeoutHeader === "grpc-timeout" ? `${ms}m` : String(ms)];
const draft = (key: string, method = "DocumentService/Get"): Draft => draftOf(methodOf(method), { collection: "docs", key });

/** Plays the same on both servers; what it gives must be equal. */
async function both<T>(play: (side: HandlerSide, held: Held) => Promise<T>): Promise<T> {
  const [connectEs, fast] = await Promise.all(pair.map((side) => play(side, held[side.executor])));
  expect(fast).toEqual(connectEs);
  return fast!;
}

/** What was recorded of a request, and that it was recorded once. */
async function recordOf(side: HandlerSide, id: string): Promise<object> {
  const { outcomeCode, reason, resource, decision } = await side.recorded(id);
  expect(side.facts.filter(({ requestId }) => requestId === id)).toHaveLength(1);
  return { outcomeCode, reason, resource, decision };
}

/** A call that shows that a server is alive, over a connection that was in use before. */
async function isAlive(side: HandlerSide): Promise<boolean> {
  const shape = shapes[0]!;
  const { trailers } = await side.h2.exchange(sentOf(shape, draft("at-once"), "alive"));
  return trailers.some(([name, value]) => name === "grpc-status" && value === "0");
}

describe.each(ways)("%s", (name, shape, http) => {
  test.each(manners)("answers at the deadline while a handler runs that %s, and records it once", async (key) => {
    const id = `deadline.${name.replaceAll(" ", "-")}.${key}`;
    const seen = await both(async (side, { release }) => {
      const answer = observe(await side[http].exchange(sentOf(shape, withHeaders(draft(key), deadline(shape, 40)), id)), output, side.mask);
      release(id);
      return { answer, record: await recordOf(side, id) };
    });
    expect(JSON.stringify(seen.answer)).toContain("DEADLINE_PASSED");
    expect(seen.record).toMatchObject({ reason: "DEADLINE_PASSED", resource: `collections/docs/documents/${key}` });
  });

  test("answers the same bytes to a caller who does not wait and to one who waits long enough", async () => {
    await both(async (side, { begins, release }) => {
      const id = `patient.${name.replaceAll(" ", "-")}`;
      const answer = side[http].exchange(sentOf(shape, withHeaders(draft("heeds-nothing"), deadline(shape, 60_000)), id));
      await begins(id);
      release(id);
      return observe(await answer, output, side.mask);
    });
  });
});

describe.each(posts)("%s", (name, shape, http) => {
  test("answers at the deadline while the body is still on its way", async () => {
    const id = `slow-body.${name.replaceAll(" ", "-")}`;
    const seen = await both(async (side, { begun }) => {
      const { body, ...head } = sentOf(shape, withHeaders(draft("at-once"), deadline(shape, 40)), id);
      const arrived = http === "h2" ? await beginOverHttp2(side, head, body!) : await beginOverHttp1(side, head, body!);
      expect(begun.has(id)).toBe(false);
      return { answer: observe(arrived, output, side.mask), record: await recordOf(side, id) };
    });
    expect(JSON.stringify(seen.answer)).toContain("DEADLINE_PASSED");
    expect(seen.record).toMatchObject({ reason: "DEADLINE_PASSED" });
  });

  test("does nothing for a caller who leaves before the body is whole, and records that", async () => {
    const id = `left-early.${name.replaceAll(" ", "-")}`;
    const record = await both(async (side, { begun }) => {
      const { body, ...head } = sentOf(shape, draft("at-once"), id);
      // What came so far of a message without a frame is a message too.
      await leaveEarly(side, http, head, shape.framed ? body!.subarray(0, -2) : body!);
      const recorded = await recordOf(side, id);
      expect(begun.has(id)).toBe(false);
      expect(await isAlive(side)).toBe(true);
      return recorded;
    });
    expect(record).toMatchObject({ reason: "CALL_CANCELLED" });
  });
});

describe.each(ways)("%s", (name, shape, http) => {
  test.each(manners)("records a caller who leaves while a handler runs that %s", async (key) => {
    const id = `left.${name.replaceAll(" ", "-")}.${key}`;
    const record = await both(async (side, { begins, release }) => {
      const { body, ...head } = sentOf(shape, draft(key), id);
      await leave(side, http, head, body, begins(id));
      expect(await isAlive(side)).toBe(true);
      release(id);
      return recordOf(side, id);
    });
    expect(record).toMatchObject({ reason: "CALL_CANCELLED", resource: `collections/docs/documents/${key}` });
  });
});

describe.each(shapes.filter(({ http }) => http.includes("h1")).map((shape) => [shape.name, shape] as const))("%s over one HTTP/1.1 connection", (name, shape) => {
  test("answers calls that came in one packet in their order, as it does one by one", async () => {
    const calls = ["at-once", "second", "third"].map((key) => sentOf(shape, draft(key), `pipelined.${name}.${key}`));
    await both(async (side) => {
      const line = createHttp1Line(side.port);
      const together = await line.pipeline(Buffer.concat(calls.map((call) => bytesOf(call, side.port))), calls.map(({ verb }) => verb));
      const apart = [];
      for (const call of calls) apart.push(await line.exchange(call));
      line.close();
      const seen = together.map((arrived) => observe(arrived, output, side.mask));
      expect(seen.map(({ headers }) => headers.find((line) => line.startsWith("x-request-id")))).toEqual(calls.map(({ headers }) => `x-request-id: ${idOf({ headers })}`));
      expect(seen).toEqual(apart.map((arrived) => observe(arrived, output, side.mask)));
      return seen;
    });
  });
});

describe.each(shapes.filter(({ http }) => http.includes("h2")).map((shape) => [shape.name, shape] as const))("%s over HTTP/2 with a window of one byte", (name, shape) => {
  test("answers whole, however long the answer", { timeout: 60_000 }, async () => {
    const seen = await both(async (side) => {
      const session = connectHttp2(`http://127.0.0.1:${side.port}`, { settings: { initialWindowSize: 1 } });
      const { body, ...head } = sentOf(shape, draft("at-once"), `narrow.${name}`);
      const stream = session.request({ ":method": head.verb, ":path": head.path, ...Object.fromEntries(head.headers) }, { endStream: body === undefined });
      const arrived = answerOf(stream, 50_000);
      if (body !== undefined) stream.end(body);
      const answer = observe(await arrived, output, side.mask);
      session.destroy();
      return answer;
    });
    expect(seen.outcome).toBe("answered");
    expect(JSON.stringify(seen.body)).toContain("Answered after all. ".repeat(500));
  });
});

test("the request type has the fields that these tests rely on", () => {
  expect(input.fields.map(({ name }) => name)).toEqual(expect.arrayContaining(["collection", "key"]));
});

type Head = Omit<Sent, "body">;

/** A request whose body ends nowhere: its head and half of the body. */
async function beginOverHttp2(side: HandlerSide, head: Head, body: Buffer) {
  const stream = side.h2.begin(head);
  const arrived = answerOf(stream);
  stream.write(body.subarray(0, body.length / 2));
  const answer = await arrived;
  stream.close(constants.NGHTTP2_CANCEL);
  return answer;
}

async function beginOverHttp1(side: HandlerSide, head: Head, body: Buffer) {
  const line = createHttp1Line(side.port);
  const [arrived] = await line.pipeline(bytesOf({ ...head, body }, side.port).subarray(0, -Math.ceil(body.length / 2)), [head.verb]);
  line.close();
  return arrived!;
}

/** Sends a request that promises more body than comes, and goes. */
async function leaveEarly(side: HandlerSide, http: "h1" | "h2", head: Head, body: Buffer): Promise<void> {
  if (http === "h1") {
    const socket = connect(side.port, "127.0.0.1");
    await new Promise<void>((resolve) => socket.write(bytesOf({ ...head, body }, side.port, 1), () => resolve()));
    // What came before on another connection was read before.
    await isAlive(side);
    socket.destroy();
    return;
  }
  // Node's own client ends a body before it resets the stream.
  const wire = openHttp2(side.port);
  wire.write(frameTypes.headers, frameFlags.endHeaders, 1, headerBlock([[":method", head.verb], [":path", head.path], [":scheme", "http"], [":authority", `127.0.0.1:${side.port}`], ...head.headers]));
  wire.write(frameTypes.data, 0, 1, body);
  wire.write(frameTypes.ping, 0, 0, Buffer.alloc(8));
  await wire.next(({ type, flags }) => type === frameTypes.ping && flags === frameFlags.ack);
  await isAlive(side);
  wire.write(frameTypes.reset, 0, 1, Buffer.of(0, 0, 0, errorCodes.cancel));
  await side.recorded(idOf(head));
  expect(wire.frames.filter(({ type, stream }) => stream === 1 && type !== frameTypes.windowUpdate)).toEqual([]);
  wire.close();
}

/** Sends a whole request and goes when its handler runs. */
async function leave(side: HandlerSide, http: "h1" | "h2", head: Head, body: Buffer | undefined, begun: Promise<void>): Promise<void> {
  if (http === "h2") {
    const stream = side.h2.begin(head);
    stream.on("error", () => undefined);
    stream.end(body);
    await begun;
    stream.close(constants.NGHTTP2_CANCEL);
    return;
  }
  const socket = connect(side.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(bytesOf({ ...head, body }, side.port));
  await begun;
  // Who only closes its side may be waiting for the answer (tests/half-closed.test.ts).
  socket.resetAndDestroy();
}

function idOf({ headers }: Pick<Sent, "headers">): string {
  return headers.find(([name]) => name === "x-request-id")![1];
}

/** A request as HTTP/1.1 writes it, with a length that may promise more than there is. */
function bytesOf({ verb, path, headers, body }: Pick<Sent, "verb" | "path" | "headers" | "body">, port: number, missing = 0): Buffer {
  const fields = [["host", `127.0.0.1:${port}`], ...headers, ...(body === undefined ? [] : [["content-length", String(body.length + missing)]])];
  return Buffer.concat([Buffer.from(`${verb} ${path} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`, "latin1"), body ?? Buffer.alloc(0)]);
}
