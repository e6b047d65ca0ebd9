/** Searches find what a plain scan in memory would find: filters, orders, pages, totals. */
import type { Document } from "@parapet/contract/parapet/document/v1/document_pb";
import { describe, expect, it } from "vitest";
import { READ } from "../policy/rights.js";
import { meta, reasonOf, startDocuments, type DocumentClient, type DocumentFixture } from "../testing/document-fixture.js";
import { seeded } from "../testing/random.js";

const collection = "c";
type Lists = Record<string, string[]>;

const long = "x".repeat(300);
const tags = ["a", "b", "ab", "", long, `${long}y`, "é", "\0"];
const langs = ["", "en", "de"];

/** Documents in a collection whose every document is known. */
async function fill(fixture: DocumentFixture, count: number): Promise<Document[]> {
  const random = seeded(11);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const some = (): string[] => tags.filter(() => random() < 0.3);
  const documents = Array.from({ length: count }, (_, index) => ({
    key: `${pick(["k", "K", "\u{10000}", "\ue000", "k\0"])}${index}`,
    lang: pick(langs),
    meta: meta({ tag: some(), kind: [pick(["post", "page"])], ...(random() < 0.2 ? { rare: ["yes"] } : {}) }),
  }));
  for (let at = 0; at < count; at += 100) {
    await fixture.client.addBatch({ collection, documents: documents.slice(at, at + 100) });
    fixture.clock.nowMs += 1_000;
  }
  for (const { key, lang } of documents.slice(0, 40)) {
    fixture.clock.nowMs += Math.floor(random() * 3);
    await fixture.client.update({ collection, key, lang, contentMd: "changed" });
  }
  return all(fixture.client, {});
}

async function all(client: DocumentClient, query: object): Promise<Document[]> {
  const found: Document[] = [];
  let pageToken = "";
  do {
    const page = await client.search({ collection, limit: 1_000, ...query, pageToken });
    found.push(...page.documents);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return found;
}

const utf8 = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const time = (document: Document) => Number(document.updatedAt!.seconds) * 1e9 + document.updatedAt!.nanos;
const compares: Record<string, (a: Document, b: Document) => number> = {
  addedAt: (a, b) => utf8(a.id, b.id),
  updatedAt: (a, b) => time(a) - time(b) || utf8(a.id, b.id),
  key: (a, b) => utf8(a.key, b.key) || utf8(a.lang, b.lang),
};
const hasOneOf = (document: Document, name: string, values: string[]) =>
  (document.meta[name]?.values ?? []).some(({ kind }) => kind.case === "stringValue" && values.includes(kind.value));

describe("a search", () => {
  it("finds, orders and counts as a plain scan would, whole or page by page", async () => {
    const fixture = startDocuments();
    const documents = await fill(fixture, 300);
    expect(documents).toHaveLength(300);
    const filters: { filterMeta: Lists; lang?: string }[] = [
      { filterMeta: {} },
      { filterMeta: {}, lang: "" },
      { filterMeta: {}, lang: "de" },
      { filterMeta: { tag: ["a"] } },
      { filterMeta: { tag: ["a", "b", "a"] }, lang: "en" },
      { filterMeta: { tag: [long] } },
      { filterMeta: { tag: [`${long}y`, "ab"], kind: ["post"] } },
      { filterMeta: { tag: ["", "\0", "é"], kind: ["page"], rare: ["yes"] } },
      { filterMeta: { tag: [] } },
      { filterMeta: { kind: ["post", "page"] } },
      { filterMeta: { nothing: ["a"] } },
    ];
    for (const { filterMeta, lang } of filters) {
      const matching = documents.filter(
        (document) => Object.entries(filterMeta).every(([name, values]) => hasOneOf(document, name, values)) && (lang === undefined || document.lang === lang),
      );
      for (const [sort, compare] of Object.entries(compares)) {
        for (const asc of [true, false]) {
          const expected = [...matching].sort(compare).map(({ id }) => id);
          if (!asc) expected.reverse();
          const query = { collection, filterMeta: meta(filterMeta), lang, sort, asc };
          const told = `${JSON.stringify(filterMeta).slice(0, 60)} ${lang} ${sort} ${asc}`;
          const whole = await fixture.client.search({ ...query, limit: 1_000 });
          expect(whole.documents.map(({ id }) => id), told).toEqual(expected);
          expect([whole.totalSize, whole.nextPageToken], told).toEqual([expected.length, ""]);
          const skipped = await fixture.client.search({ ...query, limit: 7, offset: 5 });
          expect(skipped.documents.map(({ id }) => id), told).toEqual(expected.slice(5, 12));
          expect(skipped.totalSize, told).toBe(expected.length);
          const far = await fixture.client.search({ ...query, limit: 3, offset: 20_000 });
          expect([far.documents.length, far.totalSize, far.nextPageToken], told).toEqual([0, expected.length, ""]);
          expect((await all(fixture.client, { ...query, limit: 37 })).map(({ id }) => id), told).toEqual(expected);
        }
      }
    }
  }, 60_000);

  it("gives the newest first and fifty, if nothing is said", async () => {
    const { client } = startDocuments();
    await client.addBatch({ collection, documents: Array.from({ length: 60 }, (_, index) => ({ key: String(index) })) });
    const { documents, totalSize, nextPageToken } = await client.search({ collection });
    expect(documents.map(({ key }) => key)).toEqual(Array.from({ length: 50 }, (_, index) => String(59 - index)));
    expect(totalSize).toBe(60);
    expect(nextPageToken).not.toBe("");
  });

  it("of a collection that is not there is an empty page", async () => {
    expect(await startDocuments().client.search({ collection: "none", filterMeta: meta({ a: ["b"] }) })).toMatchObject({ documents: [], totalSize: 0, nextPageToken: "" });
  });

  it("goes on where it was while documents come and go", async () => {
    const { client } = startDocuments();
    await client.addBatch({ collection, documents: Array.from({ length: 20 }, (_, index) => ({ key: `k${String(index).padStart(2, "0")}`, meta: meta({ tag: ["x"] }) })) });
    for (const filterMeta of [{}, meta({ tag: ["x"] })]) {
      const first = await client.search({ collection, filterMeta, sort: "key", asc: true, limit: 10 });
      await client.add({ collection, key: "a-before", meta: meta({ tag: ["x"] }) });
      await client.delete({ collection, key: first.documents.at(-1)!.key });
      const second = await client.search({ collection, filterMeta, sort: "key", asc: true, limit: 20, pageToken: first.nextPageToken });
      expect(second.documents.map(({ key }) => key)).toEqual(Array.from({ length: 10 }, (_, index) => `k${10 + index}`));
      await client.add({ collection, key: first.documents.at(-1)!.key, meta: meta({ tag: ["x"] }) });
      await client.delete({ collection, key: "a-before" });
    }
  });

  it("takes a page token from the same reader and the same question alone", async () => {
    const { as } = startDocuments();
    const [ada, bob] = [as({ "*": 7 }, "ada"), as({ [collection]: READ, d: READ }, "bob")];
    await ada.addBatch({ collection, documents: [{ key: "a" }, { key: "b" }] });
    await ada.addBatch({ collection: "d", documents: [{ key: "a" }, { key: "b" }] });
    const question = { collection, limit: 1, sort: "key", lang: "", filterMeta: {} };
    const { nextPageToken: pageToken } = await ada.search(question);
    expect((await ada.search({ ...question, limit: 5, pageToken })).documents.map(({ key }) => key)).toEqual(["a"]);
    const others: object[] = [{ collection: "d" }, { sort: "addedAt" }, { asc: true }, { lang: undefined }, { filterMeta: meta({ a: [] }) }];
    for (const other of others) expect(await reasonOf(ada.search({ ...question, pageToken, ...other }))).toBe("PAGE_TOKEN_INVALID");
    expect(await reasonOf(bob.search({ ...question, pageToken }))).toBe("PAGE_TOKEN_INVALID");
    expect(await reasonOf(ada.search({ ...question, pageToken: `${pageToken}x` }))).toBe("PAGE_TOKEN_INVALID");
    expect(await reasonOf(ada.search({ ...question, pageToken, offset: 1 }))).toBe("FIELD_INVALID");
  });

  it("refuses what it cannot mean", async () => {
    const { client } = startDocuments();
    await client.add({ collection, key: "a" });
    for (const wrong of [
      { limit: -1 },
      { limit: 1_001 },
      { offset: -1 },
      { sort: "constructor" },
      { filterMeta: { a: { values: [{ kind: { case: "boolValue" as const, value: true } }] } } },
      { filterMeta: meta({ a: Array.from({ length: 300 }, String) }) },
    ]) {
      expect(await reasonOf(client.search({ collection, ...wrong }))).toBe("FIELD_INVALID");
    }
  });

  it("does not count or give what has expired, anywhere in its order", async () => {
    const { client, clock } = startDocuments();
    await client.addBatch({
      collection,
      documents: Array.from({ length: 30 }, (_, index) => ({ key: String(index).padStart(2, "0"), meta: meta({ tag: ["x"] }), ...(index % 3 === 0 ? { ttl: { seconds: 5n } } : {}) })),
    });
    clock.nowMs += 5_000;
    const expected = Array.from({ length: 30 }, (_, index) => index).filter((index) => index % 3 !== 0);
    for (const filterMeta of [{}, meta({ tag: ["x"] })]) {
      for (const sort of ["key", "addedAt", "updatedAt"]) {
        const found = await all(client, { filterMeta, sort, asc: true, limit: 4 });
        expect(found.map(({ key }) => Number(key))).toEqual(expected);
        const page = await client.search({ collection, filterMeta, sort, asc: true, limit: 4, offset: 16 });
        expect(page.documents.map(({ key }) => Number(key))).toEqual(expected.slice(16));
        expect([page.totalSize, page.nextPageToken]).toEqual([20, ""]);
      }
    }
  });

  it("ends a page early rather than make a huge answer", async () => {
    const { client } = startDocuments();
    for (let i = 0; i < 5; i++) await client.add({ collection, key: String(i), contentMd: "x".repeat(12 * 1024 * 1024) });
    const page = await client.search({ collection, asc: true });
    expect(page.documents.map(({ key }) => key)).toEqual(["0", "1", "2"]);
    expect(page.totalSize).toBe(5);
    expect((await client.search({ collection, asc: true, pageToken: page.nextPageToken })).documents.map(({ key }) => key)).toEqual(["3", "4"]);
  });

  it("that skips very far gives the same page from the index of the order", async () => {
    const { client } = startDocuments();
    const count = 10_020;
    for (let at = 0; at < count; at += 1_000) {
      await client.addBatch({
        collection,
        documents: Array.from({ length: Math.min(1_000, count - at) }, (_, index) => ({ key: String(at + index).padStart(5, "0"), meta: meta({ odd: [String((at + index) % 2)], all: ["yes"] }) })),
      });
    }
    for (const asc of [true, false]) {
      const query = { collection, filterMeta: meta({ all: ["yes"] }), sort: "key", asc, limit: 10 };
      const near = await client.search({ ...query, offset: 9_980 });
      const far = await client.search({ ...query, limit: 15, offset: 9_990, filterMeta: meta({ all: ["yes"] }) });
      expect(far.totalSize).toBe(count);
      const expected = Array.from({ length: 15 }, (_, index) => (asc ? 9_990 + index : count - 1 - 9_990 - index));
      expect(far.documents.map(({ key }) => Number(key))).toEqual(expected);
      const behind = await client.search({ ...query, pageToken: near.nextPageToken });
      expect(behind.documents.map(({ key }) => Number(key))).toEqual(expected.slice(0, 10));
    }
  }, 60_000);
});
