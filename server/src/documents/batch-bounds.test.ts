/** How much one transaction of a batch, of an import and of a deletion does: everybody else waits for it. */
import { RecordPhase } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import { expect, it } from "vitest";
import { batchRowsMax, importBatchRows, metaValuesMax } from "../limits.js";
import { createMemoryStore } from "../store/memory.js";
import type { Store } from "../store/store.js";
import { faultsOf } from "../testing/document-invariants.js";
import { meta, reasonOf, startDocuments, tenant, type DocumentClient } from "../testing/document-fixture.js";

const collection = "blog";
/** Rows of a document beside those of its meta values. */
const rowsOfAny = 5;
const values = (count: number, of: string) => meta({ tag: Array.from({ length: count }, (_, at) => `${of}${at}`) });
const documents = (count: number, valuesEach: number, of = "a") => Array.from({ length: count }, (_, at) => ({ key: `k${at}`, meta: values(valuesEach, of) }));
/** As many documents with as many values as they may have, and one that fills a batch up to its last row. */
const largest = Math.floor(batchRowsMax / (rowsOfAny + metaValuesMax));
const rest = batchRowsMax - largest * (rowsOfAny + metaValuesMax) - rowsOfAny;
const exact = [...documents(largest, metaValuesMax), { key: "last", meta: values(rest, "a") }];
const refused = (call: Promise<unknown>): Promise<void> => expect(call).rejects.toThrow(`a batch changes at most ${batchRowsMax} rows`);
const count = async (client: DocumentClient): Promise<number> => (await client.search({ collection, limit: 1 })).totalSize;

it("a batch may change as many rows as the contract says and not one more, what it replaces among them, all or none", { timeout: 180_000 }, async () => {
  const { client, store } = startDocuments();
  await refused(client.addBatch({ collection, documents: [...exact.slice(0, -1), { key: "last", meta: values(rest + 1, "a") }] }));
  expect(await count(client)).toBe(0);
  expect((await client.addBatch({ collection, documents: exact })).added).toBe(exact.length);
  await refused(client.addBatch({ collection, documents: documents(Math.ceil(largest / 2) + 1, metaValuesMax, "b") }));
  await client.add({ collection, key: "other" });
  const all = [...exact, { key: "other" }].map(({ key }) => ({ key }));
  expect(await reasonOf(client.deleteBatch({ collection, documents: all }))).toBe("FIELD_INVALID");
  expect(await count(client)).toBe(all.length);
  expect((await client.deleteBatch({ collection, documents: all.slice(0, -1) })).deleted).toBe(exact.length);
  expect(faultsOf(store, tenant, collection)).toEqual([]);
});

it("an import commits what is large in parts, each with its record, and all of it", { timeout: 180_000 }, async () => {
  const { client, store, records } = startDocuments();
  const sent = documents(7, metaValuesMax);
  const { imported } = await client.import(
    (async function* () {
      for (const document of sent) yield { collection, document };
    })(),
  );
  expect(imported).toBe(sent.length);
  const parts = (await records()).filter(({ phase }) => phase === RecordPhase.PROGRESS).map(({ details }) => Number(details.find(({ name }) => name === "imported")?.value));
  const most = Math.ceil(importBatchRows / (rowsOfAny + metaValuesMax));
  expect(parts).toEqual(Array.from({ length: Math.ceil(sent.length / most) }, (_, at) => Math.min(most, sent.length - at * most)));
  expect(await count(client)).toBe(sent.length);
  expect(faultsOf(store, tenant, collection)).toEqual([]);
});

it("documents with revisions are deleted without a scan for each: a scan costs as much as all that was written before it", async () => {
  const memory = createMemoryStore();
  let scans = 0;
  const counting: Store = {
    ...memory,
    get: (key) => memory.get(key),
    range: (range) => memory.range(range),
    keys: (range) => memory.keys(range),
    snapshot: () => memory.snapshot(),
    subscribe: (listener) => memory.subscribe(listener),
    close: () => memory.close(),
    transact: (work) =>
      memory.transact((tx) =>
        work({
          get: (key) => tx.get(key),
          put: (key, value) => tx.put(key, value),
          remove: (key) => tx.remove(key),
          range: (range) => (scans++, tx.range(range)),
          keys: (range) => (scans++, tx.keys(range)),
        }),
      ),
  };
  const { client } = startDocuments(counting);
  const scansOf = async (many: number): Promise<number> => {
    for (const contentMd of ["one", "two", "three"]) await client.addBatch({ collection, documents: documents(many, 1).map((document) => ({ ...document, contentMd })) });
    scans = 0;
    await client.deleteBatch({ collection, documents: documents(many, 1).map(({ key }) => ({ key })) });
    return scans;
  };
  expect(await scansOf(40)).toBe(await scansOf(2));
  expect(faultsOf(memory, tenant, collection)).toEqual([]);
});
