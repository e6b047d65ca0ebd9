/** Storms: many calls on one signal, a dead server, and connections that are reset at random moments. */
import { createServer as createHttpServer } from "node:http";
import { getEventListeners } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { createClient, documentsAdd, documentsGet, Parapet, ParapetError } from "@parapet/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";
import { createRandom, type CuttingProxy, startCuttingProxy } from "./cutting-proxy.js";

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

describe("a server that answers 503 to everything", () => {
  let requests = 0;
  const dead = createHttpServer((request, response) => {
    requests++;
    request.resume();
    response.writeHead(503, { "content-type": "application/json" });
    response.end('{"code":"unavailable"}');
  });
  beforeAll(() => new Promise<void>((resolve) => dead.listen(0, "127.0.0.1", resolve)));
  afterAll(() => {
    dead.closeAllConnections();
    dead.close();
  });

  it("sees at most 1,100 requests of 1,000 concurrent calls, which leave nothing on the signal they share", async () => {
    const { signal } = new AbortController();
    const client = createClient({ baseUrl: `http://127.0.0.1:${portOf(dead)}`, backoff: { baseMs: 10 } });
    const results = await Promise.all(Array.from({ length: 1_000 }, () => documentsGet(client, { collection: "docs", key: "a" }, { signal }).result()));
    expect(results.every((result) => !result.ok && result.error instanceof ParapetError)).toBe(true);
    expect(requests).toBeGreaterThan(1_000);
    expect(requests).toBeLessThanOrEqual(1_100);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

describe("a network that resets 1,000 connections at random moments", () => {
  const resetsMin = 1_000;
  let server: TestServer;
  let proxy: CuttingProxy;
  let admin: Parapet;
  const random = createRandom(20_261_122);

  beforeAll(async () => {
    server = await startTestServer({ PARAPET_RATE_LIMIT_REQUESTS: "1000000" });
    // Every fourth connection is left alone.
    proxy = await startCuttingProxy({ port: server.port, random, share: 0.75, bytesMax: 900, ways: "both" });
    admin = new Parapet({ baseUrl: server.url, token: () => admin.auth.login({ username: server.adminUser, password: server.adminPassword }) });
  });
  afterAll(async () => {
    proxy.close();
    await server.close();
  });

  it("makes the server execute no call twice: every document has one revision and one record", async () => {
    const client = createClient({
      baseUrl: proxy.url,
      apiKey: (await admin.auth.createApiKey({ description: "storm" })).key,
      retries: 30,
      retryBudget: { ratio: 30, burst: 1_000 },
      backoff: { baseMs: 1, capMs: 5 },
      random,
      // A kept connection would meet its random moment only once in many calls.
      headers: { connection: "close" },
    });
    const attempts = new Map<string, number>();
    // Side by side, since a key in flight makes its own call wait.
    const lane = async (name: number): Promise<void> => {
      for (let at = 0; proxy.cuts < resetsMin && at < 1_000; at++) {
        const key = `k-${name}-${at}`;
        const { value, response } = await documentsAdd(client, { collection: "storm", key, contentMd: "x".repeat(200) }).withResponse();
        expect(value.document?.revision).toBe(1);
        attempts.set(key, response.attempts);
      }
    };
    await Promise.all(Array.from({ length: 40 }, (_, name) => lane(name)));
    expect(proxy.cuts).toBeGreaterThanOrEqual(resetsMin);

    const records = new Map<string, number>();
    for await (const { key, result, details } of admin.audit.listAuditRecords({ action: "document.add", pageSize: 1_000 })) {
      // The answer to a repeated call is a record of its own, and says that it is no second execution.
      if (result === "success" && !details.some(({ name }) => name === "replayed")) records.set(key, (records.get(key) ?? 0) + 1);
    }
    let found = 0;
    for await (const { key, revision } of admin.documents.search({ collection: "storm", limit: 100 })) {
      found++;
      expect([key, revision]).toEqual([key, 1]);
    }
    expect(found).toBe(attempts.size);
    expect([...attempts.keys()].filter((key) => records.get(key) !== 1)).toEqual([]);
    // Or the storm would have proved nothing.
    expect([...attempts.values()].some((count) => count > 3)).toBe(true);
  }, 120_000);
});
