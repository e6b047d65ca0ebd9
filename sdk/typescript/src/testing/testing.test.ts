/** The server in memory, used as users' own tests would. */
import { ReasonSchema } from "@parapet/contract/parapet/error/v1/reason_pb";
import { describe, expect, it } from "vitest";
import { documentsAdd, documentsExport, documentsGet, documentsImport, documentsSearch, Parapet, type ParapetError, type Reason } from "../index.js";
import { createFakeServer, refuse } from "./index.js";

const clientOf = (server: ReturnType<typeof createFakeServer>): Parapet => new Parapet({ baseUrl: "http://test", apiKey: "key", retries: 0, fetch: server.fetch });

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe("a server in memory", () => {
  it("answers calls, pages and both kinds of streams by typed handlers, and keeps what it saw", async () => {
    const server = createFakeServer()
      .on(documentsGet, ({ key }) => ({ document: { key } }))
      .on(documentsSearch, ({ pageToken }) => (pageToken ? { documents: [{ key: "b" }] } : { documents: [{ key: "a" }], nextPageToken: "2" }))
      .on(documentsExport, async function* () {
        yield { document: { key: "a" } };
        yield { document: { key: "b" } };
      })
      .on(documentsImport, (requests) => ({ imported: requests.length }));
    const { documents } = clientOf(server);
    expect(await documents.get({ collection: "docs", key: "k" })).toEqual({ document: { key: "k" } });
    expect((await all(documents.search({ collection: "docs" }))).map(({ key }) => key)).toEqual(["a", "b"]);
    expect((await all(documents.export({ collection: "docs" }))).map(({ document }) => document?.key)).toEqual(["a", "b"]);
    for (const count of [0, 1, 3]) {
      expect(await documents.import(Array.from({ length: count }, () => ({ collection: "docs" })))).toEqual({ imported: count });
    }
    expect(server.calls[0]).toMatchObject({ method: "parapet.document.v1.DocumentService/Get", request: { collection: "docs", key: "k" } });
    expect(server.calls[0]?.headers.get("x-api-key")).toBe("key");
  });

  it("says of a handler that answers with what is no JSON that it failed, on calls and on streams", async () => {
    const revision = 1n as unknown as number;
    const server = createFakeServer()
      .on(documentsGet, () => ({ document: { revision } }) as object)
      .on(documentsExport, () => [{ document: { revision } } as object]);
    const { documents } = clientOf(server);
    const failed = { reason: "INTERNAL", message: expect.stringMatching(/the handler failed: .*BigInt/) };
    expect(await documents.get({ collection: "docs", key: "k" }).result()).toMatchObject({ ok: false, error: failed });
    await expect(all(documents.export({ collection: "docs" }))).rejects.toMatchObject(failed);
    expect(server.calls).toHaveLength(2);
  });

  it("refuses with every reason of the contract, on calls and on streams", async () => {
    const reasons = ReasonSchema.values.filter(({ number }) => number !== 0).map(({ name }) => name.replace("REASON_", "") as Reason);
    expect(reasons.length).toBeGreaterThan(30);
    for (const reason of reasons) {
      const server = createFakeServer()
        .on(documentsGet, () => refuse(reason))
        .on(documentsExport, () => {
          throw refuse(reason);
        });
      const { documents } = clientOf(server);
      const { code } = refuse(reason);
      expect(await documents.get({ collection: "docs", key: "k" }).result()).toMatchObject({ ok: false, error: { reason, code, domain: "parapet" } });
      await expect(all(documents.export({ collection: "docs" }))).rejects.toMatchObject({ reason, code });
    }
  });

  it("refuses with details, also behind messages that a stream has sent", async () => {
    const server = createFakeServer()
      .on(documentsAdd, () => refuse("FIELD_INVALID", { message: "no", metadata: { a: "b" }, fieldViolations: [{ field: "key", description: "too long", rule: "string.max_len" }] }))
      .on(documentsGet, () => refuse("RATE_LIMITED", { retryAfterMs: 1500 }))
      .on(documentsExport, async function* () {
        yield { document: { key: "a" } };
        throw refuse("STORE_UNAVAILABLE");
      });
    const { documents } = clientOf(server);
    const added = await documents.add({ collection: "docs", key: "k" }).result();
    expect(added).toMatchObject({ error: { message: "no", metadata: { a: "b" }, fieldViolations: [{ field: "key", rule: "string.max_len" }], status: 400 } });
    expect(await documents.get({ collection: "docs", key: "k" }).result()).toMatchObject({ error: { retryAfterMs: 1500, status: 429 } });
    const seen: unknown[] = [];
    const ended = await (async () => {
      for await (const message of documents.export({ collection: "docs" })) seen.push(message);
    })().catch((error: ParapetError) => error.reason);
    expect([seen.length, ended]).toEqual([1, "STORE_UNAVAILABLE"]);
  });

  it("says what is missing: a handler, or a function that is a method's", async () => {
    const { documents } = clientOf(createFakeServer());
    expect(await documents.get({ collection: "docs", key: "k" }).result()).toMatchObject({ error: { reason: "METHOD_UNKNOWN", message: expect.stringContaining("DocumentService/Get") } });
    const wrong = clientOf(createFakeServer().on((() => ({})) as never, (() => ({})) as never));
    expect(await wrong.documents.get({ collection: "docs", key: "k" }).result()).toMatchObject({ error: { reason: "NETWORK_FAILED", cause: { message: expect.stringContaining("generated function") } } });
  });

  it("shows a handler's own mistake", async () => {
    const server = createFakeServer().on(documentsGet, () => {
      throw new TypeError("oops");
    });
    expect(await clientOf(server).documents.get({ collection: "docs", key: "k" }).result()).toMatchObject({ error: { reason: "INTERNAL", message: expect.stringContaining("oops") } });
  });
});
