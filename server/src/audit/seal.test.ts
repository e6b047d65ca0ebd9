/** The personal part of a record opens in its own place under its own key, and nowhere else. */
import { create } from "@bufbuild/protobuf";
import { type AuditRecord, AuditRecordSchema } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import { beforeEach, describe, expect, it } from "vitest";
import { Reason } from "../errors.js";
import { kinds, rangeOf } from "../store/keys.js";
import { createMemoryStore } from "../store/memory.js";
import type { Store } from "../store/store.js";
import { countingBytes, noonNs } from "./fixtures.js";
import { createSealer, type Sealer, subjectOf } from "./seal.js";

const masterKey = new Uint8Array(32).fill(7);
const personal = { actorName: "Ada", clientIp: "203.0.113.7", userAgent: "curl/8.5" };
const place = { tenant: "t", sequence: 5n, requestId: "req" };

describe("the sealed part of a record", () => {
  let store: Store;
  let sealer: Sealer;
  let record: AuditRecord;
  const sealAt = async (changes: Partial<typeof place> = {}, subject = "usr_1"): Promise<AuditRecord> => {
    const at = { ...place, ...changes };
    return create(AuditRecordSchema, { ...at, sealingKeyId: subject, sealed: await store.transact((tx) => sealer.seal(tx, subject, at, personal)) });
  };
  const open = (changes: Partial<AuditRecord> = {}) => sealer.opener(store)({ ...record, ...changes });
  beforeEach(async () => {
    store = createMemoryStore();
    sealer = createSealer({ masterKey, random: countingBytes() });
    record = await sealAt();
  });

  it("opens", () => {
    expect(open()).toMatchObject(personal);
    expect(createSealer({ masterKey }).opener(store)(record)).toMatchObject(personal);
  });

  it("has a version, a nonce, as many bytes as the message, and a tag", () => {
    expect(record.sealed).toHaveLength(1 + 12 + (2 + 3 + 2 + 11 + 2 + 8) + 16);
    expect(record.sealed[0]).toBe(2);
    expect(Buffer.from(record.sealed).includes("Ada")).toBe(false);
  });

  // Stored parts must open for as long as there are logs; this one was sealed when stores got the layout that they have.
  it("keeps the layout of the first one", () => {
    expect(Buffer.from(record.sealed).toString("hex")).toMatchInlineSnapshot(`"022c2d2e2f3031323334353637e2771cd06736d72e5ea09e4f08db23e8cf4445baf1ba5a05e655d34ba5317d57d82b54b3b361527ad55d4a32"`);
  });

  it("differs each time, also for equal people", async () => {
    expect((await sealAt()).sealed).not.toEqual(record.sealed);
  });

  // Two parts under one nonce and key give each other away (SP 800-38D, section 8).
  it("has a nonce of its own, and its subject a key of its own, in bytes of node:crypto", async () => {
    sealer = createSealer({ masterKey });
    const nonces = new Set<string>();
    // Far more than are fetched at a time.
    for (let subject = 0; subject < 100; subject++) {
      for (let at = 0; at < 10; at++) nonces.add(Buffer.from((await sealAt({}, `own_${subject}`)).sealed.subarray(1, 13)).toString("hex"));
    }
    const wrapped = [...store.range(rangeOf(["t", kinds.sealingKey]))].map(({ value }) => Buffer.from(value.subarray(9, 21)).toString("hex"));
    expect(nonces.size).toBe(1_000);
    expect(new Set(wrapped).size).toBe(wrapped.length);
    expect([...nonces, ...wrapped].filter((nonce) => /^0{16}|0{16}$/.test(nonce))).toEqual([]);
  });

  it.each([
    ["another sequence", { sequence: 6n }],
    ["a sequence far away", { sequence: 5n + 2n ** 40n }],
    ["another request", { requestId: "reg" }],
    ["another request of which this one is the beginning", { requestId: "req1" }],
    ["a layout that is not known", { sealed: Uint8Array.of(3) }],
    ["no sealed part", { sealed: new Uint8Array() }],
  ])("does not open in %s", (_, changes) => {
    expect(open(changes)).toBeUndefined();
  });

  it("does not open under another subject or tenant", async () => {
    await sealAt({}, "usr_2");
    await sealAt({ tenant: "u" });
    expect(open({ sealingKeyId: "usr_2" })).toBeUndefined();
    expect(open({ tenant: "u" })).toBeUndefined();
    expect(open({ tenant: "nobody" })).toBeUndefined();
  });

  it("does not open after any bit changed, or with a shortened tag", () => {
    for (let i = 0; i < record.sealed.length * 8; i++) {
      const sealed = Uint8Array.from(record.sealed);
      sealed[i >> 3]! ^= 1 << (i & 7);
      expect(open({ sealed })).toBeUndefined();
    }
    for (let length = 0; length < record.sealed.length; length++) expect(open({ sealed: record.sealed.slice(0, length) })).toBeUndefined();
  });

  it("opens no more once the subject's key is destroyed, also if the subject acts again", async () => {
    expect(await store.transact((tx) => sealer.erase(tx, "t", "usr_1"))).toBe(true);
    expect(open()).toBeUndefined();
    const later = await sealAt({ sequence: 6n });
    expect(open()).toBeUndefined();
    expect(sealer.opener(store)(later)).toMatchObject(personal);
    expect(await store.transact((tx) => sealer.erase(tx, "t", "nobody"))).toBe(false);
  });

  it("does not depend on a key of a transaction that was aborted", async () => {
    const lost = store.transact((tx) => {
      sealer.seal(tx, "usr_9", place, personal);
      throw new Error("abort");
    });
    await expect(lost).rejects.toThrow("abort");
    const kept = await sealAt({}, "usr_9");
    expect(createSealer({ masterKey }).opener(store)(kept)).toMatchObject(personal);
  });

  it("follows a key that another process destroyed and made anew", async () => {
    const other = createSealer({ masterKey });
    await store.transact((tx) => {
      other.erase(tx, "t", "usr_1");
      other.seal(tx, "usr_1", place, personal);
    });
    const later = await sealAt();
    expect(createSealer({ masterKey }).opener(store)(later)).toMatchObject(personal);
  });

  it("leaves the key of an aborted erasure as it was", async () => {
    const lost = store.transact((tx) => {
      sealer.erase(tx, "t", "usr_1");
      throw new Error("abort");
    });
    await expect(lost).rejects.toThrow("abort");
    expect(open()).toMatchObject(personal);
  });
});

describe("a subject's key", () => {
  it("is stored wrapped, once, and bound to tenant and subject", async () => {
    const store = createMemoryStore();
    const random = countingBytes();
    const sealer = createSealer({ masterKey, random });
    await store.transact((tx) => {
      for (const subject of ["a", "b", "a"]) sealer.seal(tx, subject, place, personal);
    });
    const rows = [...store.range(rangeOf(["t", kinds.sealingKey]))];
    expect(rows.map(({ value }) => value.length)).toEqual([69, 69]);
    expect(Buffer.from(rows[0]!.value).includes(Buffer.from(countingBytes()(32)))).toBe(false);
    const sealed = await store.transact((tx) => sealer.seal(tx, "a", place, personal));
    await store.transact((tx) => tx.put(rows[0]!.key, rows[1]!.value));
    const record = create(AuditRecordSchema, { ...place, sealingKeyId: "a", sealed });
    expect(() => createSealer({ masterKey }).opener(store)(record)).toThrow(expect.objectContaining({ reason: Reason.STORED_DATA_CORRUPT }));
  });

  it("under another master key is an error, never an erased person", async () => {
    const store = createMemoryStore();
    const sealed = await store.transact((tx) => createSealer({ masterKey }).seal(tx, "a", place, personal));
    const other = createSealer({ masterKey: new Uint8Array(32).fill(8) });
    const record = create(AuditRecordSchema, { ...place, sealingKeyId: "a", sealed });
    expect(() => other.opener(store)(record)).toThrow("stored data corrupt");
    await expect(store.transact((tx) => other.seal(tx, "a", place, personal))).rejects.toThrow("stored data corrupt");
  });

  it("needs a whole master key", () => {
    expect(() => createSealer({ masterKey: new Uint8Array(16) })).toThrow(RangeError);
  });
});

describe("the subject of a caller", () => {
  it("is its id, or the day in UTC", () => {
    expect(subjectOf("usr_1", noonNs)).toBe("usr_1");
    expect(subjectOf("", noonNs)).toBe("anonymous-2026-03-01");
    expect(subjectOf("", noonNs + 12n * 3_600_000_000_000n - 2n)).toBe("anonymous-2026-03-01");
    expect(subjectOf("", noonNs + 12n * 3_600_000_000_000n)).toBe("anonymous-2026-03-02");
  });
});
