/** Streams, whole and broken. */
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { endFrame, type FaultServer, frame, refuse, silence, startFaultServer, stream, text, wireError } from "../test-support/fault-server.js";
import { upload, watch } from "../test-support/methods.js";
import { createTestClock } from "../test-support/test-clock.js";
import { type CallOptions, type ClientOptions, clientStream, createClient, ParapetError, serverStream } from "./index.js";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterAll(() => server.close());
beforeEach(() => {
  server.seen.length = 0;
});

function clientOf(options: Partial<ClientOptions> = {}) {
  const clock = createTestClock({ skipUpToMs: 10_000 });
  return { clock, client: createClient({ baseUrl: server.url, clock, random: () => 0.5, retryBudget: { ratio: 10 }, ...options }) };
}

interface Tick {
  n: number;
}
const ticks = (options: CallOptions = {}, clientOptions: Partial<ClientOptions> = {}) => serverStream<Tick>(clientOf(clientOptions).client, watch, { from: 1 }, options);

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

describe("a stream of the server", () => {
  it("sends its request in one frame and gives the messages, however they are cut into pieces", async () => {
    const bytes = Buffer.concat([frame({ n: 1 }), frame({ n: 2, new: "ü" }), frame({ n: 3 }), endFrame()]);
    for (const size of [1, 4, 7, 1000]) {
      server.seen.length = 0;
      server.script(stream(...Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size))));
      expect(await read(ticks())).toEqual({ seen: [1, 2, 3] });
      expect(server.seen[0]?.headers["content-type"]).toBe("application/connect+json");
      expect(server.seen[0]?.body).toEqual(frame({ from: 1 }));
    }
  });

  it("may be empty", async () => {
    server.script(stream(endFrame()));
    expect(await read(ticks())).toEqual({ seen: [] });
  });

  it("gives status, headers and request id", async () => {
    server.script(stream(frame({ n: 1 }), endFrame()));
    const { value, response } = await ticks().withResponse();
    expect(response).toMatchObject({ status: 200, requestId: "stream-1", attempts: 1 });
    expect(await read(value)).toEqual({ seen: [1] });
  });

  it("fails typed after the messages that came", async () => {
    server.script(stream(frame({ n: 1 }), endFrame(wireError("data_loss", { reason: "STORED_DATA_CORRUPT" }))));
    expect(await read(ticks())).toMatchObject({ seen: [1], error: { code: "data_loss", reason: "STORED_DATA_CORRUPT", method: "test.v1.Test/Watch", attempts: 1 } });
  });

  it.each([
    ["between two messages", stream(frame({ n: 1 })), "NETWORK_FAILED"],
    ["inside a message", stream(frame({ n: 1 }), frame({ n: 2 }).subarray(0, 9)), "NETWORK_FAILED"],
    ["with a message that is no JSON", stream(frame({ n: 1 }), Buffer.from([0, 0, 0, 0, 1, 0x7b])), "RESPONSE_MALFORMED"],
    ["with a compressed message that nobody asked for", stream(frame({ n: 1 }), frame(gzipSync('{"n":2}'), 1)), "RESPONSE_MALFORMED"],
    ["with a message larger than allowed", stream(frame({ n: 1 }), frame({ n: 2, pad: "x".repeat(2000) })), "RESPONSE_MALFORMED"],
  ])("that breaks off %s is typed and not sent again", async (_, answer, reason) => {
    server.script(answer);
    expect(await read(ticks({}, { messageBytesMax: 1000 }))).toMatchObject({ seen: [1], error: { reason } });
    expect(server.seen).toHaveLength(1);
  });

  it("that breaks off behind a message with a field without a name is typed as well", async () => {
    server.script(stream(frame({ n: 1, "": "x" })));
    expect(await read(ticks())).toMatchObject({ seen: [1], error: { reason: "NETWORK_FAILED" } });
  });

  it("is sent again while nothing has come, also for a refusal in its only frame", async () => {
    server.script(stream(endFrame(wireError("unavailable", { reason: "STORE_UNAVAILABLE" }))), refuse("unavailable", {}), stream(frame({ n: 1 }), endFrame()));
    expect(await read(ticks())).toEqual({ seen: [1] });
    expect(server.seen).toHaveLength(3);
  });

  it("gets a fresh token when the old one is refused", async () => {
    let asked = 0;
    server.script(stream(endFrame(wireError("unauthenticated", { reason: "TOKEN_EXPIRED" }))), stream(frame({ n: 1 }), endFrame()));
    expect(await read(ticks({}, { token: () => `t${++asked}` }))).toEqual({ seen: [1] });
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(["Bearer t1", "Bearer t2"]);
  });

  it("is typed for what is no stream", async () => {
    server.script(text(200, "text/html", "<html>"));
    expect(await read(ticks())).toMatchObject({ error: { reason: "RESPONSE_MALFORMED" } });
  });

  it("that is left early, or never read, closes its connection", async () => {
    server.script((response) => void response.writeHead(200, { "content-type": "application/connect+json" }).write(frame({ n: 1 })));
    for await (const { n } of ticks()) if (n === 1) break;
    await until(() => server.seen[0]?.cut === true);
    const { value } = await ticks().withResponse();
    await value.return();
    await until(() => server.seen[1]?.cut === true);
  });

  it("is cancelled while it waits", async () => {
    server.script((response) => void response.writeHead(200, { "content-type": "application/connect+json" }).write(frame({ n: 1 })));
    const controller = new AbortController();
    const reading = read(ticks({ signal: controller.signal }));
    await until(() => server.seen.length === 1);
    setImmediate(() => controller.abort());
    expect(await reading).toMatchObject({ error: { reason: "CALL_CANCELLED" } });
    await until(() => server.seen[0]?.cut === true);
  });

  it("has a deadline until it begins, and over all of it only where the call says so", async () => {
    server.script(silence);
    const slow = clientOf({ timeoutMs: 20_000 });
    const waiting = read(serverStream<Tick>(slow.client, watch, {}));
    await until(() => server.seen.length === 1);
    expect(server.seen[0]?.headers).not.toHaveProperty("connect-timeout-ms");
    slow.clock.advance(20_000);
    expect(await waiting).toMatchObject({ error: { reason: "DEADLINE_PASSED" } });

    server.script((response) => void response.writeHead(200, { "content-type": "application/connect+json" }).write(frame({ n: 1 })));
    const begun = await serverStream<Tick>(slow.client, watch, {}).withResponse();
    expect(slow.clock.pending()).toEqual([]);
    await begun.value.return();
    const bounded = await serverStream<Tick>(slow.client, watch, {}, { timeoutMs: 50_000 }).withResponse();
    expect(server.seen.at(-1)?.headers["connect-timeout-ms"]).toBe("50000");
    slow.clock.advance(50_000);
    expect((await read(bounded.value)).error).toMatchObject({ reason: "DEADLINE_PASSED" });
  });
});

describe("a stream of the client", () => {
  async function* numbers(): AsyncGenerator<Tick> {
    yield { n: 1 };
    yield { n: 2 };
  }
  const send = (messages: Iterable<Tick> | AsyncIterable<Tick>, options: CallOptions = {}) => clientStream<{ sum: number }, never>(clientOf().client, upload, messages, options);

  it("sends its messages as frames of one body and gives the one response", async () => {
    server.script(stream(frame({ sum: 3 }), endFrame()));
    for (const messages of [numbers(), [{ n: 1 }, { n: 2 }]]) expect(await send(messages)).toEqual({ sum: 3 });
    expect(server.seen[1]?.body).toEqual(Buffer.concat([frame({ n: 1 }), frame({ n: 2 })]));
  });

  it.each([
    ["refused", stream(endFrame(wireError("permission_denied", { reason: "PERMISSION_MISSING" }))), "PERMISSION_MISSING"],
    ["refused after its message", stream(frame({ sum: 3 }), endFrame(wireError("internal", { reason: "INTERNAL" }))), "INTERNAL"],
    ["answered without a message", stream(endFrame()), "RESPONSE_MALFORMED"],
    ["cut off", stream(frame({ sum: 3 })), "NETWORK_FAILED"],
  ])("is typed when it is %s, and sent once", async (_, answer, reason) => {
    server.script(answer);
    expect(await send(numbers()).result()).toMatchObject({ ok: false, error: { reason } });
    expect(server.seen).toHaveLength(1);
  });

  it("fails typed with its source, and stops a source that nobody waits for", async () => {
    const cause = new Error("disk");
    const broken = (async function* () {
      yield { n: 1 };
      throw cause;
    })();
    expect(await send(broken).result()).toMatchObject({ error: { reason: "UNSPECIFIED", cause } });
    const controller = new AbortController();
    let left = false;
    const endless = (async function* () {
      try {
        for (let n = 0; ; n++) {
          await new Promise((resolve) => setImmediate(resolve));
          yield { n };
        }
      } finally {
        left = true;
      }
    })();
    const call = send(endless, { signal: controller.signal }).result();
    controller.abort();
    expect(await call).toMatchObject({ error: { reason: "CALL_CANCELLED" } });
    await until(() => left);
    expect(server.seen).toHaveLength(0);
  });
});
