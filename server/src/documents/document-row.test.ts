/** Rows of documents, and the keys of all rows: what is written is what is read, by this code and by any protobuf library. */
import { create, equals, fromBinary } from "@bufbuild/protobuf";
import { DocumentSchema } from "@parapet/contract/parapet/document/v1/document_pb";
import { describe, expect, it } from "vitest";
import { kinds, pack } from "../store/keys.js";
import { meta } from "../testing/document-fixture.js";
import { seeded } from "../testing/random.js";
import { addDigest, digestOfBody, emptyChecksum, subtractDigest } from "./checksum.js";
import { CollectionKeys, createCollectionKeys, idBehind, langHead, metaHead, timeBehind } from "./collection-keys.js";
import { contentOf, documentOf, encodeBody, encodeDocument, encodeRow, headOf, isExpired, isMetaEqual, metaOf, nameOf, openDocument, type Content } from "./document-row.js";
import { etagOf, etagText } from "./etag.js";
import { createUuids, formatUuid } from "./uuid.js";

const id = Uint8Array.from({ length: 16 }, (_, index) => (index * 37) & 0xff);
const contents: Content[] = [
  { key: "k", lang: "", meta: [], contentMd: "" },
  { key: "k", lang: "en", meta: [{ name: "tag", values: ["a", "", "b"] }, { name: "x", values: [] }], contentMd: "# Hello" },
  { key: "\0é\u{10ffff}", lang: "x", meta: [{ name: "n".repeat(127), values: ["v".repeat(126), "v".repeat(127), "v".repeat(200), "é".repeat(20_000)] }], contentMd: "é".repeat(70_000) },
];
const rowOf = (content: Content, expiresAtMs = 0) => {
  const body = encodeBody(content);
  return encodeRow({ revision: 3, addedAtMs: 1_772_366_400_001, updatedAtMs: 1_772_366_400_999, expiresAtMs, etag: etagOf(id, 3), digest: digestOfBody(body) }, body);
};

describe("a row", () => {
  it.each(contents)("gives back what it was made of", (content) => {
    const row = rowOf(content, 1_900_000_000_123);
    expect(contentOf(row)).toEqual(content);
    expect(metaOf(row)).toEqual(content.meta);
    expect(nameOf(row)).toMatchObject({ key: content.key, lang: content.lang });
    expect(headOf(row)).toMatchObject({ revision: 3, addedAtMs: 1_772_366_400_001, updatedAtMs: 1_772_366_400_999, expiresAtMs: 1_900_000_000_123 });
  });

  it.each(contents)("holds its content as a Document message that any library reads", ({ key, lang, meta: entries, contentMd }) => {
    const asMessage = create(DocumentSchema, { key, lang, meta: meta(Object.fromEntries(entries.map(({ name, values }) => [name, values]))), contentMd });
    const body = encodeBody({ key, lang, meta: entries, contentMd });
    expect(equals(DocumentSchema, fromBinary(DocumentSchema, body), asMessage)).toBe(true);
    const { id: text, ...shown } = documentOf(rowOf({ key, lang, meta: entries, contentMd }), id, "c");
    expect(text).toBe(formatUuid(id));
    const rest = { collection: "c", addedAt: shown.addedAt!, updatedAt: shown.updatedAt!, revision: 3, etag: etagText(etagOf(id, 3)), id: text };
    expect(equals(DocumentSchema, { id: text, ...shown }, create(DocumentSchema, { ...asMessage, $typeName: undefined, ...rest } as never))).toBe(true);
  });

  it("tells whether another has the same meta data, whatever else differs", () => {
    const a = rowOf({ key: "k", lang: "", meta: [{ name: "t", values: ["a"] }], contentMd: "x" });
    for (const meta of [[], [{ name: "t", values: [] }], [{ name: "t", values: ["b"] }], [{ name: "t", values: ["a", "a"] }], [{ name: "t", values: ["a"] }, { name: "u", values: [] }]]) {
      expect(isMetaEqual(a, rowOf({ key: "k", lang: "", meta, contentMd: "x" }))).toBe(false);
    }
    expect(isMetaEqual(a, rowOf({ key: "another", lang: "en", meta: [{ name: "t", values: ["a"] }], contentMd: "" }))).toBe(true);
    for (const content of contents) expect(isMetaEqual(rowOf(content), rowOf({ ...content, contentMd: `${content.contentMd}y` }))).toBe(true);
  });

  it("ends at its time and not before", () => {
    expect(isExpired(rowOf(contents[0]!, 1_000), 999)).toBe(false);
    expect(isExpired(rowOf(contents[0]!, 1_000), 1_000)).toBe(true);
    expect(isExpired(rowOf(contents[0]!), Number.MAX_SAFE_INTEGER)).toBe(false);
  });

  it("lies with its id in one value", () => {
    const row = rowOf(contents[1]!);
    const stored = encodeDocument(id, row);
    expect(openDocument(stored)).toEqual({ id: Buffer.from(id), row: Buffer.from(row) });
    expect(() => openDocument(stored.subarray(0, 15))).toThrow("stored data corrupt");
    expect(() => documentOf(openDocument(stored.subarray(0, 40)).row, id, "c")).toThrow("stored data corrupt");
  });

  it("that was cut or is of another layout is not taken for one", () => {
    const row = rowOf(contents[1]!);
    expect(() => contentOf(row.subarray(0, row.length - 1))).toThrow("stored data corrupt");
    expect(() => headOf(row.subarray(0, 40))).toThrow("stored data corrupt");
    const foreign = Uint8Array.from(row);
    foreign[0] = 2;
    expect(() => documentOf(foreign, id, "c")).toThrow("stored data corrupt");
  });
});

describe("keys", () => {
  const ids = [id, new Uint8Array(16), new Uint8Array(16).fill(0xff)];
  const names = ["c", "c\0", "\0", "c\0\u0001", "\u{10ffff}", "|/"];

  it("are those that pack gives", () => {
    for (const name of names) {
      const keys = new CollectionKeys("t", name);
      const of = (kind: number, ...parts: Parameters<typeof pack>[0]) => Buffer.from(pack(["t", kind, name, ...parts]));
      expect(Buffer.from(keys.row)).toEqual(of(kinds.collection));
      for (const text of names) {
        const place = keys.documentAt(text, name);
        expect(Buffer.from(place)).toEqual(of(kinds.document, text, name));
        expect(Buffer.from(keys.nameBehind(place))).toEqual(Buffer.from(pack([text, name])));
        expect(keys.documentNamed(keys.nameBehind(place))).toEqual(Buffer.from(place));
      }
      for (const some of ids) {
        expect(Buffer.from(keys.additionAt(some))).toEqual(of(kinds.documentByAddition, some));
        expect(Buffer.from(keys.updateAt(1_772_366_400_001, some))).toEqual(of(kinds.documentByUpdate, 1_772_366_400_001, some));
        expect(Buffer.from(keys.expiryAt(5, some))).toEqual(of(kinds.documentByExpiry, 5, some));
        expect(Buffer.from(keys.revisionAt(some, 0xffff_ffff))).toEqual(of(kinds.revision, some, 0xffff_ffff));
        expect(Buffer.from(keys.metaAt(metaHead("n", "v"), some))).toEqual(of(kinds.documentByMeta, "n", "v", some));
        expect(Buffer.from(keys.metaAt(langHead("en"), some))).toEqual(of(kinds.documentByMeta, "", "en", some));
        expect(Buffer.compare(idBehind(keys.additionAt(some), keys.byAddition.gte.length), some)).toBe(0);
        expect(timeBehind(keys.expiryAt(77, some), keys.byExpiry.gte.length)).toBe(77);
      }
    }
  });

  it("of the longest names fit into a store", () => {
    const keys = new CollectionKeys("default", "\0".repeat(128));
    expect(keys.documentAt("\0".repeat(512), "\0".repeat(35)).length).toBeLessThan(1_978);
    expect(keys.metaAt(metaHead("\0".repeat(128), "\0".repeat(100_000)), new Uint8Array(16)).length).toBeLessThan(1_978);
  });

  it("stay the same when their spans are computed", () => {
    const keys = new CollectionKeys("t", "c");
    const before = Buffer.from(keys.additionAt(id)).toString("hex");
    for (const span of [keys.documents, keys.byAddition, keys.metaSpan(metaHead("a", "b")), keys.revisions(id)]) expect(Buffer.compare(span.gte, span.lt)).toBe(-1);
    expect(Buffer.from(keys.additionAt(id)).toString("hex")).toBe(before);
  });

  it("of many collections do not pile up, and are right when they are made again", () => {
    const keysOf = createCollectionKeys();
    const first = keysOf("t", "0");
    expect(keysOf("t", "0")).toBe(first);
    for (let i = 0; i < 3_000; i++) keysOf(`t${i % 3}`, String(i));
    expect(keysOf("t", "0")).not.toBe(first);
    expect(keysOf("t", "0")).toEqual(first);
  });
});

describe("ids", () => {
  it("grow with the clock, within one moment, and when it steps back", () => {
    const random = seeded(3);
    let now = 1_772_366_400_000;
    const next = createUuids({ nowMs: () => now, fillRandom: (bytes) => bytes.set(bytes.map(() => random() * 256)) });
    let last = next();
    expect(formatUuid(last).replaceAll("-", "").slice(0, 13)).toBe(`${now.toString(16).padStart(12, "0")}7`);
    const wrong: string[] = [];
    for (let i = 0; i < 20_000; i++) {
      if (i === 12_000) now -= 60_000;
      if (i === 15_000) now += 90_000;
      const id = next();
      if (Buffer.compare(id, last) !== 1 || id[6]! >>> 4 !== 7 || id[8]! >>> 6 !== 2) wrong.push(formatUuid(id));
      last = id;
    }
    expect(wrong).toEqual([]);
  });
});

describe("the checksum of a set", () => {
  it("is the sum of the digests, whatever the order and what came and went", () => {
    const digests = Array.from({ length: 50 }, (_, index) => digestOfBody(Buffer.from(String(index))));
    const sum = digests.reduce((total, digest) => total + BigInt(`0x${Buffer.from(digest).toString("hex")}`), 0n) % 2n ** 256n;
    const checksum = emptyChecksum();
    const extra = digestOfBody(Buffer.from("extra"));
    addDigest(checksum, extra);
    for (const digest of [...digests].reverse()) addDigest(checksum, digest);
    subtractDigest(checksum, extra);
    expect(BigInt(`0x${Buffer.from(checksum).toString("hex")}`)).toBe(sum);
    for (const digest of digests) subtractDigest(checksum, digest);
    expect(checksum).toEqual(emptyChecksum());
  });
});
