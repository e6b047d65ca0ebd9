/** Documents on the embedded store: what was answered is there after the store was closed and opened again. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openLmdbStore } from "../store/lmdb.js";
import type { Store } from "../store/store.js";
import { drain, meta, startDocuments, tenant } from "../testing/document-fixture.js";
import { faultsOf } from "../testing/document-invariants.js";
import { rowsOf } from "../testing/document-rows.js";

const opened: { store: Store; directory: string }[] = [];
const open = (directory = mkdtempSync(join(tmpdir(), "parapet-documents-"))) => {
  const store = openLmdbStore({ directory });
  opened.push({ store, directory });
  return { store, directory };
};
afterEach(async () => {
  for (const { store } of opened) await store.close();
  for (const { directory } of opened.splice(0)) rmSync(directory, { recursive: true, force: true });
});

const collection = "c";

describe("on the embedded store", () => {
  it("concurrent writes of one document each keep their revision, and all of it outlives the process", async () => {
    const first = open();
    const { client } = startDocuments(first.store);
    const answers = await Promise.all(Array.from({ length: 64 }, (_, index) => client.add({ collection, key: "k", contentMd: String(index), meta: meta({ tag: [String(index % 7)] }) })));
    expect(answers.map(({ document }) => document!.revision).sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, index) => index + 1));
    const rows = rowsOf(first.store, tenant, collection);
    expect(faultsOf(first.store, tenant, collection)).toEqual([]);
    await first.store.close();
    const second = open(first.directory);
    expect(rowsOf(second.store, tenant, collection)).toEqual(rows);
    const { revisions } = await startDocuments(second.store).client.listRevisions({ collection, key: "k", pageSize: 100 });
    expect(revisions.map(({ revision }) => revision)).toEqual(Array.from({ length: 63 }, (_, index) => 63 - index));
  });

  it("searches, exports, sweeps and deletes as in memory", async () => {
    const { store } = open();
    const { client, clock, sweep } = startDocuments(store);
    const documents = Array.from({ length: 1_000 }, (_, index) => ({ key: `k${index}`, meta: meta({ parity: [String(index % 2)] }), ...(index % 10 === 0 ? { ttl: { seconds: 1n } } : {}) }));
    await client.addBatch({ collection, documents });
    await client.addBatch({ collection, documents: documents.slice(0, 300).map((document) => ({ ...document, contentMd: "changed" })) });
    clock.nowMs += 1_000;
    const page = await client.search({ collection, filterMeta: meta({ parity: ["1"] }), sort: "updatedAt", limit: 5 });
    expect([page.totalSize, page.documents.length]).toEqual([500, 5]);
    expect((await client.search({ collection, asc: true, limit: 3, offset: 890 })).totalSize).toBe(900);
    const streamed: string[] = [];
    for await (const { document } of client.export({ collection })) {
      streamed.push(document!.key);
      if (streamed.length === 150) expect(await sweep()).toBe(100);
    }
    expect(streamed).toHaveLength(900);
    expect((await drain(client.exportArchive({ collection }))).length).toBeGreaterThan(1);
    expect(faultsOf(store, tenant, collection)).toEqual([]);
    expect(await client.deleteCollection({ collection, force: true })).toMatchObject({ deletedDocuments: 900 });
    expect(rowsOf(store, tenant, collection)).toEqual([]);
  });
});
