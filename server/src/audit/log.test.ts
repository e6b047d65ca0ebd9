/** The log is gap-free, ordered in time, whole with the transactions it is part of, and verifies until somebody touches it. */
import { RecordPhase } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import { beforeEach, describe, expect, it } from "vitest";
import { Reason } from "../errors.js";
import { createFailingStore } from "../store/failing.js";
import { kinds, pack, rangeOf } from "../store/keys.js";
import { createMemoryStore } from "../store/memory.js";
import type { Store } from "../store/store.js";
import { createNanosecondClock } from "./clock.js";
import { createTestLog, factsWith, noonNs, type TestLog } from "./fixtures.js";
import { createAuditLog } from "./log.js";
import { encodeRecord, nanosecondsOf } from "./record.js";
import { recordKey, tileReader } from "./rows.js";
import { nodesOf } from "./tiles.js";
import { consistencyProof, inclusionProof, leafHash, rootAt, rootOf, verifyConsistency, verifyInclusion } from "./tree.js";
import { type LogFaultKind, verifyLog } from "./verify.js";
import { createSealer } from "./seal.js";

const documentKey = pack(["default", kinds.document, "hello"]);
const one = Uint8Array.of(1);
const all = { actor: "", action: "", result: "", requestId: "", collection: "", limit: 100 };

describe("the audit log", () => {
  let test: TestLog;
  beforeEach(() => {
    test = createTestLog();
  });
  const write = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await test.log.write(factsWith({ requestId: `req-${i}`, key: `k${i}` }));
  };

  it("numbers records from 0 without a gap, for each tenant", async () => {
    await Promise.all(Array.from({ length: 50 }, (_, i) => test.log.write(factsWith({ tenant: i % 2 ? "odd" : "even", key: `${i}` }))));
    for (const [tenant, first] of [["even", 0], ["odd", 1]] as const) {
      expect(test.log.head(tenant).edge.size).toBe(25);
      for (let sequence = 0; sequence < 25; sequence++) {
        expect(test.log.read(tenant, BigInt(sequence))).toMatchObject({ sequence: BigInt(sequence), tenant, key: `${first + sequence * 2}` });
      }
      expect(test.log.read(tenant, 25n)).toBeUndefined();
      expect(await verifyLog(test.store, tenant)).toMatchObject({ records: 25, faults: [], root: rootOf(test.log.head(tenant).edge) });
    }
  });

  it("holds a record if and only if the change happened", async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 60 }, (_, i) =>
        test.store.transact((tx) => {
          tx.put(pack(["default", kinds.document, i]), one);
          const sequence = test.log.append(tx, factsWith({ requestId: `req-${i}` }));
          if (i % 10 === 4) throw new Error("abort");
          return sequence;
        }),
      ),
    );
    const kept = outcomes.flatMap((outcome, i) => (outcome.status === "fulfilled" ? [{ i, sequence: outcome.value }] : []));
    expect(kept.map(({ sequence }) => Number(sequence))).toEqual(Array.from({ length: 54 }, (_, i) => i));
    for (const { i, sequence } of kept) expect(test.log.read("default", sequence)?.requestId).toBe(`req-${i}`);
    expect([...test.store.keys(rangeOf(["default", kinds.document]))]).toHaveLength(54);
    expect((await verifyLog(test.store, "default")).faults).toEqual([]);
  });

  it("may hold several records of one transaction and one request", async () => {
    await test.store.transact((tx) => {
      for (const phase of [RecordPhase.PROGRESS, RecordPhase.PROGRESS, RecordPhase.UNSPECIFIED]) test.log.append(tx, factsWith({ phase }));
    });
    const page = await test.log.list("default", { ...all, requestId: "req-1" });
    expect(page.records.map(({ record }) => record.phase)).toEqual([RecordPhase.UNSPECIFIED, RecordPhase.PROGRESS, RecordPhase.PROGRESS]);
    expect((await verifyLog(test.store, "default")).faults).toEqual([]);
  });

  it("never goes back in time", async () => {
    const times = [noonNs, noonNs + 5n, noonNs - 3_600_000_000_000n, noonNs + 4n, noonNs + 6n];
    for (const [i, time] of times.entries()) {
      test.time = time;
      await test.log.write(factsWith({ requestId: `r${i}` }));
    }
    const recorded = times.map((_, i) => nanosecondsOf(test.log.read("default", BigInt(i))?.time));
    expect(recorded).toEqual([noonNs, noonNs + 5n, noonNs + 5n, noonNs + 5n, noonNs + 6n]);
  });

  it("proves each record and each earlier state from what it stored", async () => {
    await write(37);
    const node = nodesOf(tileReader(test.store, "default"));
    const root = rootOf(test.log.head("default").edge);
    for (let i = 0; i < 37; i++) {
      const leaf = leafHash(test.store.get(recordKey("default", i))!);
      expect(verifyInclusion(leaf, i, 37, inclusionProof(node, i, 37), root)).toBe(true);
      expect(verifyConsistency(i, rootAt(node, i), 37, root, consistencyProof(node, i, 37))).toBe(true);
    }
  });

  it("keeps who it was sealed, and forgets a person whose key is destroyed, while it verifies", async () => {
    await test.log.write(factsWith());
    await test.log.write(factsWith({ actorId: "", actorName: "bob", requestId: "req-2" }));
    await test.log.write(factsWith({ actorId: "", actorName: "", clientIp: "", userAgent: "", requestId: "req-3" }));
    for (const { value } of test.store.range({ gte: one, lt: Uint8Array.of(0xff) })) {
      for (const secret of ["Ada", "bob", "203.0.113.7", "curl"]) expect(Buffer.from(value).includes(secret)).toBe(false);
    }
    const names = async () => (await test.log.list("default", all)).records.map(({ personal }) => personal && [personal.actorName, personal.clientIp, personal.userAgent]);
    expect(await names()).toEqual([undefined, ["bob", "203.0.113.7", "curl/8.5"], ["Ada", "203.0.113.7", "curl/8.5"]]);
    expect(test.log.read("default", 1n)?.sealingKeyId).toBe("anonymous-2026-03-01");
    expect(test.log.read("default", 2n)?.sealingKeyId).toBe("");
    const before = rootOf(test.log.head("default").edge);
    expect(await test.store.transact((tx) => test.log.erase(tx, "default", "usr_1"))).toBe(true);
    expect(await names()).toEqual([undefined, ["bob", "203.0.113.7", "curl/8.5"], undefined]);
    expect(await verifyLog(test.store, "default")).toMatchObject({ faults: [], root: before });
  });
});

describe("a page of the log", () => {
  it("lets go of the state that it was read from, also where it cannot be read", async () => {
    const inner = createMemoryStore();
    let open = 0;
    const snapshot: Store["snapshot"] = () => {
      const taken = inner.snapshot();
      open++;
      return { get: (key) => taken.get(key), range: (range) => taken.range(range), keys: (range) => taken.keys(range), close: () => (open--, taken.close()) };
    };
    const { log } = createTestLog({ ...inner, snapshot });
    await log.write(factsWith());
    expect((await log.list("default", all)).records).toHaveLength(1);
    await inner.transact((tx) => tx.put(recordKey("default", 0n), Uint8Array.of(0xff)));
    await expect(log.list("default", all)).rejects.toMatchObject({ reason: Reason.STORED_DATA_CORRUPT });
    expect(open).toBe(0);
  });
});

describe("the head of a log", () => {
  const headKey = pack(["default", kinds.auditHead]);

  it.each([
    ["in another version", (head: Uint8Array) => Uint8Array.of(9, ...head.subarray(1))],
    ["that is cut", (head: Uint8Array) => head.slice(0, 10)],
    ["with fewer peaks than its size has", (head: Uint8Array) => head.slice(0, -32)],
  ])("%s is corrupt, and takes no record", async (_, broken) => {
    const { store, log } = createTestLog();
    for (let at = 0; at < 3; at++) await log.write(factsWith());
    await store.transact((tx) => tx.put(headKey, broken(tx.get(headKey)!)));
    expect(() => log.head("default")).toThrow(expect.objectContaining({ reason: Reason.STORED_DATA_CORRUPT }));
    await expect(log.write(factsWith())).rejects.toMatchObject({ reason: Reason.AUDIT_UNAVAILABLE });
  });
});

describe("a store that fails", () => {
  const scenario = (store: Store) => {
    const log = createAuditLog({ store, sealer: createSealer({ masterKey: new Uint8Array(32) }), nowNs: () => noonNs });
    return store.transact((tx) => {
      tx.put(documentKey, one);
      log.append(tx, factsWith());
    });
  };

  it("at any call leaves the change with its record, or neither", async () => {
    let n = 0;
    for (let completed = false; !completed; ) {
      n++;
      const inner = createMemoryStore();
      const store = createFailingStore(inner, { failAt: n });
      completed = await scenario(store).then(
        () => true,
        () => false,
      );
      expect([...inner.keys({ gte: one, lt: Uint8Array.of(0xff) })].length).toBe(completed ? 6 : 0);
      expect((await verifyLog(inner, "default")).faults).toEqual([]);
      expect(completed).toBe(store.faults === 0);
    }
    expect(n).toBeGreaterThan(8);
  });

  it("inside an append is AUDIT_UNAVAILABLE, outside it what it is", async () => {
    const reasons: Reason[] = [];
    for (let n = 1; n < 13; n++) {
      await scenario(createFailingStore(createMemoryStore(), { failAt: n })).catch((error: { reason: Reason }) => reasons.push(error.reason));
    }
    const { STORE_UNAVAILABLE: store, AUDIT_UNAVAILABLE: audit } = Reason;
    expect(reasons).toEqual([store, store, ...Array.from({ length: reasons.length - 3 }, () => audit), store]);
  });

  it("and runs its work again gets its own word for that back", () => {
    const again = new Error("again");
    const read = (): never => {
      throw again;
    };
    const { log } = createTestLog();
    expect(() => log.append({ get: read, range: read, keys: read, put: () => {}, remove: () => false }, factsWith())).toThrow(again);
  });

  it("makes a lone record AUDIT_UNAVAILABLE, wherever it fails", async () => {
    for (let n = 1; n < 9; n++) {
      const { log } = createTestLog(createFailingStore(createMemoryStore(), { failAt: n }));
      await expect(log.write(factsWith())).rejects.toMatchObject({ reason: Reason.AUDIT_UNAVAILABLE, message: "audit unavailable" });
    }
  });
});

describe("verification", () => {
  let test: TestLog;
  beforeEach(async () => {
    test = createTestLog();
    await Promise.all(Array.from({ length: 40 }, (_, i) => test.log.write(factsWith({ requestId: `req-${i}`, key: `k${i}` }))));
  });
  const at = (sequence: number): Uint8Array => recordKey("default", sequence);
  const bytesAt = (sequence: number): Uint8Array => test.store.get(at(sequence))!;
  const faultsAfter = async (change: Parameters<Store["transact"]>[0]): Promise<(readonly [LogFaultKind, number])[]> => {
    await test.store.transact(change);
    return (await verifyLog(test.store, "default")).faults.map(({ kind, sequence }) => [kind, sequence] as const);
  };

  it("names an edited record", async () => {
    const edited = Uint8Array.from(bytesAt(17));
    edited[edited.length - 1]! ^= 1;
    expect(await faultsAfter((tx) => tx.put(at(17), edited))).toContainEqual(["record changed", 17]);
  });

  it("names every deleted record, and blames no other", async () => {
    const faults = await faultsAfter((tx) => [5, 6, 20].forEach((sequence) => tx.remove(at(sequence))));
    expect(faults).toEqual([["record missing", 5], ["record missing", 6], ["record missing", 20], ["request row without record", -1]]);
  });

  it("names a cut tail", async () => {
    expect(await faultsAfter((tx) => [38, 39].forEach((sequence) => tx.remove(at(sequence))))).toEqual(
      expect.arrayContaining([["record missing", 38], ["record missing", 39]]),
    );
  });

  it("names records that changed places, were doubled or were added", async () => {
    const [a, b] = [bytesAt(3), bytesAt(4)];
    expect(await faultsAfter((tx) => (tx.put(at(3), b), tx.put(at(4), a)))).toEqual(
      expect.arrayContaining([["record changed", 3], ["record misplaced", 3], ["record changed", 4], ["record misplaced", 4]]),
    );
    await test.store.transact((tx) => (tx.put(at(3), a), tx.put(at(4), b)));
    expect(await faultsAfter((tx) => tx.put(at(40), bytesAt39()))).toEqual(expect.arrayContaining([["record changed", 40], ["record misplaced", 40], ["head differs", -1]]));
    function bytesAt39(): Uint8Array {
      return a;
    }
  });

  it("names a time that goes back", async () => {
    const facts = factsWith({ requestId: "req-12", actorName: "", clientIp: "", userAgent: "" });
    const earlier = encodeRecord(facts, { sequence: 12n, timeNs: noonNs - 1n, sealingKeyId: "", sealed: new Uint8Array() });
    expect(await faultsAfter((tx) => tx.put(at(12), earlier))).toEqual(expect.arrayContaining([["record changed", 12], ["time decreases", 12]]));
  });

  it("names bytes that are no record", async () => {
    expect(await faultsAfter((tx) => tx.put(at(9), Uint8Array.of(0xff)))).toEqual(expect.arrayContaining([["record changed", 9], ["record unreadable", 9]]));
  });

  it("names tiles, heads and rows by request that are not what the records say", async () => {
    const [tile] = test.store.range({ ...rangeOf(["default", kinds.auditNode, 4]) });
    const [head] = test.store.range({ ...rangeOf(["default", kinds.auditHead]) });
    const row = pack(["default", kinds.auditByRequest, "req-7", 7]);
    const faults = await faultsAfter((tx) => {
      tx.put(tile!.key, tile!.value.slice(32));
      tx.put(head!.key, head!.value.with(16, 0));
      tx.remove(row);
      tx.put(pack(["default", kinds.auditNode, 8, 0]), tile!.value);
    });
    expect(faults).toEqual([["request row missing", 7], ["tile differs", -1], ["tile without records", -1], ["head differs", -1]]);
    expect(await faultsAfter((tx) => tx.put(head!.key, Uint8Array.of(9)))).toContainEqual(["head differs", -1]);
  });

  it("finds nothing in a log that nobody touched, nor in an empty one", async () => {
    expect((await verifyLog(test.store, "default")).faults).toEqual([]);
    expect(await verifyLog(test.store, "nobody")).toMatchObject({ records: 0, faults: [] });
  });
});

describe("the clock of the log", () => {
  it("takes the date from the wall and what is finer from a steady clock", () => {
    const now = { wall: 1_000, steady: 7_000_000n };
    const clock = createNanosecondClock(() => now.wall, () => now.steady);
    expect(clock()).toBe(1_000_000_000n);
    now.steady += 123n;
    expect(clock()).toBe(1_000_000_123n);
    now.steady += 2_000_000n;
    now.wall += 2;
    expect(clock()).toBe(1_002_000_123n);
  });

  it("follows the wall clock when that is set, in both directions", () => {
    const now = { wall: 1_000, steady: 0n };
    const clock = createNanosecondClock(() => now.wall, () => now.steady);
    now.wall = 500_000;
    expect(clock()).toBe(500_000_000_000n);
    now.wall = 2_000;
    now.steady += 10n;
    expect(clock()).toBe(2_000_000_000n);
    now.steady += 10n;
    expect(clock()).toBe(2_000_000_010n);
  });
});
