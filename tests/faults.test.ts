/** Whatever call of the store fails, over whichever protocol: the caller is told, the change is whole or absent, and so is its record. */
import { join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Variant, variants } from "../conformance/src/wire/wire.js";
import { verifyLog } from "../server/src/audit/verify.js";
import { createFailingStore, type FailingStore } from "../server/src/store/failing.js";
import { openLmdbStore } from "../server/src/store/lmdb.js";
import type { Store } from "../server/src/store/store.js";
import { faultsOf } from "../server/src/testing/document-invariants.js";
import { rowsOf } from "../server/src/testing/document-rows.js";
import { holdCall } from "./held-call.js";
import { freshDirectory } from "./process.js";
import { type Answer, openWorld, type World } from "./world.js";

const timeoutMs = 300_000;
const tenant = "default";
const byLabel = (label: string): Variant => variants.find((variant) => variant.label === label)!;
const ways = ["grpc/h2", "grpc-web/h1", "connect-json/h2", "rest/h1"].map(byLabel);
/** Where a store that stays broken is tried as well: what it breaks lies behind the protocols. */
const brokenWays = ["grpc/h2"];
const reading = byLabel("connect-json/h1");

/** A change, in a collection that `prepare` made. */
interface Change {
  readonly method: string;
  readonly action: string;
  request(collection: string): JsonObject;
}

const meta = { tag: ["b", "c"] };
const name = { key: "k", lang: "en" };
const changes: Readonly<Record<string, Change>> = {
  "a new document": { method: "Add", action: "document.add", request: (collection) => ({ collection, key: "new", meta, contentMd: "new" }) },
  "a document in a new collection": { method: "Add", action: "document.add", request: (collection) => ({ collection: `${collection}-new`, key: "new", meta }) },
  "a replaced document": { method: "Add", action: "document.add", request: (collection) => ({ collection, ...name, meta, contentMd: "three" }) },
  "an update": { method: "Update", action: "document.update", request: (collection) => ({ collection, ...name, meta, contentMd: "three" }) },
  "a deletion": { method: "Delete", action: "document.delete", request: (collection) => ({ collection, ...name }) },
  "a batch": { method: "AddBatch", action: "document.add_batch", request: (collection) => ({ collection, documents: [{ key: "a" }, { ...name, meta }, { key: "a" }] }) },
  "a batch of deletions": { method: "DeleteBatch", action: "document.delete_batch", request: (collection) => ({ collection, documents: [name, { key: "second" }] }) },
  "a restored revision": { method: "RestoreRevision", action: "document.revision.restore", request: (collection) => ({ collection, ...name, revision: 1 }) },
};

describe("a server whose store fails", () => {
  const { path, remove } = freshDirectory();
  let inner: Store;
  let store: FailingStore;
  let world: World;
  let count = 0;

  beforeAll(async () => {
    inner = openLmdbStore({ directory: join(path, "data") });
    store = createFailingStore(inner, { failAt: 0 });
    // What a server does by the clock would take faults that are meant for calls.
    vi.useFakeTimers({ toFake: ["setInterval"] });
    try {
      world = await openWorld({}, store);
    } finally {
      vi.useRealTimers();
    }
  }, timeoutMs);
  afterAll(async () => {
    await world.close();
    remove();
  }, timeoutMs);

  async function must(method: string, request: JsonObject): Promise<JsonObject[]> {
    const { reason, messages } = await world.send(reading, method, request, { credential: world.admin });
    if (reason !== "-") throw new Error(`${method}: ${reason}`);
    return [...messages];
  }

  /** A collection of its own with a document of two revisions, and another one. */
  async function prepare(): Promise<string> {
    const collection = `c${++count}`;
    await must("DocumentService/UpdateCollection", { collection, config: { revisionsMax: 5 } });
    for (const contentMd of ["one", "two"]) await must("DocumentService/Add", { collection, ...name, contentMd, meta: { tag: ["a", "b"] } });
    await must("DocumentService/Add", { collection, key: "second" });
    return collection;
  }

  /** The records of a call: what each says of how it ended. */
  async function recordsOf(requestId: string): Promise<string[]> {
    const [{ records }] = (await must("AuditService/ListAuditRecords", { requestId })) as unknown as [{ records: { action: string; result: string; code: string }[] }];
    return records.map(({ action, result }) => `${action} ${result}`);
  }

  const rows = (collection: string): string[] => [...rowsOf(inner, tenant, collection), ...rowsOf(inner, tenant, `${collection}-new`)];
  const everyWay = (whats: readonly string[]) =>
    ways.flatMap(({ label }) => whats.flatMap((what) => (brokenWays.includes(label) ? [false, true] : [false]).map((forGood) => ({ label, what, forGood }))));

  /** Makes a call whose store fails at its call `failAt`; tells whether it came to that. Then the store is well again. */
  async function struck(make: () => Promise<Answer>, failAt: number, forGood: boolean): Promise<{ answer: Answer; faults: number }> {
    store.arm({ failAt, forGood });
    try {
      const answer = await make();
      return { answer, faults: store.faults };
    } finally {
      store.arm({ failAt: 0 });
    }
  }

  const expectTyped = ({ code, reason, error }: Answer, at: string): void => {
    expect([code, error?.domains], at).toEqual(["unavailable", ["parapet"]]);
    expect(["STORE_UNAVAILABLE", "AUDIT_UNAVAILABLE"], at).toContain(reason);
  };

  it.each(everyWay(Object.keys(changes)))("over $label: $what is whole or absent, with its record, at every call that fails (for good: $forGood)", async ({ label, what, forGood }) => {
    const { method, action, request } = changes[what]!;
    const collection = await prepare();
    const before = rows(collection);
    for (let failAt = 1; ; failAt++) {
      const at = `call ${failAt} of the store`;
      const requestId = `${collection}-${failAt}`;
      const make = (): Promise<Answer> => world.send(byLabel(label), `DocumentService/${method}`, request(collection), { credential: world.admin, headers: [["x-request-id", requestId]] });
      const { answer, faults } = await struck(make, failAt, forGood);
      const succeeded = (await recordsOf(requestId)).filter((record) => record === `${action} success`);
      if (faults === 0) {
        expect([answer.reason, succeeded.length], at).toEqual(["-", 1]);
        // Or nothing would have been shown.
        expect(failAt).toBeGreaterThan(10);
        break;
      }
      expectTyped(answer, at);
      expect(succeeded, at).toEqual([]);
      expect(rows(collection), at).toEqual(before);
    }
    expect(rows(collection)).not.toEqual(before);
    for (const each of [collection, `${collection}-new`]) expect(faultsOf(inner, tenant, each)).toEqual([]);
    expect(await world.health()).toBe(200);
  }, timeoutMs);

  it.each(everyWay(["an import"]))("over $label: $what writes its batch whole or not at all, with its record, and ends well only with the last (for good: $forGood)", async ({ label, forGood }) => {
    let kept = 0;
    for (let failAt = 1; ; failAt++) {
      const at = `call ${failAt} of the store`;
      const collection = await prepare();
      const before = rows(collection);
      const messages = ["a", "k", "b"].map((key) => ({ collection, document: { key, lang: "en", meta } }));
      const options = { credential: world.admin, headers: [["x-request-id", collection]] as const };
      const { answer, faults } = await struck(() => holdCall(world.port, byLabel(label), "DocumentService/Import", messages, options, "answer").finish(), failAt, forGood);
      const succeeded = (await recordsOf(collection)).filter((record) => record === "document.import success");
      const [{ totalSize }] = (await must("DocumentService/Search", { collection, limit: 1 })) as unknown as [{ totalSize: number }];
      expect(faultsOf(inner, tenant, collection), at).toEqual([]);
      if (faults === 0) {
        expect([answer.reason, totalSize], at).toEqual(["-", 4]);
        // That of its only batch, and that of its end.
        expect(succeeded, at).toHaveLength(2);
        break;
      }
      expectTyped(answer, at);
      if (succeeded.length === 0) expect(rows(collection), at).toEqual(before);
      else expect([succeeded.length, totalSize], at).toEqual([1, 4]);
      kept += succeeded.length;
    }
    // The store failed behind the batch as well as before it.
    expect(kept).toBeGreaterThan(3);
    expect(await world.health()).toBe(200);
  }, timeoutMs);

  it("takes no other call down with the one whose work fails", async () => {
    const collection = await prepare();
    const calls = 16;
    let failed = 0;
    for (let failAt = 1; failAt <= 400; failAt += 7) {
      store.arm({ failAt });
      const keys = Array.from({ length: calls }, (_, index) => `${failAt}-${index}`);
      const answers = await Promise.all(keys.map((key, index) => world.send(ways[index % ways.length]!, "DocumentService/Add", { collection, key }, { credential: world.admin })));
      const { faults } = store;
      store.arm({ failAt: 0 });
      expect(answers.filter(({ code }) => code !== "ok").map(({ code }) => code), `call ${failAt} of the store`).toEqual(faults === 1 ? ["unavailable"] : []);
      failed += faults;
      for (const [index, key] of keys.entries()) {
        const { reason } = await world.send(reading, "DocumentService/Get", { collection, key }, { credential: world.admin });
        expect(reason, key).toBe(answers[index]!.code === "ok" ? "-" : "DOCUMENT_NOT_FOUND");
      }
    }
    expect(failed).toBeGreaterThan(20);
    expect(faultsOf(inner, tenant, collection)).toEqual([]);
  }, timeoutMs);

  it("has a whole log in the end", async () => {
    expect((await verifyLog(inner, tenant)).faults).toEqual([]);
  }, timeoutMs);
});
