/** Documents that leave as a stream or an archive, and come back: nothing is lost and nothing unsafe is made. */
import { unzipSync } from "fflate";
import { create } from "@bufbuild/protobuf";
import { ImportRequestSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { describe, expect, it } from "vitest";
import { Reason } from "../errors.js";
import { importBatchBytes, importBatchDocuments } from "../limits.js";
import { createMemoryStore } from "../store/memory.js";
import type { Snapshot, Store } from "../store/store.js";
import { drain, meta, reasonOf, startDocuments, type DocumentClient } from "../testing/document-fixture.js";
import { exportArchive } from "./archive.js";
import { createCollectionKeys } from "./collection-keys.js";
import { exportDocuments } from "./export.js";
import { compileFilter } from "./filter.js";

const keys = ["plain", "Plain", "a/b", "../../etc/passwd", "..", ".", "a..b", ".hidden", "end.", "\0", "a\0b", "CON", "nul", "é".repeat(256), "x".repeat(512), `${"x".repeat(511)}y`, "a@en", "~", "%2F", "\u{1f600}", "index.ndjson", " "];
const documents = keys.flatMap((key, index) => [
  { key, lang: "", contentMd: `# ${index}\n`.repeat(index * 40), meta: meta({ tag: [key.slice(0, 3), "all"], n: [String(index)] }) },
  { key, lang: "en", contentMd: `en ${index}` },
]);

async function filled() {
  const fixture = startDocuments();
  await fixture.client.addBatch({ collection: "from", documents });
  return fixture;
}

async function archive(client: DocumentClient, collection: string): Promise<{ types: string[]; files: Record<string, Uint8Array> }> {
  const parts = (await drain(client.exportArchive({ collection }))).map(({ body }) => body!);
  return { types: [...new Set(parts.map(({ contentType }) => contentType))], files: unzipSync(Buffer.concat(parts.map(({ data }) => data))) };
}

async function* stream(collection: string, of: readonly object[]) {
  for (const [index, document] of of.entries()) yield { collection: index === 0 ? collection : "", document };
}

describe("an export", () => {
  it("streams all documents, oldest first, or those that match", async () => {
    const { client } = await filled();
    const all = (await drain(client.export({ collection: "from" }))).map(({ document }) => document!);
    expect(all.map(({ key, lang, contentMd }) => [key, lang, contentMd])).toEqual(documents.map(({ key, lang, contentMd }) => [key, lang, contentMd]));
    const some = (await drain(client.export({ collection: "from", filterMeta: meta({ tag: ["all"], n: ["3", "1"] }) }))).map(({ document }) => document!.key);
    expect(some).toEqual([keys[1], keys[3]]);
    expect(await drain(client.export({ collection: "none" }))).toEqual([]);
  });

  it("goes on behind any of its documents, with what has been done since", async () => {
    const { client } = await filled();
    const all = await drain(client.export({ collection: "from" }));
    const keyOf = ({ document }: (typeof all)[number]): string[] => [document!.key, document!.lang];
    for (const at of [0, 1, 20, all.length - 2, all.length - 1]) {
      const rest = await drain(client.export({ collection: "from", resumeToken: all[at]!.resumeToken }));
      expect(rest.map(keyOf)).toEqual(all.slice(at + 1).map(keyOf));
      expect(rest.map(({ resumeToken }) => resumeToken)).toEqual(all.slice(at + 1).map(({ resumeToken }) => resumeToken));
    }
    const [first, second, third] = all.map(keyOf);
    // The document that the token stands on may itself be gone.
    for (const [key, lang] of [second!, third!]) await client.delete({ collection: "from", key: key!, lang: lang! });
    await client.update({ collection: "from", key: first![0]!, lang: first![1]!, contentMd: "changed" });
    await client.add({ collection: "from", key: "late" });
    const rest = await drain(client.export({ collection: "from", resumeToken: all[1]!.resumeToken }));
    expect(rest.map(keyOf)).toEqual([...all.slice(3).map(keyOf), ["late", ""]]);
  });

  it("shows one state, whatever happens meanwhile", async () => {
    const { client, clock } = startDocuments();
    for (let part = 0; part < 2; part++) await client.addBatch({ collection: "c", documents: Array.from({ length: 600 }, (_, index) => ({ key: `${part} ${index}`, contentMd: "old", ttl: { seconds: 60n } })) });
    const seen: string[] = [];
    for await (const { document } of client.export({ collection: "c" })) {
      seen.push(document!.contentMd);
      if (seen.length === 1) {
        await client.deleteCollection({ collection: "c", force: true });
        await client.add({ collection: "c", key: "new", contentMd: "new" });
        clock.nowMs += 120_000;
      }
    }
    expect(seen).toEqual(Array.from({ length: 1_200 }, () => "old"));
  });

  it("that nobody reads to its end lets go of the state it held", async () => {
    const inner = createMemoryStore();
    const open = new Set<Snapshot>();
    const store: Store = {
      ...inner,
      snapshot() {
        const snapshot = inner.snapshot();
        const counted = { ...snapshot, close: () => (open.delete(counted), snapshot.close()) };
        open.add(counted);
        return counted;
      },
    };
    const { client } = startDocuments(store);
    await client.addBatch({ collection: "from", documents });
    const keys = createCollectionKeys()("t", "from");
    const everything = compileFilter({}, undefined);
    const streams: ((signal: AbortSignal) => AsyncGenerator<unknown>)[] = [
      (signal) => exportDocuments(store, keys, everything, 0, signal),
      (signal) => exportArchive(store, keys, 0, signal),
    ];
    for (const start of streams) {
      const returned = start(new AbortController().signal);
      await returned.next();
      expect(open.size).toBe(1);
      await returned.return(undefined);
      expect(open.size).toBe(0);

      const controller = new AbortController();
      const abandoned = start(controller.signal);
      await abandoned.next();
      expect(open.size).toBe(1);
      controller.abort();
      expect(open.size).toBe(0);
    }
    const controller = new AbortController();
    const aborted = exportDocuments(store, keys, everything, 0, controller.signal);
    await aborted.next();
    controller.abort();
    await expect(aborted.next()).rejects.toMatchObject({ reason: Reason.CALL_CANCELLED });
  });
});

describe("an archive", () => {
  it("holds a Markdown file for each document and an index that names them", async () => {
    const { client } = await filled();
    const { types, files } = await archive(client, "from");
    expect(types).toEqual(["application/zip", ...(types.length > 1 ? [""] : [])]);
    const lines = Buffer.from(files["index.ndjson"]!).toString().trimEnd().split("\n").map((line) => JSON.parse(line) as { file: string; key: string; lang: string; meta: object });
    expect(lines.map(({ key, lang }) => [key, lang])).toEqual(documents.map(({ key, lang }) => [key, lang]));
    expect(lines[0]!.meta).toEqual({ tag: ["pla", "all"], n: ["0"] });
    for (const [index, { file }] of lines.entries()) expect(Buffer.from(files[file]!).toString()).toBe(documents[index]!.contentMd);
    expect(Object.keys(files)).toHaveLength(documents.length + 1);
  });

  it("has names that are safe and differ on every file system", async () => {
    const { client } = await filled();
    const names = Object.keys((await archive(client, "from")).files);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
    for (const name of names) {
      expect(name).toMatch(/^[A-Za-z0-9%_-][A-Za-z0-9%_@~.-]*$/);
      expect(name).not.toContain("..");
      expect(name.length).toBeLessThanOrEqual(255);
      expect(name).not.toMatch(/^(?:con|nul|aux|prn)\./i);
    }
    expect(names).toContain("plain.md");
    expect(names).toContain("plain@en.md");
  });

  it("of nothing is an archive with an empty index", async () => {
    const { files } = await archive(startDocuments().client, "none");
    expect(Object.entries(files).map(([name, bytes]) => [name, bytes.length])).toEqual([["index.ndjson", 0]]);
  });
});

describe("an import", () => {
  it("of an export makes the same collection", async () => {
    const { client, clock } = await filled();
    await client.add({ collection: "from", key: "ends", ttl: { seconds: 60n } });
    clock.nowMs += 10_000;
    const exported = (await drain(client.export({ collection: "from" }))).map(({ document }) => document!);
    const { imported, refused } = await client.import(stream("to", exported));
    expect([imported, refused]).toEqual([documents.length + 1, 0]);
    const [from, to] = await Promise.all(["from", "to"].map((collection) => client.getChecksum({ collection })));
    expect([to!.checksum, to!.documentCount]).toEqual([from!.checksum, from!.documentCount]);
    const copy = (await client.get({ collection: "to", key: "ends" })).document!;
    const original = (await client.get({ collection: "from", key: "ends" })).document!;
    expect(copy.expiresAt).toEqual(original.expiresAt);
    expect(copy.id).not.toBe(original.id);
    expect(copy.addedAt).not.toEqual(original.addedAt);
  });

  it("reports what it refuses by line, and goes on", async () => {
    const { client, clock, records } = startDocuments();
    const past = { seconds: BigInt(Math.floor(clock.nowMs / 1000) - 1) };
    const given: (object | undefined)[] = [
      { key: "one", id: "mine", revision: 99, etag: "mine", collection: "elsewhere" },
      { key: "" },
      { key: "x".repeat(513) },
      { key: "long lang", lang: "x".repeat(36) },
      { key: "number", meta: { a: { values: [{ kind: { case: "numberValue", value: 1 } }] } } },
      { key: "past", expiresAt: past },
      undefined,
      { key: "one", contentMd: "again" },
    ];
    const response = await client.import(stream("c", given as object[]));
    expect(response).toMatchObject({ imported: 2, refused: 6 });
    expect(response.refusals.map(({ line, message }) => `${line} ${message}`)).toEqual([
      expect.stringMatching(/^2 document\.key: /),
      expect.stringMatching(/^3 document\.key: /),
      expect.stringMatching(/^4 document\.lang: /),
      "5 document.meta: every value must be a list of strings",
      "6 document.expires_at: must be in the future",
      "7 document: must be set",
    ]);
    const { document } = await client.get({ collection: "c", key: "one" });
    expect(document).toMatchObject({ collection: "c", revision: 2, contentMd: "again" });
    expect(document!.id).not.toBe("mine");
    const told = (await records()).map(({ action, phase, details }) => [action, phase, ...details.map(({ name, value }) => `${name}=${value}`)]);
    expect(told).toEqual([
      ["document.import", 2, "imported=2", "refused=6"],
      ["document.import", 0, "imported=2", "refused=6"],
    ]);
  });

  it("commits batch by batch, by number and by bytes, and keeps them when the stream breaks", async () => {
    const { client, records } = startDocuments();
    const many = Array.from({ length: importBatchDocuments * 2 + 1 }, (_, index) => ({ key: String(index) }));
    expect(await client.import(stream("many", many))).toMatchObject({ imported: many.length, refused: 0 });
    const large = Array.from({ length: 5 }, (_, index) => ({ key: String(index), contentMd: "x".repeat(importBatchBytes / 2) }));
    await client.import(stream("large", large));
    const parts = async (collection: string) => (await records()).filter((record) => record.collection === collection && record.phase === 2).map(({ details }) => Number(details[0]!.value));
    expect(await parts("many")).toEqual([500, 500, 1]);
    expect(await parts("large")).toEqual([2, 2, 1]);

    async function* broken() {
      yield* stream("broken", many.slice(0, importBatchDocuments + 10));
      throw new Error("the line is dead");
    }
    await expect(client.import(broken())).rejects.toThrow();
    await expect.poll(async () => (await records()).at(-1)!.outcomeCode).not.toBe(0);
    expect((await client.search({ collection: "broken" })).totalSize).toBe(importBatchDocuments);
  });

  it("names no more than a hundred refusals and counts all", async () => {
    const { client } = startDocuments();
    const response = await client.import(stream("c", Array.from({ length: 150 }, () => ({ key: "" }))));
    expect([response.imported, response.refused, response.refusals.length]).toEqual([0, 150, 100]);
    expect(await reasonOf(client.getCollection({ collection: "c" }))).toBe("COLLECTION_NOT_FOUND");
  });

  it("goes into the collection of the first message alone", async () => {
    const { client } = startDocuments();
    async function* messages(...collections: string[]) {
      for (const collection of collections) yield create(ImportRequestSchema, { collection, document: { key: "k" } });
    }
    expect(await reasonOf(client.import(messages("")))).toBe("FIELD_INVALID");
    expect(await reasonOf(client.import(messages("*")))).toBe("FIELD_INVALID");
    expect(await reasonOf(client.import(messages("a", "b")))).toBe("FIELD_INVALID");
    expect(await client.import(messages("a", "", "a"))).toMatchObject({ imported: 3 });
  });
});
