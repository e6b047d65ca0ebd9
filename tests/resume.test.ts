/** Exports over connections that are cut at random moments: on every layer each document comes once and in order. */
import { Parapet, type ParapetError } from "@parapet/sdk";
import { createParapetClient, type Protocol } from "@parapet/sdk/connect";
import { createParapetClient as createWebClient } from "@parapet/sdk/connect/web";
import { createRestClient } from "@parapet/sdk/rest";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";
import { createRandom, type CuttingProxy, startCuttingProxy } from "./cutting-proxy.js";

const random = createRandom(20_261_123);
const keys = Array.from({ length: 400 }, (_, at) => `k${at}`);

let server: TestServer;
let proxy: CuttingProxy;
let admin: Parapet;
let apiKey: string;
beforeAll(async () => {
  server = await startTestServer({ PARAPET_RATE_LIMIT_REQUESTS: "1000000" });
  // An export has about 200 kB as JSON: some connections bring a few documents, some none, and headers are cut as well.
  proxy = await startCuttingProxy({ port: server.port, random, share: 1, bytesMax: 30_000, ways: "answers" });
  admin = new Parapet({ baseUrl: server.url, token: () => admin.auth.login({ username: server.adminUser, password: server.adminPassword }) });
  apiKey = (await admin.auth.createApiKey({ description: "resume" })).key;
  for (let at = 0; at < keys.length; at += 100) {
    await admin.documents.addBatch({ collection: "long", documents: keys.slice(at, at + 100).map((key) => ({ key, contentMd: "x".repeat(200), meta: { even: [String(Number(key.slice(1)) % 2 === 0)] } })) });
  }
});
afterEach(() => {
  proxy.cutting = true;
});
afterAll(async () => {
  proxy.close();
  await server.close();
});

/** What both sides are made of; kept connections would meet their end before the export begins. */
const options = () => ({ baseUrl: proxy.url, apiKey, retries: 30, retryBudget: { ratio: 30, burst: 1_000 }, backoff: { baseMs: 1, capMs: 5 }, random });

type Exported = AsyncIterable<{ readonly document?: { readonly key: string } | undefined }>;

/** A client that exports `long`; `close` lets go of its connections. */
interface Exporter {
  readonly exported: (filterMeta?: Record<string, string[]>) => Exported;
  readonly close?: () => void;
}

const listValue = (values: string[]) => ({ values: values.map((value) => ({ kind: { case: "stringValue" as const, value } })) });
const metaOf = (filter: Record<string, string[]>) => Object.fromEntries(Object.entries(filter).map(([name, values]) => [name, listValue(values)]));
const overConnect = (protocol: Protocol, httpVersion: "1.1" | "2") => (): Exporter => {
  const client = createParapetClient({ ...options(), protocol, httpVersion });
  return { exported: (filter = {}) => client.documents.export({ collection: "long", filterMeta: metaOf(filter) }), close: () => client.close() };
};
const overWeb = (protocol: "grpc-web" | "connect") => (): Exporter => {
  const client = createWebClient({ ...options(), protocol });
  return { exported: (filter = {}) => client.documents.export({ collection: "long", filterMeta: metaOf(filter) }) };
};

/** The text of a body in whole, as it comes. */
async function textOf(body: ReadableStream<Uint8Array> | null | undefined): Promise<string> {
  return new Response(body).text();
}
const overRest = (accept: "application/x-ndjson" | "text/event-stream") => (): Exporter => {
  const rest = createRestClient(options());
  const line = accept === "application/x-ndjson" ? /^(.+)$/gm : /^id: .+\ndata: (.+)$/gm;
  return {
    async *exported(filterMeta = {}) {
      const { data } = await rest.POST("/v1/export", { body: { collection: "long", filterMeta }, parseAs: "stream", headers: { accept } });
      for (const [, document = ""] of (await textOf(data)).matchAll(line)) yield { document: JSON.parse(document) as { key: string } };
    },
  };
};

describe.each<[string, () => Exporter]>([
  ["the default layer", () => ({ exported: (filterMeta = {}) => new Parapet(options()).documents.export({ collection: "long", filterMeta }) })],
  ["grpc", overConnect("grpc", "2")],
  ["grpc-web over HTTP/1.1", overConnect("grpc-web", "1.1")],
  ["connect over HTTP/2", overConnect("connect", "2")],
  ["grpc-web over fetch", overWeb("grpc-web")],
  ["connect over fetch", overWeb("connect")],
  ["REST in lines", overRest("application/x-ndjson")],
  ["REST in events", overRest("text/event-stream")],
])("%s", (_, start) => {
  it("brings each document once and in order, however often its connection is cut", async () => {
    const { exported, close } = start();
    const cuts = proxy.cuts;
    for (let round = 0; round < 5; round++) {
      const seen: (string | undefined)[] = [];
      for await (const { document } of exported()) seen.push(document?.key);
      expect(seen).toEqual(keys);
    }
    const even: (string | undefined)[] = [];
    for await (const { document } of exported({ even: ["true"] })) even.push(document?.key);
    expect(even).toEqual(keys.filter((__, at) => at % 2 === 0));
    // Or nothing would have been proved.
    expect(proxy.cuts - cuts).toBeGreaterThan(20);
    close?.();
  });
});

describe("an export that others write into meanwhile", () => {
  it("has every document that was there all the time once, and none twice", async () => {
    const collection = "busy";
    await admin.documents.addBatch({ collection, documents: keys.slice(0, 300).map((key) => ({ key, contentMd: "y".repeat(200) })) });
    const client = new Parapet(options());
    const cuts = proxy.cuts;
    const seen: string[] = [];
    for await (const { document } of client.documents.export({ collection })) {
      seen.push(document!.key);
      const at = seen.length;
      if (at % 30 !== 0) continue;
      // Behind and before where the export stands: changed, taken away, added.
      await admin.documents.update({ collection, key: keys[at - 20]!, contentMd: "changed" });
      await admin.documents.update({ collection, key: keys[299]!, contentMd: `changed ${at}` });
      if (at === 60) await admin.documents.delete({ collection, key: keys[200]! });
      await admin.documents.add({ collection, key: `new ${at}` });
    }
    expect(proxy.cuts).toBeGreaterThan(cuts);
    expect(new Set(seen).size).toBe(seen.length);
    const stayed = keys.slice(0, 300).filter((key) => key !== keys[200]);
    expect(seen.filter((key) => stayed.includes(key))).toEqual(stayed);
  });
});

describe("what a resume token is good for", () => {
  it("is kept by a caller to go on later, and serves the principal and the query it was made for alone", async () => {
    proxy.cutting = false;
    const { documents } = admin;
    let at = "";
    for await (const { document, resumeToken } of documents.export({ collection: "long" })) {
      at = resumeToken;
      if (document?.key === "k9") break;
    }
    const rest: string[] = [];
    for await (const { document } of documents.export({ collection: "long", resumeToken: at })) rest.push(document!.key);
    expect(rest).toEqual(keys.slice(10));

    await admin.auth.register({ username: "other", password: "the password of other" });
    await admin.auth.setPermission({ username: "other", collection: "long", read: true });
    const other: Parapet = new Parapet({ baseUrl: server.url, token: () => other.auth.login({ username: "other", password: "the password of other" }) });
    for (const refused of [
      other.documents.export({ collection: "long", resumeToken: at }),
      documents.export({ collection: "busy", resumeToken: at }),
      documents.export({ collection: "long", filterMeta: { even: ["true"] }, resumeToken: at }),
      documents.export({ collection: "long", resumeToken: `${at}A` }),
    ]) {
      const error = await refused.withResponse().catch((thrown: ParapetError) => thrown);
      expect(error).toMatchObject({ reason: "PAGE_TOKEN_INVALID", code: "invalid_argument", attempts: 1 });
    }
  });

  it("is the id of each server-sent event on REST, and Last-Event-ID goes on behind it", async () => {
    const seen: string[] = [];
    let last = "";
    let connections = 0;
    for (; seen.length < keys.length; connections++) {
      const response = await fetch(`${proxy.url}/v1/collections/long/export`, { headers: { "x-api-key": apiKey, accept: "text/event-stream", ...(last === "" ? {} : { "last-event-id": last }) } }).catch(() => undefined);
      const body = response?.body?.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      try {
        for (let part = await body?.read(); part?.done === false; part = await body?.read()) text += part.value;
      } catch {
        // The connection was cut.
      }
      for (const [, id, data] of text.matchAll(/^id: (.*)\ndata: (.*)\n\n/gm)) {
        last = id!;
        seen.push((JSON.parse(data!) as { key: string }).key);
      }
    }
    expect(seen).toEqual(keys);
    expect(connections).toBeGreaterThan(1);
  });

  it("names where a REST call begins, which each of its connections goes on behind", async () => {
    proxy.cutting = false;
    let at = "";
    for await (const { document, resumeToken } of admin.documents.export({ collection: "long" })) {
      at = resumeToken;
      if (document?.key === "k9") break;
    }
    proxy.cutting = true;
    const cuts = proxy.cuts;
    const rest = createRestClient(options());
    for (let round = 0; round < 3; round++) {
      const { data } = await rest.GET("/v1/collections/{collection}/export", { params: { path: { collection: "long" }, query: { resumeToken: at } }, parseAs: "stream" });
      const seen = (await textOf(data)).trim().split("\n").map((line) => (JSON.parse(line) as { key: string }).key);
      expect(seen).toEqual(keys.slice(10));
    }
    expect(proxy.cuts).toBeGreaterThan(cuts);
  });
});
