/** Storms on every layer of the SDK: many calls on one signal, a dead server, and connections that are reset at random moments. Large on the default layer; `npm run storms` makes them all large. */
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { getEventListeners } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { Parapet, ParapetError } from "@parapet/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";
import { createRandom, type CuttingProxy, startCuttingProxy } from "./cutting-proxy.js";
import { layers } from "./storm/layers.js";

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const listening = (server: Server): Promise<void> => new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

let server: TestServer;
let admin: Parapet;
beforeAll(async () => {
  server = await startTestServer({ PARAPET_RATE_LIMIT_REQUESTS: "1000000" });
  admin = new Parapet({ baseUrl: server.url, token: () => admin.auth.login({ username: server.adminUser, password: server.adminPassword }) });
});
afterAll(() => server.close());

const allLarge = process.env["STORMS"] === "large";
/** For one storm, in milliseconds. */
const patience = allLarge ? 600_000 : 120_000;

describe.each(layers.map((layer, at) => ({ ...layer, large: allLarge || at === 0 })))("$name", ({ name, h2, start, large }) => {
  it("sends a dead server at most a tenth more requests than it is asked for, and leaves nothing on the signal its calls share", async () => {
    let requests = 0;
    const dead = h2 ? createHttp2Server() : createHttpServer();
    dead.on("request", (request, response) => {
      requests++;
      request.resume();
      response.writeHead(503, { "content-type": "application/json" });
      response.end('{"code":"unavailable"}');
    });
    await listening(dead);
    const { signal } = new AbortController();
    const caller = start({ baseUrl: urlOf(dead), apiKey: "k", timeoutMs: patience, backoff: { baseMs: 10 } });
    const calls = large ? 1_000 : 50;
    const outcomes = await Promise.allSettled(Array.from({ length: calls }, () => caller.get(signal)));
    caller.close();
    dead.close();
    expect(outcomes.every((outcome) => outcome.status === "rejected" && outcome.reason instanceof ParapetError)).toBe(true);
    expect(requests).toBeGreaterThan(calls);
    expect(requests).toBeLessThanOrEqual(calls * 1.1);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  }, patience);

  it("leaves no listener on one signal, however its calls end", async () => {
    const { signal } = new AbortController();
    const caller = start({ baseUrl: server.url, timeoutMs: patience });
    const batches = allLarge ? 100 : 1;
    const reasons = new Set<string>();
    for (let batch = 0; batch < batches; batch++) {
      const outcomes = await Promise.allSettled(Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? caller.health(signal) : caller.get(signal))));
      for (const outcome of outcomes) reasons.add(outcome.status === "fulfilled" ? "none" : (outcome.reason as ParapetError).reason);
    }
    caller.close();
    expect(reasons).toEqual(new Set(["none", "CREDENTIAL_MISSING"]));
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  }, patience);

  it("makes the server execute no call twice on a network that resets connections at random moments", async () => {
    const resetsMin = large ? 1_000 : 40;
    const collection = `storm-${name.replaceAll(/\W/g, "-")}`;
    const random = createRandom(20_261_122);
    // Every fourth connection is left alone.
    const proxy: CuttingProxy = await startCuttingProxy({ port: server.port, random, share: 0.75, bytesMax: h2 ? 1_500 : 900, ways: "both" });
    const apiKey = (await admin.auth.createApiKey({ description: collection })).key;
    let attempts = 0;
    const calls: string[] = [];
    const options = {
      baseUrl: proxy.url,
      apiKey,
      timeoutMs: patience,
      retries: 30,
      retryBudget: { ratio: 30, burst: 1_000 },
      backoff: { baseMs: 1, capMs: 5 },
      random,
      hooks: { attempt: () => void attempts++ },
      // A kept connection would meet its random moment only once in many calls; HTTP/2 knows no such header, and gets a client for each call.
      ...(h2 ? {} : { headers: { connection: "close" } }),
    };
    const shared = h2 ? undefined : start(options);
    // Side by side, since a key in flight makes its own call wait.
    const lane = async (lane: number): Promise<void> => {
      for (let at = 0; proxy.cuts < resetsMin && at < 1_000; at++) {
        const key = `k-${lane}-${at}`;
        const caller = shared ?? start(options);
        expect(await caller.add(collection, key)).toBe(1);
        if (h2) caller.close();
        calls.push(key);
      }
    };
    await Promise.all(Array.from({ length: large ? 40 : 8 }, (_, at) => lane(at)));
    proxy.close();
    expect(proxy.cuts).toBeGreaterThanOrEqual(resetsMin);

    const records = new Map<string, number>();
    for await (const record of admin.audit.listAuditRecords({ action: "document.add", collection, pageSize: 1_000 })) {
      // The answer to a repeated call is a record of its own, and says that it is no second execution.
      const executed = record.result === "success" && !record.details.some((detail) => detail.name === "replayed");
      if (executed) records.set(record.key, (records.get(record.key) ?? 0) + 1);
    }
    let found = 0;
    for await (const { key, revision } of admin.documents.search({ collection, limit: 100 })) {
      found++;
      expect([key, revision]).toEqual([key, 1]);
    }
    expect(found).toBe(calls.length);
    expect(calls.filter((key) => records.get(key) !== 1)).toEqual([]);
    // Or the storm would have proved nothing.
    expect(attempts).toBeGreaterThan(calls.length + resetsMin / 2);
  }, patience);
});
