/** A paced client beside a server that counts. */
import { describe, expect, it } from "vitest";
import { createClient, unary } from "../runtime/index.js";
import { read } from "../test-support/methods.js";
import { createTestClock, type TestClock } from "../test-support/test-clock.js";
import { createPacedFetch } from "./index.js";

/** A server with `q` requests in `w` seconds (a token bucket without burst) on the test's clock. */
function limitedServer(clock: TestClock, q: number, w: number) {
  const perUnitMs = (w / q) * 1000;
  let tokens = q;
  let at = 0;
  const seen = { served: 0, refused: 0 };
  const fetch = async (): Promise<Response> => {
    tokens = Math.min(q, tokens + (clock.now() - at) / perUnitMs);
    at = clock.now();
    const admitted = tokens >= 1;
    if (admitted) tokens--;
    seen[admitted ? "served" : "refused"]++;
    const next = Math.ceil(((1 - (tokens % 1)) * perUnitMs) / 1000);
    const headers = { ratelimit: `"api";r=${Math.floor(tokens)};t=${next}`, "ratelimit-policy": `"api";q=${q};w=${w}` };
    return Response.json(admitted ? {} : { code: "resource_exhausted" }, { status: admitted ? 200 : 429, headers });
  };
  return { fetch, seen };
}

async function run(clock: TestClock, works: readonly (() => Promise<unknown>)[]): Promise<void> {
  let open = works.length;
  for (const work of works) void work().finally(() => open--);
  while (open > 0) {
    await new Promise(setImmediate);
    if (clock.pending().length > 0) clock.advance(Math.max(1, Math.min(...clock.pending())));
  }
}

describe("a paced client", () => {
  it("sends what the server has room for at once, spreads the rest, and is never refused", async () => {
    const clock = createTestClock();
    const { fetch, seen } = limitedServer(clock, 10, 10);
    const client = createClient({ baseUrl: "http://test", clock, timeoutMs: Infinity, retries: 0, fetch: createPacedFetch({ fetch, clock }) });
    await unary(client, read, {});
    await run(clock, Array.from({ length: 30 }, () => () => unary(client, read, {}).result()));
    expect(seen).toEqual({ served: 31, refused: 0 });
    // 31 requests, 10 of them at once, one a second after that.
    expect(clock.now()).toBeGreaterThanOrEqual(20_000);
    expect(clock.now()).toBeLessThanOrEqual(25_000);
  });

  it("is refused without pacing: the server of this test does count", async () => {
    const clock = createTestClock();
    const { fetch, seen } = limitedServer(clock, 10, 10);
    const client = createClient({ baseUrl: "http://test", clock, timeoutMs: Infinity, retries: 0, fetch });
    await run(clock, Array.from({ length: 30 }, () => () => unary(client, read, {}).result()));
    expect(seen).toEqual({ served: 10, refused: 20 });
  });

  it("waits no longer than the call may take, and leaves no timer", async () => {
    const clock = createTestClock();
    const { fetch } = limitedServer(clock, 1, 60);
    const client = createClient({ baseUrl: "http://test", clock, timeoutMs: 5_000, retries: 0, fetch: createPacedFetch({ fetch, clock }) });
    await unary(client, read, {});
    const held = unary(client, read, {}).result();
    await new Promise(setImmediate);
    clock.advance(5_000);
    expect(await held).toMatchObject({ ok: false, error: { reason: "DEADLINE_PASSED" } });
    await new Promise(setImmediate);
    expect(clock.pending()).toEqual([]);
  });

  it.each([
    ["no headers", {}],
    ["headers of another draft", { ratelimit: "limit=10, remaining=0, reset=50", "ratelimit-policy": "10;w=60" }],
    ["a quota of nothing", { ratelimit: '"api";r=0;t=9', "ratelimit-policy": '"api";q=0;w=60' }],
  ])("holds nothing back on %s", async (_, headers) => {
    const clock = createTestClock();
    const client = createClient({ baseUrl: "http://test", clock, fetch: createPacedFetch({ clock, fetch: async () => Response.json({}, { headers: headers as Record<string, string> }) }) });
    for (let call = 0; call < 5; call++) await unary(client, read, {});
    expect(clock.now()).toBe(0);
  });
});
