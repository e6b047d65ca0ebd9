/** Collections: who sees which, what their counts say, and how they go. */
import { describe, expect, it } from "vitest";
import { ADMIN, READ, WRITE } from "../policy/rights.js";
import { kinds, rangeOf } from "../store/keys.js";
import { meta, reasonOf, startDocuments, tenant, type DocumentClient } from "../testing/document-fixture.js";
import { rowsOf } from "../testing/document-rows.js";
import { openDocument } from "./document-row.js";

async function names(client: DocumentClient, pageSize = 0): Promise<string[]> {
  const found: string[] = [];
  let pageToken = "";
  do {
    const page = await client.listCollections({ pageSize, pageToken });
    found.push(...page.collections.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return found;
}

describe("the list of collections", () => {
  it("holds those that the caller may read, in the order of their names, page by page", async () => {
    const { client, as } = startDocuments();
    const there = ["b", "a", "a\0", "ab", "é", "\u{10000}", "\ue000", "x/y"];
    for (const collection of there) await client.updateCollection({ collection, config: {} });
    const sorted = [...there].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const size of [0, 1, 3, there.length]) expect(await names(client, size)).toEqual(sorted);
    const some = as({ b: READ, "\u{10000}": WRITE | READ, "\ue000": ADMIN, absent: READ, ab: WRITE });
    for (const size of [0, 1, 2]) expect(await names(some, size)).toEqual(["b", "\ue000", "\u{10000}"]);
    expect(await names(as({}))).toEqual([]);
    expect(await names(as({ "*": READ }, "usr_9", "elsewhere"))).toEqual([]);
  });

  it("ends without a token that would tell of more, where more is not for the caller", async () => {
    const { client, as } = startDocuments();
    for (const collection of ["a", "b", "c"]) await client.updateCollection({ collection, config: {} });
    const { nextPageToken } = await as({ a: READ }).listCollections({ pageSize: 1 });
    expect(nextPageToken).toBe("");
    const { nextPageToken: pageToken } = await client.listCollections({ pageSize: 1 });
    expect(await reasonOf(as({ "*": READ }, "usr_2").listCollections({ pageSize: 1, pageToken }))).toBe("PAGE_TOKEN_INVALID");
  });
});

describe("a collection", () => {
  it("is made by its first document or by its configuration, and is not there before", async () => {
    const { client, clock } = startDocuments();
    expect(await reasonOf(client.getCollection({ collection: "a" }))).toBe("COLLECTION_NOT_FOUND");
    expect(await reasonOf(client.getChecksum({ collection: "a" }))).toBe("COLLECTION_NOT_FOUND");
    expect(await reasonOf(client.deleteCollection({ collection: "a" }))).toBe("COLLECTION_NOT_FOUND");
    expect(await client.getStats({ collection: "a" })).toMatchObject({ totalDocuments: 0, collections: [] });
    await client.add({ collection: "a", key: "k" });
    const { collection: added } = await client.getCollection({ collection: "a" });
    expect(added).toMatchObject({ name: "a", documentCount: 1, config: { description: "", revisionsMax: 0 } });
    expect(Number(added!.createdAt!.seconds) * 1000).toBe(clock.nowMs);
    clock.nowMs += 1_000;
    const { collection: configured } = await client.updateCollection({ collection: "a", config: { description: "d", revisionsMax: 7, defaultTtl: { seconds: 60n } } });
    expect(configured).toMatchObject({ createdAt: added!.createdAt, documentCount: 1, config: { description: "d", revisionsMax: 7 } });
    expect((await client.getCollection({ collection: "a" })).collection).toEqual(configured);
    expect(await reasonOf(client.updateCollection({ collection: "*", config: {} }))).toBe("FIELD_INVALID");
  });

  it("counts what was done to it", async () => {
    const { client, store } = startDocuments();
    for (const key of ["a", "b", "c"]) await client.add({ collection: "one", key, contentMd: key });
    await client.add({ collection: "one", key: "a", contentMd: "changed" });
    await client.update({ collection: "one", key: "b", contentMd: "changed" });
    await client.delete({ collection: "one", key: "c" });
    await client.add({ collection: "two", key: "a" });
    const bytes = [...store.range(rangeOf([tenant, kinds.document, "one"]))].reduce((sum, { value }) => sum + openDocument(value).row.length, 0);
    expect(await client.getStats({})).toMatchObject({
      totalDocuments: 3,
      totalRevisions: 2,
      collections: [
        { name: "one", documentCount: 2, revisionCount: 2, documentBytes: BigInt(bytes) },
        { name: "two", documentCount: 1, revisionCount: 0 },
      ],
    });
    expect((await client.getStats({ collection: "two" })).collections.map(({ name }) => name)).toEqual(["two"]);
  });

  it("has a checksum of its contents alone", async () => {
    const { client, clock } = startDocuments();
    const documents = [
      { key: "a", lang: "en", contentMd: "x", meta: meta({ b: ["1", "2"], a: ["3"] }) },
      { key: "b", contentMd: "y" },
      { key: "a", lang: "de" },
    ];
    const checksum = async (collection: string) => (await client.getChecksum({ collection })).checksum;
    await client.addBatch({ collection: "one", documents });
    clock.nowMs += 60_000;
    await client.updateCollection({ collection: "two", config: { description: "another" } });
    expect(await checksum("two")).toBe("0".repeat(64));
    await client.add({ collection: "two", key: "extra", ttl: { seconds: 9n } });
    await client.add({ collection: "two", key: "b", contentMd: "not yet y" });
    await client.addBatch({ collection: "two", documents: [...documents].reverse().map((document) => ({ ...document, ttl: { seconds: 600n } })) });
    expect(await checksum("two")).not.toBe(await checksum("one"));
    await client.delete({ collection: "two", key: "extra" });
    expect(await client.getChecksum({ collection: "two" })).toMatchObject({ collection: "two", checksum: await checksum("one"), documentCount: 3 });
    for (const change of [{ key: "a", lang: "en", contentMd: "y" }, { key: "a", lang: "fr" }, { key: "b", contentMd: "y", meta: meta({ a: [] }) }]) {
      const before = await checksum("two");
      await client.add({ collection: "two", ...change });
      expect(await checksum("two")).not.toBe(before);
    }
  });
});

describe("the deletion of a collection", () => {
  it("needs it to be empty, unless it is forced", async () => {
    const { client, records, store } = startDocuments();
    await client.addBatch({ collection: "c", documents: [{ key: "a" }, { key: "b", meta: meta({ tag: ["x"] }) }] });
    await client.add({ collection: "c0", key: "a" });
    expect(await reasonOf(client.deleteCollection({ collection: "c" }))).toBe("COLLECTION_NOT_EMPTY");
    expect((await client.search({ collection: "c" })).totalSize).toBe(2);
    expect(await client.deleteCollection({ collection: "c", force: true })).toMatchObject({ status: "deleted", deletedDocuments: 2 });
    expect(rowsOf(store, tenant, "c")).toEqual([]);
    expect(await reasonOf(client.getCollection({ collection: "c" }))).toBe("COLLECTION_NOT_FOUND");
    expect((await client.search({ collection: "c0" })).totalSize).toBe(1);
    expect((await records()).at(-2)).toMatchObject({ action: "collection.delete", phase: 0, details: [{ name: "documents", value: "2" }] });
  });

  it("does not count what has expired", async () => {
    const { client, clock, store } = startDocuments();
    await client.add({ collection: "c", key: "a", ttl: { seconds: 1n } });
    clock.nowMs += 1_000;
    expect(await client.deleteCollection({ collection: "c" })).toMatchObject({ deletedDocuments: 0 });
    expect(rowsOf(store, tenant, "c")).toEqual([]);
  });

  it("of a large one goes in parts, each with its record and the last with the call's", async () => {
    const { client, records, store } = startDocuments();
    for (let part = 0; part < 3; part++) await client.addBatch({ collection: "c", documents: Array.from({ length: 400 }, (_, index) => ({ key: `${part} ${index}` })) });
    expect(await client.deleteCollection({ collection: "c", force: true })).toMatchObject({ deletedDocuments: 1_200 });
    expect(rowsOf(store, tenant, "c")).toEqual([]);
    const told = (await records()).filter(({ action }) => action === "collection.delete").map(({ phase, details }) => [phase, details.at(-1)!.value]);
    expect(told).toEqual([[2, "500"], [2, "500"], [2, "200"], [0, "1200"]]);
  });
});
