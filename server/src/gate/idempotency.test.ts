/** An idempotency key stands for one call of one principal, for a day, and for nobody else's. */
import { create } from "@bufbuild/protobuf";
import { AddRequestSchema, AddResponseSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { IdempotencyKey } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { describe, expect, it } from "vitest";
import type { Call } from "../call.js";
import { Reason } from "../errors.js";
import { idempotencyKeyBytesMax, idempotencyKeyLifetimeMs, idempotencyKeysPerPrincipalMax } from "../limits.js";
import { READ, WRITE } from "../policy/rights.js";
import { kinds, rangeOf } from "../store/keys.js";
import { createMemoryStore } from "../store/memory.js";
import { type DocumentClient, type DocumentFixture, reasonOf, startDocuments, tenant } from "../testing/document-fixture.js";
import { createIdempotency } from "./idempotency.js";

const headers = { "idempotency-key": "k-1" };
const blog = { collection: "blog", key: "hello" };
const writer = { blog: READ | WRITE };

/** Adds under the key; gives the revision, and whether it was a replay. */
async function add(client: DocumentClient, { calls }: DocumentFixture, contentMd = "text"): Promise<[revision: number | undefined, replayed: boolean]> {
  const { document } = await client.add({ ...blog, contentMd }, { headers });
  return [document?.revision, calls.at(-1)!.responseHeaders.some(([name]) => name === "idempotency-replayed")];
}

describe("an idempotency key", () => {
  it("is one principal's, in one tenant, for one method", async () => {
    const started = startDocuments();
    expect(await add(started.as(writer, "usr_1"), started)).toEqual([1, false]);
    expect(await add(started.as(writer, "usr_2"), started)).toEqual([2, false]);
    expect(await add(started.as(writer, "usr_1", "u"), started)).toEqual([1, false]);
    expect((await started.as(writer, "usr_1").update({ ...blog, contentMd: "text" }, { headers })).document?.revision).toBe(3);
    expect(await add(started.as(writer, "usr_1"), started)).toEqual([1, true]);
  });

  it("holds for a day, and a day again once it was used anew", async () => {
    const started = startDocuments();
    const { client, clock } = started;
    expect(await add(client, started)).toEqual([1, false]);
    clock.nowMs += idempotencyKeyLifetimeMs - 1;
    expect(await add(client, started)).toEqual([1, true]);
    clock.nowMs += 1;
    expect(await add(client, started, "another text")).toEqual([2, false]);
    clock.nowMs += idempotencyKeyLifetimeMs - 1;
    // The next claim sweeps away what is over, of which this one is no part.
    await client.add({ ...blog, key: "other" }, { headers: { "idempotency-key": "k-2" } });
    expect(await add(client, started, "another text")).toEqual([2, true]);
  });

  it("gives nothing to whoever has lost the right since", async () => {
    const started = startDocuments();
    await add(started.as(writer), started);
    expect(await reasonOf(add(started.as({ blog: READ }), started))).toBe("PERMISSION_MISSING");
  });

  it("of a call that failed can be used again, also for another request", async () => {
    const started = startDocuments();
    const { client } = started;
    expect(await reasonOf(client.update({ ...blog, contentMd: "none" }, { headers }))).toBe("DOCUMENT_NOT_FOUND");
    await client.add(blog);
    expect((await client.update({ ...blog, contentMd: "some" }, { headers })).document?.revision).toBe(2);
    expect(await reasonOf(client.update({ ...blog, contentMd: "more" }, { headers }))).toBe("IDEMPOTENCY_KEY_REUSED");
  });

  it.each([
    ["one process", false],
    ["two processes on one store", true],
  ])("executes once of two calls at the same time, in %s", async (_, apart) => {
    const store = createMemoryStore();
    const one = startDocuments(store);
    const other = apart ? startDocuments(store) : one;
    const both = await Promise.allSettled([add(one.client, one), add(other.client, other).catch(async (error: unknown) => Promise.reject(new Error(await reasonOf(Promise.reject(error)))))]);
    expect(both).toEqual([{ status: "fulfilled", value: [1, false] }, { status: "rejected", reason: new Error("IDEMPOTENCY_IN_FLIGHT") }]);
    expect(await add(other.client, other)).toEqual([1, true]);
  });
});

describe("the keys of a principal", () => {
  const request = create(AddRequestSchema, blog);
  const response = create(AddResponseSchema, {});

  async function setUp() {
    const { client, calls, store } = startDocuments();
    await client.add(blog);
    let now = 0;
    const keys = createIdempotency(store, () => now++);
    const callOf = (idempotencyKey: string, id: string): Call => ({ ...calls[0]!, idempotencyKey, principal: { ...calls[0]!.principal!, id }, responseHeaders: [] });
    const isKnown = (key: string, id = "usr_1"): boolean => {
      const call = callOf(key, id);
      const known = keys.begin(call, request) !== undefined;
      keys.end(call);
      return known;
    };
    /** Uses fresh keys, in their order. */
    const use = async (names: readonly string[], id = "usr_1"): Promise<void> => {
      const fresh = names.map((name) => callOf(name, id));
      for (const call of fresh) keys.begin(call, request);
      await store.transact((tx) => fresh.forEach((call) => keys.claim(tx, call, response)));
      for (const call of fresh) keys.end(call);
    };
    /** How many rows are kept of the principal, those of what is counted aside. */
    const rows = (id = "usr_1"): number => [kinds.idempotency, kinds.idempotencyByTime].flatMap((kind) => [...store.keys(rangeOf([tenant, kind, id]))]).length;
    const pass = (ms: number): void => void (now += ms);
    return { keys, callOf, use, isKnown, rows, pass };
  }

  it("are bounded: beyond the bound the oldest is forgotten, and nobody else's", async () => {
    const { use, isKnown } = await setUp();
    await use(["k"], "usr_2");
    await use(Array.from({ length: idempotencyKeysPerPrincipalMax }, (_, at) => `k${at}`));
    expect(isKnown("k0")).toBe(true);
    await use(["one more"]);
    expect([isKnown("k0"), isKnown("k1"), isKnown("one more"), isKnown("k", "usr_2")]).toEqual([false, true, true, true]);
  }, 120_000);

  it("are gone with the day, once another is used", async () => {
    const { use, rows, pass } = await setUp();
    await use(["a"]);
    const ofOne = rows();
    await use(["b", "c"]);
    expect(rows()).toBeGreaterThan(ofOne);
    pass(idempotencyKeyLifetimeMs);
    await use(["d"]);
    expect(rows()).toBe(ofOne);
  });

  it("are each for one call at a time, until it is over", async () => {
    const { keys, callOf } = await setUp();
    const [first, second] = [callOf("a", "usr_1"), callOf("a", "usr_1")];
    expect(keys.begin(first, request)).toBeUndefined();
    expect(() => keys.begin(second, request)).toThrow(expect.objectContaining({ reason: Reason.IDEMPOTENCY_IN_FLIGHT }));
    keys.end(second);
    expect(() => keys.begin(second, request)).toThrow(expect.objectContaining({ reason: Reason.IDEMPOTENCY_IN_FLIGHT }));
    keys.end(first);
    expect(keys.begin(second, request)).toBeUndefined();
  });

  it.each([
    ["is needed where the policy says so", IdempotencyKey.REQUIRED, "", Reason.IDEMPOTENCY_KEY_INVALID],
    ["is taken where it is needed", IdempotencyKey.REQUIRED, "a", true],
    ["may be left out elsewhere", IdempotencyKey.OPTIONAL, "", false],
    ["is not read where there is nothing to repeat", IdempotencyKey.UNSPECIFIED, "a", false],
    ["is nobody's where nobody signed in", IdempotencyKey.OPTIONAL, "a", false, true],
  ] as [string, IdempotencyKey, string, Reason | boolean, boolean?][])("a key %s", async (_, idempotencyKey, key, outcome, anonymous = false) => {
    const { keys, callOf } = await setUp();
    const make = (): Call => {
      const call = callOf(key, "usr_1");
      return { ...call, plan: { ...call.plan, idempotencyKey }, principal: anonymous ? undefined : call.principal };
    };
    const begin = (): unknown => keys.begin(make(), request);
    if (typeof outcome === "number") return expect(begin).toThrow(expect.objectContaining({ reason: outcome }));
    expect(begin()).toBeUndefined();
    // A key that was taken is in use.
    if (outcome) expect(begin).toThrow(expect.objectContaining({ reason: Reason.IDEMPOTENCY_IN_FLIGHT }));
    else expect(begin()).toBeUndefined();
  });

  it("have a length in bytes that they may have", async () => {
    const { isKnown } = await setUp();
    expect(isKnown("x".repeat(idempotencyKeyBytesMax))).toBe(false);
    for (const key of ["x".repeat(idempotencyKeyBytesMax + 1), "é".repeat(Math.ceil((idempotencyKeyBytesMax + 1) / 2))]) {
      expect(() => isKnown(key)).toThrow(expect.objectContaining({ reason: Reason.IDEMPOTENCY_KEY_INVALID }));
    }
  });
});
