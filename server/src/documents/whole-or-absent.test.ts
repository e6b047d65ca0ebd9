/** Whatever breaks while a document changes, the change is whole or absent, and so is its record. */
import { describe, expect, it } from "vitest";
import { createFailingStore } from "../store/failing.js";
import { createMemoryStore } from "../store/memory.js";
import { meta, startDocuments, tenant, type DocumentFixture } from "../testing/document-fixture.js";
import { faultsOf } from "../testing/document-invariants.js";
import { rowsOf } from "../testing/document-rows.js";
import { seeded } from "../testing/random.js";

const collection = "c";
const name = { collection, key: "k", lang: "en" };
const other = meta({ tag: ["b", "c"] });

const scenarios: Record<string, { action: string; run: (fixture: DocumentFixture) => Promise<unknown> }> = {
  "a new document": { action: "document.add", run: ({ client }) => client.add({ collection, key: "new", meta: other, ttl: { seconds: 9n } }) },
  "a replaced document": { action: "document.add", run: ({ client }) => client.add({ ...name, meta: other, ttl: { seconds: 9n } }) },
  "a document over an expired one": { action: "document.add", run: ({ client }) => client.add({ collection, key: "expired", meta: other }) },
  "an update": { action: "document.update", run: ({ client }) => client.update({ ...name, meta: other, ttl: { seconds: 9n } }) },
  "a batch": { action: "document.add_batch", run: ({ client }) => client.addBatch({ collection, documents: [{ key: "a" }, { key: "k", lang: "en", meta: other }, { key: "a" }] }) },
  "a deletion": { action: "document.delete", run: ({ client }) => client.delete(name) },
  "a batch of deletions": { action: "document.delete_batch", run: ({ client }) => client.deleteBatch({ collection, documents: [name, { key: "second" }] }) },
  "a restored revision": { action: "document.revision.restore", run: ({ client }) => client.restoreRevision({ ...name, revision: 1 }) },
  "a configuration": { action: "collection.update", run: ({ client }) => client.updateCollection({ collection, config: { description: "d" } }) },
  "a deleted collection": { action: "collection.delete", run: ({ client }) => client.deleteCollection({ collection, force: true }) },
  "a sweep": { action: "document.expire", run: ({ sweep }) => sweep() },
};

/** A collection with a document of two revisions, another one, and one that has expired; the same bytes each time. */
async function prepared() {
  const inner = createMemoryStore();
  const store = createFailingStore(inner, { failAt: 0 });
  const fixture = startDocuments(store);
  await fixture.client.updateCollection({ collection, config: { revisionsMax: 2 } });
  for (const contentMd of ["one", "two"]) await fixture.client.add({ ...name, contentMd, meta: meta({ tag: ["a", "b"] }), ttl: { seconds: 60n } });
  await fixture.client.addBatch({ collection, documents: [{ key: "second" }, { key: "expired", ttl: { seconds: 1n }, meta: meta({ tag: ["a"] }) }] });
  fixture.clock.nowMs += 2_000;
  return { inner, store, fixture };
}

describe.each(Object.entries(scenarios))("%s", (_what, { action, run }) => {
  it.each([{ forGood: false }, { forGood: true }])("is whole or absent, and so is its record (medium broken for good: $forGood)", async ({ forGood }) => {
    const { inner, store, fixture } = await prepared();
    const successes = async () => (await fixture.records()).filter((record) => record.action === action && record.outcomeCode === 0).length;
    const before = rowsOf(inner, tenant, collection);
    const successesBefore = await successes();
    let outcome = "";
    for (let failAt = 1; outcome !== "done"; failAt++) {
      store.arm({ failAt, forGood });
      outcome = await run(fixture).then(
        () => "done",
        (error: unknown) => String(error),
      );
      store.arm({ failAt: 0 });
      if (outcome === "done") break;
      expect(outcome).toMatch(/unavailable/);
      // A sweep goes on after each of its transactions, so one may be done when the next read fails.
      if (action === "document.expire" && (await successes()) > successesBefore) break;
      expect(rowsOf(inner, tenant, collection), `call ${failAt}`).toEqual(before);
      expect(await successes(), `call ${failAt}`).toBe(successesBefore);
    }
    expect(rowsOf(inner, tenant, collection)).not.toEqual(before);
    expect(faultsOf(inner, tenant, collection)).toEqual([]);
    expect(await successes()).toBe(successesBefore + 1);
  });
});

describe("after any changes", () => {
  it("indexes, counts and checksum follow from the documents", async () => {
    const store = createMemoryStore();
    const { client, clock, sweep } = startDocuments(store);
    const random = seeded(23);
    const below = (n: number) => Math.floor(random() * n);
    const some = () => meta({ tag: ["a", "b", "c", "x".repeat(400)].filter(() => random() < 0.5), [`n${below(3)}`]: [String(below(3))] });
    const target = () => ({ collection, key: `k${below(8)}`, lang: ["", "en"][below(2)]! });
    const ttl = () => (random() < 0.3 ? { seconds: BigInt(1 + below(20)) } : undefined);
    const steps: (() => Promise<unknown>)[] = [
      () => client.add({ ...target(), meta: some(), contentMd: "x".repeat(below(300)), ttl: ttl() }),
      () => client.add({ ...target(), createOnly: true, ttl: ttl() }),
      () => client.update({ ...target(), meta: some(), ttl: ttl() }),
      () => client.update({ ...target(), updateMask: { paths: ["meta", "ttl"] } }),
      () => client.delete(target()),
      () => client.restoreRevision({ ...target(), revision: 1 + below(5) }),
      () => client.addBatch({ collection, documents: [target(), target(), target()].map(({ key, lang }) => ({ key, lang, meta: some(), ttl: ttl() })) }),
      () => client.updateCollection({ collection, config: { revisionsMax: 1 + below(4), ...(random() < 0.3 ? { defaultTtl: { seconds: 30n } } : {}) } }),
      () => sweep(below(4)),
      async () => void (clock.nowMs += below(5_000)),
    ];
    let succeeded = 0;
    for (let i = 0; i < 600; i++) {
      await steps[below(steps.length)]!().then(
        () => succeeded++,
        () => undefined,
      );
      if (i % 10 === 0) expect(faultsOf(store, tenant, collection), `after step ${i}`).toEqual([]);
    }
    expect(faultsOf(store, tenant, collection)).toEqual([]);
    expect(succeeded).toBeGreaterThan(300);
    await client.deleteCollection({ collection, force: true });
    expect(rowsOf(store, tenant, collection)).toEqual([]);
  });
});
