/** What callers see of documents: add, get, update, delete, batches, conditions, expiry. */
import { setTimeout as later } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { READ } from "../policy/rights.js";
import { drain, meta, reasonOf, startDocuments, tenant, type DocumentClient } from "../testing/document-fixture.js";
import { rowsOf } from "../testing/document-rows.js";

const blog = { collection: "blog", key: "hello", lang: "en" };

describe("a document", () => {
  it("comes back as it was added", async () => {
    const { client, clock } = startDocuments();
    const { document: added } = await client.add({ ...blog, meta: meta({ tag: ["a", "b"], author: ["Ada"] }), contentMd: "# Hello" });
    const { document } = await client.get(blog);
    expect(document).toEqual(added);
    expect(document).toMatchObject({ ...blog, contentMd: "# Hello", revision: 1 });
    expect(document!.expiresAt).toBeUndefined();
    expect(document!.meta).toMatchObject(meta({ author: ["Ada"], tag: ["a", "b"] }));
    expect(Number(document!.addedAt!.seconds) * 1000).toBe(clock.nowMs);
    expect(document!.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("keeps its id and its beginning when it is added again, and counts its revisions", async () => {
    const { client, clock } = startDocuments();
    const { document: first } = await client.add({ ...blog, contentMd: "one" });
    clock.nowMs += 5_000;
    const { document: second } = await client.add({ ...blog, contentMd: "two" });
    expect(second).toMatchObject({ id: first!.id, addedAt: first!.addedAt, revision: 2, contentMd: "two" });
    expect(second!.updatedAt!.seconds - first!.updatedAt!.seconds).toBe(5n);
    expect(second!.etag).not.toBe(first!.etag);
  });

  it("is another one in another language, collection or tenant", async () => {
    const { client, as } = startDocuments();
    const other = as({ "*": 7 }, "usr_2", "other");
    await client.add({ ...blog, contentMd: "here" });
    for (const [who, where] of [
      [client, { ...blog, lang: "" }],
      [client, { ...blog, lang: "de" }],
      [client, { ...blog, collection: "blog\0" }],
      [client, { ...blog, collection: "blo", key: "ghello" }],
      [other, blog],
    ] as const) {
      expect(await reasonOf(who.get(where))).toBe("DOCUMENT_NOT_FOUND");
    }
    await other.add({ ...blog, contentMd: "there" });
    expect((await client.get(blog)).document!.contentMd).toBe("here");
  });

  it("may be named by anything that is text", async () => {
    const { client } = startDocuments();
    const names = ["a|b", "a\0b", "a\0", "../../etc/passwd", "*", "__proto__", "\u{10ffff}\u{e000}", "é".repeat(256), " ", "\0".repeat(512)];
    for (const key of names) await client.add({ collection: "c|d", key, contentMd: key });
    for (const key of names) expect((await client.get({ collection: "c|d", key })).document).toMatchObject({ key, contentMd: key });
    expect((await client.search({ collection: "c|d", limit: 100 })).totalSize).toBe(names.length);
  });

  it("takes meta data under names that mean something to JavaScript", async () => {
    const { client } = startDocuments();
    const given = meta(Object.fromEntries(["constructor", "toString", "a"].map((name) => [name, [name]])));
    Object.defineProperty(given, "__proto__", { value: meta({ x: ["deep"] })["x"], enumerable: true, configurable: true, writable: true });
    await client.add({ ...blog, meta: given });
    const { document } = await client.get(blog);
    expect(Object.keys(document!.meta).sort()).toEqual(["__proto__", "a", "constructor", "toString"]);
    expect(Object.getOwnPropertyDescriptor(document!.meta, "__proto__")!.value.values[0].kind.value).toBe("deep");
  });

  it("is refused where it could not be stored as it was sent", async () => {
    const { as, client, records } = startDocuments();
    const refused: Parameters<DocumentClient["add"]>[0][] = [
      { ...blog, collection: "*" },
      { ...blog, meta: { tag: { values: [{ kind: { case: "numberValue", value: 1 } }] } } },
      { ...blog, meta: { tag: { values: [{ kind: { case: "nullValue", value: 0 } }] } } },
      { ...blog, meta: meta({ tag: Array.from({ length: 5_000 }, String) }) },
    ];
    for (const request of refused) expect(await reasonOf(client.add(request))).toBe("FIELD_INVALID");
    for (const { collection, ...document } of refused.slice(1)) {
      expect(await reasonOf(client.addBatch({ collection: collection!, documents: [{ key: "fine" }, document as object] }))).toBe("FIELD_INVALID");
    }
    expect((await client.listCollections({})).collections).toEqual([]);
    expect((await records()).filter(({ outcomeCode }) => outcomeCode === 0)).toEqual([]);
    expect(await reasonOf(as({ blog: READ }).add(blog))).toBe("PERMISSION_MISSING");
  });

  it("that is not there is not found, in a collection or without one", async () => {
    const { client } = startDocuments();
    for (const round of ["no collection", "an empty one"]) {
      expect(await reasonOf(client.get(blog)), round).toBe("DOCUMENT_NOT_FOUND");
      expect(await reasonOf(client.update({ ...blog, contentMd: "x" })), round).toBe("DOCUMENT_NOT_FOUND");
      expect(await reasonOf(client.delete(blog)), round).toBe("DOCUMENT_NOT_FOUND");
      expect(await reasonOf(client.deleteBatch({ collection: "blog", documents: [blog] })), round).toBe("DOCUMENT_NOT_FOUND");
      expect(await reasonOf(client.listRevisions(blog)), round).toBe("DOCUMENT_NOT_FOUND");
      expect(await reasonOf(client.restoreRevision({ ...blog, revision: 1 })), round).toBe("DOCUMENT_NOT_FOUND");
      await client.updateCollection({ collection: "blog", config: {} });
    }
  });
});

describe("a conditional write", () => {
  it("needs the etag of the state that is there", async () => {
    const { client } = startDocuments();
    const { document: first } = await client.add({ ...blog, contentMd: "one" });
    const { document: second } = await client.add({ ...blog, contentMd: "two", etag: first!.etag });
    const stale = { ...blog, etag: first!.etag };
    expect(await reasonOf(client.add(stale))).toBe("ETAG_MISMATCH");
    expect(await reasonOf(client.update({ ...stale, contentMd: "x" }))).toBe("ETAG_MISMATCH");
    expect(await reasonOf(client.delete(stale))).toBe("ETAG_MISMATCH");
    expect(await reasonOf(client.restoreRevision({ ...stale, revision: 1 }))).toBe("ETAG_MISMATCH");
    expect(await reasonOf(client.add({ ...blog, key: "absent", etag: first!.etag }))).toBe("ETAG_MISMATCH");
    expect((await client.get(blog)).document).toEqual(second);
    await client.update({ ...blog, etag: second!.etag, contentMd: "three" });
    expect((await client.get(blog)).document!.contentMd).toBe("three");
  });

  it("may ask that there be none", async () => {
    const { client } = startDocuments();
    await client.add({ ...blog, createOnly: true });
    expect(await reasonOf(client.add({ ...blog, createOnly: true }))).toBe("ETAG_MISMATCH");
    await client.delete(blog);
    expect((await client.add({ ...blog, createOnly: true })).document!.revision).toBe(1);
  });

  it("gives a document that was deleted and added again an etag of its own", async () => {
    const { client } = startDocuments();
    const { document: first } = await client.add(blog);
    await client.delete(blog);
    const { document: second } = await client.add(blog);
    expect(second!.id).not.toBe(first!.id);
    expect(second!.etag).not.toBe(first!.etag);
  });
});

describe("an update", () => {
  it("changes the fields that are present and leaves the others", async () => {
    const { client } = startDocuments();
    await client.add({ ...blog, contentMd: "text", meta: meta({ tag: ["a"], kind: ["post"] }) });
    await client.update({ ...blog, contentMd: "new text" });
    expect((await client.get(blog)).document).toMatchObject({ contentMd: "new text", meta: meta({ tag: ["a"], kind: ["post"] }), revision: 2 });
    await client.update({ ...blog, meta: meta({ tag: ["b"] }) });
    const { document } = await client.get(blog);
    expect(document!.contentMd).toBe("new text");
    expect(Object.keys(document!.meta)).toEqual(["tag"]);
  });

  it("clears what its mask names and the request lacks, and touches nothing else", async () => {
    const { client } = startDocuments();
    await client.add({ ...blog, contentMd: "text", meta: meta({ tag: ["a"] }), ttl: { seconds: 60n } });
    await client.update({ ...blog, contentMd: "ignored", updateMask: { paths: ["meta", "ttl"] } });
    const { document } = await client.get(blog);
    expect(document).toMatchObject({ contentMd: "text", meta: {} });
    expect(document!.expiresAt).toBeUndefined();
    await client.update({ ...blog, updateMask: { paths: ["content_md"] } });
    expect((await client.get(blog)).document!.contentMd).toBe("");
  });

  it("refuses a mask that names anything else", async () => {
    const { client } = startDocuments();
    await client.add(blog);
    for (const path of ["id", "etag", "added_at", "contentMd", "*", "constructor", "meta.tag"]) {
      expect(await reasonOf(client.update({ ...blog, contentMd: "x", updateMask: { paths: [path] } }))).toBe("FIELD_INVALID");
    }
  });

  it("that changes nothing makes no revision", async () => {
    const { client } = startDocuments();
    const { document } = await client.add({ ...blog, contentMd: "x" });
    expect((await client.update(blog)).document).toEqual(document);
  });
});

describe("a deletion", () => {
  it("takes every row of the document with it", async () => {
    const { client, store } = startDocuments();
    await client.updateCollection({ collection: "blog", config: {} });
    const before = rowsOf(store, tenant, "blog");
    await client.add({ ...blog, meta: meta({ tag: ["a", "a", "b"], long: ["x".repeat(600)] }), ttl: { seconds: 60n } });
    await client.add({ ...blog, meta: meta({ tag: ["b", "c"] }), ttl: { seconds: 90n } });
    await client.update({ ...blog, contentMd: "x" });
    await client.delete(blog);
    expect(rowsOf(store, tenant, "blog")).toEqual(before);
  });
});

describe("a batch", () => {
  it("adds all or none", async () => {
    const { client } = startDocuments();
    await client.add({ collection: "blog", key: "there" });
    const documents = [{ key: "one" }, { key: "there", createOnly: true }, { key: "two" }];
    expect(await reasonOf(client.addBatch({ collection: "blog", documents }))).toBe("ETAG_MISMATCH");
    expect((await client.search({ collection: "blog" })).totalSize).toBe(1);
    const { added } = await client.addBatch({ collection: "blog", documents: documents.map(({ key }) => ({ key })) });
    expect(added).toBe(3);
    expect((await client.search({ collection: "blog" })).totalSize).toBe(3);
  });

  it("gives a document that it holds twice two revisions, the later on top", async () => {
    const { client } = startDocuments();
    const { documents } = await client.addBatch({ collection: "blog", documents: [{ key: "a", contentMd: "1" }, { key: "a", contentMd: "2" }] });
    expect(documents.map(({ revision }) => revision)).toEqual([1, 2]);
    expect((await client.get({ collection: "blog", key: "a" })).document!.contentMd).toBe("2");
  });

  it("names the document that breaks a rule", async () => {
    const { client } = startDocuments();
    const tooMany = meta({ tag: Array.from({ length: 5_000 }, String) });
    await expect(client.addBatch({ collection: "blog", documents: [{ key: "a" }, { key: "b", meta: tooMany }] })).rejects.toThrow("documents[1].meta");
  });

  it("deletes all or none, and none twice", async () => {
    const { client } = startDocuments();
    await client.addBatch({ collection: "blog", documents: [{ key: "a" }, { key: "b" }] });
    const remove = (...keys: string[]) => client.deleteBatch({ collection: "blog", documents: keys.map((key) => ({ key })) });
    expect(await reasonOf(remove("a", "c"))).toBe("DOCUMENT_NOT_FOUND");
    expect(await reasonOf(remove("a", "a"))).toBe("FIELD_INVALID");
    expect((await client.search({ collection: "blog" })).totalSize).toBe(2);
    expect((await remove("a", "b")).deleted).toBe(2);
    expect((await client.search({ collection: "blog" })).totalSize).toBe(0);
  });
});

describe("concurrent writes", () => {
  it("of one document all succeed, each with a revision of its own", async () => {
    const { client, clock, records } = startDocuments();
    const tick = setInterval(() => clock.nowMs++, 0);
    const answers = await Promise.all(
      Array.from({ length: 64 }, async (_, index) => {
        await later(index % 3);
        return client.add({ ...blog, contentMd: String(index) });
      }),
    );
    clearInterval(tick);
    expect(answers.map(({ document }) => document!.revision).sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
    expect(new Set(answers.map(({ document }) => document!.etag)).size).toBe(64);
    expect(new Set(answers.map(({ document }) => document!.id)).size).toBe(1);
    const { revisions } = await client.listRevisions({ ...blog, pageSize: 100 });
    expect(revisions.map(({ revision }) => revision)).toEqual(Array.from({ length: 63 }, (_, i) => 63 - i));
    const texts = new Set([...revisions.map(({ contentMd }) => contentMd), (await client.get(blog)).document!.contentMd]);
    expect(texts.size).toBe(64);
    expect((await records()).filter(({ action }) => action === "document.add")).toHaveLength(64);
  });

  it("with one etag succeed once", async () => {
    const { client } = startDocuments();
    const { document } = await client.add(blog);
    const outcomes = await Promise.allSettled(Array.from({ length: 16 }, () => client.add({ ...blog, etag: document!.etag })));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });
});

describe("an expired document", () => {
  const short = { ...blog, ttl: { seconds: 10n }, contentMd: "soon gone", meta: meta({ tag: ["x"] }) };

  it("is not served by any read, before it is swept", async () => {
    const { client, clock } = startDocuments();
    await client.add(short);
    await client.add({ ...short, contentMd: "soon gone too" });
    await client.add({ ...blog, key: "stays", meta: meta({ tag: ["x"] }) });
    const lasting = (await client.getChecksum({ collection: "blog" })).checksum;
    clock.nowMs += 9_999;
    expect((await client.get(blog)).document!.revision).toBe(2);
    clock.nowMs += 1;
    expect(await reasonOf(client.get(blog))).toBe("DOCUMENT_NOT_FOUND");
    expect(await reasonOf(client.update({ ...blog, contentMd: "x" }))).toBe("DOCUMENT_NOT_FOUND");
    expect(await reasonOf(client.delete(blog))).toBe("DOCUMENT_NOT_FOUND");
    expect(await reasonOf(client.listRevisions(blog))).toBe("DOCUMENT_NOT_FOUND");
    expect(await reasonOf(client.restoreRevision({ ...blog, revision: 1 }))).toBe("DOCUMENT_NOT_FOUND");
    for (const filterMeta of [{}, meta({ tag: ["x"] })]) {
      for (const sort of ["addedAt", "updatedAt", "key"]) {
        const { documents, totalSize } = await client.search({ collection: "blog", filterMeta, sort });
        expect(documents.map(({ key }) => key)).toEqual(["stays"]);
        expect(totalSize).toBe(1);
      }
    }
    expect((await drain(client.export({ collection: "blog" }))).map(({ document }) => document!.key)).toEqual(["stays"]);
    expect((await client.getCollection({ collection: "blog" })).collection!.documentCount).toBe(1);
    expect((await client.getStats({ collection: "blog" })).totalDocuments).toBe(1);
    const { checksum, documentCount } = await client.getChecksum({ collection: "blog" });
    expect(documentCount).toBe(1);
    expect(checksum).not.toBe(lasting);
    await client.delete({ ...blog, key: "stays" });
    await client.add({ ...blog, key: "stays", meta: meta({ tag: ["x"] }) });
    expect((await client.getChecksum({ collection: "blog" })).checksum).toBe(checksum);
  });

  it("makes room for a new one of its name", async () => {
    const { client, clock } = startDocuments();
    const { document: old } = await client.add(short);
    clock.nowMs += 10_000;
    const { document: fresh } = await client.add({ ...blog, createOnly: true });
    expect(fresh!.id).not.toBe(old!.id);
    expect(fresh!.revision).toBe(1);
    expect(fresh!.expiresAt).toBeUndefined();
    expect((await client.search({ collection: "blog" })).totalSize).toBe(1);
    expect((await client.listRevisions(blog)).revisions).toEqual([]);
  });

  it("goes with the sweep, which leaves its record and nothing else", async () => {
    const { client, clock, sweep, records, store } = startDocuments();
    await client.updateCollection({ collection: "blog", config: {} });
    await client.updateCollection({ collection: "a/b", config: {} });
    const before = [rowsOf(store, tenant, "blog"), rowsOf(store, tenant, "a/b")];
    await client.add(short);
    await client.add({ ...short, contentMd: "two" });
    for (let i = 0; i < 5; i++) await client.add({ ...short, collection: "a/b", key: String(i) });
    await client.add({ ...short, collection: "later", ttl: { seconds: 11n } });
    expect(await sweep()).toBe(0);
    clock.nowMs += 10_000;
    expect(await sweep(2)).toBe(2);
    expect(await sweep()).toBe(4);
    expect(await sweep()).toBe(0);
    expect([rowsOf(store, tenant, "blog"), rowsOf(store, tenant, "a/b")]).toEqual(before);
    const swept = (await records()).filter(({ action }) => action === "document.expire");
    expect(swept.map(({ collection, resource, actorId, details }) => [collection, resource, actorId, details[0]!.value])).toEqual([
      ["a/b", "collections/a%2Fb/documents", "system", "2"],
      ["a/b", "collections/a%2Fb/documents", "system", "3"],
      ["blog", "collections/blog/documents", "system", "1"],
    ]);
    expect((await client.get({ ...blog, collection: "later" })).document!.key).toBe("hello");
  });

  it("ends when its collection says, unless it says so itself", async () => {
    const { client, clock } = startDocuments();
    await client.updateCollection({ collection: "blog", config: { defaultTtl: { seconds: 5n } } });
    await client.addBatch({ collection: "blog", documents: [{ key: "default" }, { key: "own", ttl: { seconds: 60n } }, { key: "sub", ttl: { nanos: 1 } }] });
    const { document } = await client.get({ collection: "blog", key: "default" });
    expect(Number(document!.expiresAt!.seconds) * 1000).toBe(clock.nowMs + 5_000);
    clock.nowMs += 5_000;
    expect((await client.search({ collection: "blog" })).documents.map(({ key }) => key)).toEqual(["own"]);
    await client.update({ collection: "blog", key: "own", updateMask: { paths: ["ttl"] } });
    clock.nowMs += 5_000;
    expect(await reasonOf(client.get({ collection: "blog", key: "own" }))).toBe("DOCUMENT_NOT_FOUND");
  });
});

describe("the record of a change", () => {
  it("says what was done to what", async () => {
    const { client, records } = startDocuments();
    await client.add(blog);
    await client.add({ ...blog, contentMd: "x" });
    await client.addBatch({ collection: "blog", documents: [{ key: "b" }] });
    await client.updateCollection({ collection: "blog", config: { revisionsMax: 3 } });
    await client.get(blog);
    const told = (await records()).map(({ action, resource, key, details }) => [action, resource, key, ...details.map(({ name, value }) => `${name}=${value}`)]);
    expect(told).toEqual([
      ["document.add", "collections/blog/documents/hello", "hello", "revision=1"],
      ["document.add", "collections/blog/documents/hello", "hello", "revision=2"],
      ["document.add_batch", "collections/blog/documents", "", "documents=1", 'keys=[["b",""]]'],
      ["collection.update", "collections/blog", "", expect.stringMatching(/^request=/), "before={}", 'after={"revisionsMax":3}'],
    ]);
  });

  it("is not there for a change that did not happen, and the other way round", async () => {
    const { client, records } = startDocuments();
    await client.add({ ...blog, createOnly: true });
    await reasonOf(client.add({ ...blog, createOnly: true }));
    const outcomes = (await records()).map(({ reason }) => reason);
    expect(outcomes).toEqual(["", "ETAG_MISMATCH"]);
  });

  it("covers a replay by idempotency key without a second change", async () => {
    const { client } = startDocuments();
    const headers = { "idempotency-key": "k-1" };
    const first = await client.add({ ...blog, contentMd: "once" }, { headers });
    const again = await client.add({ ...blog, contentMd: "once" }, { headers });
    expect(again).toEqual(first);
    expect((await client.get(blog)).document!.revision).toBe(1);
  });
});
