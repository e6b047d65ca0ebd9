// Sets, lists and ends overrides, and counts calls under them.
import { create } from "@bufbuild/protobuf";
import { Algorithm } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { DeleteLimitOverrideRequestSchema, ListLimitOverridesRequestSchema, SetLimitOverrideRequestSchema } from "@parapet/contract/parapet/system/v1/system_service_pb";
import { beforeEach, describe, expect, it } from "vitest";
import type { Call } from "../call.js";
import { Failure, Reason } from "../errors.js";
import { createIds } from "../identity/ids.js";
import { createMemoryStore } from "../store/memory.js";
import { createPageTokens } from "../store/page-token.js";
import type { Store } from "../store/store.js";
import { countedBytes } from "../testing/auth-fixture.js";
import { createDirectCommit } from "../testing/direct-commit.js";
import type { BucketNumbers } from "./limiter.js";
import { createMemoryLimiter } from "./memory-limiter.js";
import { createLimitOverrides, type LimitOverrides } from "./overrides.js";
import { accountSubject, sourceSubject, userSubject } from "./subject.js";

const api: BucketNumbers = { name: "api", algorithm: Algorithm.TOKEN_BUCKET, requests: 100, burst: 50, windowMs: 60_000 };
const login: BucketNumbers = { name: "login", algorithm: Algorithm.STRICT_WINDOW, requests: 20, burst: 0, windowMs: 60_000 };
const clock = { nowMs: 0 };
let store: Store;
let direct: ReturnType<typeof createDirectCommit>;
let overrides: LimitOverrides;

const open = () =>
  createLimitOverrides({
    store,
    tenant: "t",
    commit: direct.commit,
    pageTokens: createPageTokens(Buffer.alloc(32, 1)),
    newId: createIds({ nowMs: () => clock.nowMs, randomBytes: countedBytes() }),
    nowMs: () => clock.nowMs,
    buckets: [api, login],
    userIdOf: (name) => (name === "alice" ? "usr_alice" : undefined),
  });

beforeEach(() => {
  clock.nowMs = Date.parse("2026-03-02T12:00:00.250Z");
  store = createMemoryStore();
  direct = createDirectCommit(store);
  overrides = open();
});

const call = () => ({ recorded: "not yet", principal: { id: "usr_admin" }, audit: { resource: "", notes: [] } }) as unknown as Call;
const set = async (subject: string, numbers: { bucket?: string; requests?: number; burst?: number; seconds?: number } = {}) => {
  const { bucket = "", requests = 1_000, burst = 5, seconds = 600 } = numbers;
  return (await overrides.set(create(SetLimitOverrideRequestSchema, { subject, bucket, requests, burst, lifetime: { seconds: BigInt(seconds), nanos: 0 } }), call())).override!;
};
const list = (pageSize = 0, pageToken = "") => overrides.list(create(ListLimitOverridesRequestSchema, { pageSize, pageToken }), call());
const end = (id: string) => overrides.delete(create(DeleteLimitOverrideRequestSchema, { id }), call());
const reasonOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return "none";
  } catch (error) {
    return error instanceof Failure ? Reason[error.reason]! : String(error);
  }
};

describe("an override", () => {
  it("holds for the very next call of its subject and bucket, until it expires", async () => {
    const limiter = createMemoryLimiter({ nowMs: () => clock.nowMs, overrides });
    const capacityFor = (bucket: BucketNumbers, subject: string) => limiter.spend(bucket, subject, 1).capacity;
    const override = await set("user:alice");
    expect(override).toMatchObject({ subject: "user:alice", bucket: "api", requests: 1_000, burst: 5 });
    expect(override.expiresAt).toMatchObject({ seconds: BigInt(Math.floor(clock.nowMs / 1_000) + 600), nanos: 250_000_000 });
    expect(capacityFor(api, userSubject("usr_alice"))).toBe(1_005);
    expect(capacityFor(api, userSubject("usr_bob"))).toBe(150);
    expect(capacityFor(login, userSubject("usr_alice"))).toBe(20);
    clock.nowMs += 600_000;
    expect(capacityFor(api, userSubject("usr_alice"))).toBe(150);
    expect(list().overrides).toEqual([]);
  });

  it("of a source holds for all its spellings, of a user also for logins to the account", async () => {
    await set("source:2001:db8:0:1::5");
    await set("user:alice", { bucket: "login", requests: 500, burst: 7 });
    expect(overrides.find("api", sourceSubject("2001:DB8:0:1:ffff::1"))).toMatchObject({ requests: 1_000 });
    expect(overrides.find("api", sourceSubject("2001:db8:0:2::5"))).toBeUndefined();
    expect(overrides.find("login", accountSubject("t", "alice"))).toMatchObject({ requests: 500, burst: 0 });
  });

  it("replaces the one before of the same subject and bucket, and says so in its record", async () => {
    const first = await set("source:203.0.113.7");
    const second = await set("source:::ffff:203.0.113.7", { requests: 7 });
    expect(second.id).toBe(first.id);
    await set("source:203.0.113.7", { bucket: "login" });
    expect(list().overrides).toHaveLength(2);
    expect(direct.changes[1]).toMatchObject({
      resource: `limits/overrides/${first.id}`,
      notes: [{ name: "bucket", value: "api" }, { name: "limit_before", value: "1000+5 until 2026-03-02T12:10:00.250Z" }, { name: "limit_after", value: "7+5 until 2026-03-02T12:10:00.250Z" }],
    });
    // Where a source is written down, it is as a pseudonym, by the gate.
    expect(JSON.stringify(direct.changes)).not.toContain("203.0.113.7");
  });

  it("ends when it is deleted, once", async () => {
    const { id } = await set("user:alice");
    expect(await end(id)).toMatchObject({ status: "deleted" });
    expect(overrides.find("api", userSubject("usr_alice"))).toBeUndefined();
    expect(await reasonOf(() => end(id))).toBe("LIMIT_OVERRIDE_NOT_FOUND");
    const expired = await set("user:alice", { seconds: 1 });
    clock.nowMs += 1_000;
    expect(await reasonOf(() => end(expired.id))).toBe("LIMIT_OVERRIDE_NOT_FOUND");
  });

  it("survives a restart and leaves no row when it is over", async () => {
    await set("user:alice", { seconds: 10 });
    overrides.close();
    overrides = open();
    expect(overrides.find("api", userSubject("usr_alice"))).toMatchObject({ requests: 1_000 });
    clock.nowMs += 10_000;
    await set("source:203.0.113.7");
    expect([...store.range({ gte: Uint8Array.of(0), lt: Uint8Array.of(255) })]).toHaveLength(1);
  });

  it("is listed page by page", async () => {
    for (let i = 1; i <= 5; i++) {
      await set(`source:203.0.113.${i}`);
      clock.nowMs += 1;
    }
    const seen: string[] = [];
    for (let token = "", first = true; first || token !== ""; first = false) {
      const page = list(2, token);
      seen.push(...page.overrides.map(({ subject }) => subject));
      token = page.nextPageToken;
    }
    expect(seen).toEqual([1, 2, 3, 4, 5].map((i) => `source:203.0.113.${i}`));
    expect(await reasonOf(() => list(2, "AAAA"))).toBe("PAGE_TOKEN_INVALID");
  });

  it.each([
    ["user:nobody", {}, "USER_NOT_FOUND"],
    ["source:localhost", {}, "FIELD_INVALID"],
    ["source:203.0.113.7:80", {}, "FIELD_INVALID"],
    ["user:\ud83d", {}, "FIELD_INVALID"],
    ["user:alice", { bucket: "none" }, "FIELD_INVALID"],
  ])("for %j is refused", async (subject, numbers, reason) => {
    expect(await reasonOf(() => set(subject, numbers))).toBe(reason);
    expect(direct.changes).toEqual([]);
  });
});
