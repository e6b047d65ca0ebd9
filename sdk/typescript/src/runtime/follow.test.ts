/** Streams that go on after a broken connection. */
import { getEventListeners } from "node:events";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answer, endFrame, type FaultServer, frame, refuse, reset, silence, startFaultServer, stream, wireError } from "../test-support/fault-server.js";
import { tail, watch } from "../test-support/methods.js";
import { createTestClock } from "../test-support/test-clock.js";
import { type AttemptEnd, type CallOptions, type ClientOptions, createClient, type Method, ParapetError, serverStream } from "./index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterAll(() => server.close());
beforeEach(() => {
  server.seen.length = 0;
});

interface Tick {
  readonly n: number;
  readonly at?: string;
}

function setUp(options: Partial<ClientOptions> = {}, method: Method = tail) {
  const clock = createTestClock({ skipUpToMs: 10_000 });
  const client = createClient({ baseUrl: server.url, clock, random: () => 0.5, ...options });
  return { clock, ticks: (call?: CallOptions) => serverStream<Tick>(client, method, { from: 1 }, call) };
}

async function read(messages: AsyncIterable<Tick>): Promise<{ seen: number[]; error?: ParapetError }> {
  const seen: number[] = [];
  try {
    for await (const { n } of messages) seen.push(n);
  } catch (error) {
    expect(error).toBeInstanceOf(ParapetError);
    return { seen, error: error as ParapetError };
  }
  return { seen };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

const tick = (n: number): Buffer => frame({ n, at: `t${n}` });
/** Messages, then a connection that is reset. */
const cut =
  (...parts: Buffer[]): Answer =>
  (response) => {
    response.writeHead(200, { "content-type": "application/connect+json" });
    response.write(Buffer.concat(parts), () => setTimeout(() => response.socket?.resetAndDestroy(), 5));
  };
const bodies = (): unknown[] => server.seen.map(({ body }) => JSON.parse(String(body.subarray(5))));

describe("a stream that can be resumed", () => {
  it.each<[string, Answer]>([
    ["between two messages", stream(tick(1), tick(2))],
    ["inside a message", stream(tick(1), tick(2), tick(3).subarray(0, 9))],
    ["inside the head of one", stream(tick(1), tick(2), tick(3).subarray(0, 3))],
    ["by a reset", cut(tick(1), tick(2))],
    ["because its server stops", stream(tick(1), tick(2), endFrame(wireError("unavailable", { reason: "SHUTTING_DOWN" })))],
  ])("goes on behind its last message when it is broken off %s", async (_, broken) => {
    server.script(broken, stream(tick(3), tick(4), endFrame()));
    const { clock, ticks } = setUp();
    expect(await read(ticks())).toEqual({ seen: [1, 2, 3, 4] });
    expect(bodies()).toEqual([{ from: 1 }, { from: 1, after: "t2" }]);
    expect(clock.asked).toContain(100);
    expect(clock.pending()).toEqual([]);
  });

  it("goes on any number of times, each earned by a message, and may end with nothing more to say", async () => {
    server.script(...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => stream(tick(n))), stream(endFrame()));
    expect(await read(setUp().ticks())).toEqual({ seen: [1, 2, 3, 4, 5, 6, 7, 8] });
    expect(bodies().at(-1)).toEqual({ from: 1, after: "t8" });
  });

  it("spends the retry budget on attempts that bring nothing, and fails when there is none left", async () => {
    server.script(stream(tick(1)), reset);
    // Two shares of a tenth, and just short of one from the start.
    expect(await read(setUp().ticks())).toMatchObject({ seen: [1], error: { reason: "NETWORK_FAILED", attempts: 3 } });
    expect(server.seen).toHaveLength(3);
    server.seen.length = 0;
    server.script(stream(tick(1)), reset, reset, stream(tick(2), endFrame()));
    expect(await read(setUp({ retryBudget: { ratio: 10 } }).ticks({ retries: 3 }))).toEqual({ seen: [1, 2] });
  });

  it.each<[string, Answer, string]>([
    ["an error that stays", stream(tick(1), endFrame(wireError("data_loss", { reason: "STORED_DATA_CORRUPT" }))), "STORED_DATA_CORRUPT"],
    ["a message that is no JSON", stream(tick(1), frame(Buffer.from("{"))), "RESPONSE_MALFORMED"],
    ["a message without its token", stream(tick(1), frame({ n: 2 })), "NETWORK_FAILED"],
  ])("does not go on after %s", async (_, broken, reason) => {
    server.script(broken);
    expect((await read(setUp().ticks())).error).toMatchObject({ reason, method: "test.v1.Test/Tail", attempts: 1 });
    expect(server.seen).toHaveLength(1);
  });

  it("does not go on where retries are turned off, or the contract does not say how", async () => {
    server.script(stream(tick(1)));
    for (const { ticks, options } of [{ ...setUp(), options: { retries: 0 } }, { ...setUp({}, watch), options: {} }]) {
      server.seen.length = 0;
      expect(await read(ticks(options))).toMatchObject({ seen: [1], error: { reason: "NETWORK_FAILED" } });
      expect(server.seen).toHaveLength(1);
    }
  });

  it("fails as the attempt to go on is refused", async () => {
    server.script(stream(tick(1)), refuse("permission_denied", { status: 403, reason: "PERMISSION_MISSING" }));
    expect(await read(setUp().ticks())).toMatchObject({ seen: [1], error: { reason: "PERMISSION_MISSING", attempts: 2 } });
  });

  it("waits as its server asks, and fails at once where the deadline leaves no time for it", async () => {
    const busy = (ms: number): Answer => stream(tick(1), endFrame(wireError("unavailable", { reason: "STORE_UNAVAILABLE", retryDelayMs: ms })));
    server.script(busy(3_000), stream(tick(2), endFrame()));
    const { clock, ticks } = setUp();
    expect(await read(ticks({ timeoutMs: 20_000 }))).toEqual({ seen: [1, 2] });
    expect(clock.asked).toContain(3_000);
    server.script(busy(60_000));
    expect(await read(ticks({ timeoutMs: 20_000 }))).toMatchObject({ seen: [1], error: { reason: "STORE_UNAVAILABLE", retryAfterMs: 60_000 } });
  });

  it("has one deadline over all its connections, and without one each has the client's until its first message", async () => {
    server.script(stream(tick(1)), silence);
    const bounded = setUp();
    const reading = read(bounded.ticks({ timeoutMs: 50_000 }));
    await until(() => server.seen.length === 2);
    expect(server.seen[1]?.headers["connect-timeout-ms"]).toBe("49900");
    bounded.clock.advance(49_900);
    expect(await reading).toMatchObject({ seen: [1], error: { reason: "DEADLINE_PASSED" } });

    server.seen.length = 0;
    server.script(stream(tick(1)), silence);
    const endless = setUp({ timeoutMs: 20_000 });
    const waiting = read(endless.ticks());
    await until(() => server.seen.length === 2);
    expect(server.seen[1]?.headers).not.toHaveProperty("connect-timeout-ms");
    endless.clock.advance(20_000);
    expect(await waiting).toMatchObject({ seen: [1], error: { reason: "DEADLINE_PASSED" } });
  });

  it("is cancelled while it waits to go on", async () => {
    server.script(stream(tick(1), endFrame(wireError("unavailable", { retryDelayMs: 15_000 }))));
    const controller = new AbortController();
    const { clock, ticks } = setUp();
    const reading = read(ticks({ signal: controller.signal }));
    await until(() => clock.pending().includes(15_000));
    controller.abort();
    expect(await reading).toMatchObject({ seen: [1], error: { reason: "CALL_CANCELLED", attempts: 1 } });
    expect(clock.pending()).toEqual([]);
  });

  it("gets a fresh token where the old one ended meanwhile, and shows each connection to the hooks", async () => {
    let asked = 0;
    const ends: AttemptEnd[] = [];
    server.script(stream(tick(1)), refuse("unauthenticated", { status: 401, reason: "TOKEN_EXPIRED" }), stream(tick(2), endFrame()));
    expect(await read(setUp({ token: () => `t${++asked}`, hooks: { attempt: () => (end) => void ends.push(end) } }).ticks())).toEqual({ seen: [1, 2] });
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(["Bearer t1", "Bearer t1", "Bearer t2"]);
    expect(ends.map(({ status }) => status)).toEqual([200, 401, 200]);
  });

  it("closes a connection that it goes on without", async () => {
    const parts = Buffer.concat([tick(1), endFrame(wireError("unavailable", { reason: "SHUTTING_DOWN" }))]);
    server.script((response) => void response.writeHead(200, { "content-type": "application/connect+json" }).write(parts), stream(tick(2), endFrame()));
    expect(await read(setUp().ticks())).toEqual({ seen: [1, 2] });
    await until(() => server.seen[0]?.cut === true);
  });

  it("leaves neither timer nor listener behind, read to its end or left", async () => {
    const { signal } = new AbortController();
    const { clock, ticks } = setUp();
    server.script(stream(tick(1)), stream(tick(2)), stream(tick(3), endFrame()));
    expect(await read(ticks({ signal }))).toEqual({ seen: [1, 2, 3] });
    server.script(stream(tick(1)), cut(tick(2)));
    for await (const { n } of ticks({ signal })) if (n === 2) break;
    const unsent = serverStream<Tick>(createClient({ baseUrl: server.url }), tail, { n: 1n }, { signal });
    expect((await read(unsent)).error).toMatchObject({ reason: "REQUEST_INVALID", attempts: 0 });
    const unread = await ticks({ signal }).withResponse();
    await unread.value.return();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    expect(clock.pending()).toEqual([]);
  });
});
