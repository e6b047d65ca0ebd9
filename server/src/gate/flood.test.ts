/** However many refusals there are, the log takes one record a second of each who is refused, and none goes uncounted. */
import { RecordPhase } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import { describe, expect, it } from "vitest";
import { factsWith } from "../audit/fixtures.js";
import type { AuditFacts } from "../audit/sink.js";
import { countedRecordIntervalMs } from "../limits.js";
import { createFlood } from "./flood.js";

function setUp(key: Uint8Array = Buffer.alloc(32, 1)) {
  const written: AuditFacts[] = [];
  const clock = { nowMs: 0 };
  const flood = createFlood({ write: async (facts) => void written.push(facts) }, key, () => clock.nowMs);
  const refuse = (subject: string, resource = "collections/blog"): boolean => flood.admits(subject, factsWith({ resource }));
  /** Writes what was counted; gives what that is. */
  const flush = async (): Promise<AuditFacts[]> => {
    await flood.flush();
    return written.splice(0);
  };
  return { clock, refuse, flush };
}

describe("refusals of one subject", () => {
  it("are recorded by themselves as long as they are a second apart", async () => {
    const { clock, refuse, flush } = setUp();
    for (let at = 0; at < 3; at++, clock.nowMs += countedRecordIntervalMs) expect(refuse("a")).toBe(true);
    expect(await flush()).toEqual([]);
  });

  it("become one record where they come faster, which says how many they were", async () => {
    const { clock, refuse, flush } = setUp();
    expect(["x", "y", "y", "x", "z"].map((name) => refuse("a", `collections/${name}`))).toEqual([true, false, false, false, false]);
    const counted = await flush();
    expect(counted).toMatchObject([{ phase: RecordPhase.COUNTED, count: 4, distinctTargets: 3, resource: "collections/z", actorId: "usr_1" }]);
    expect(counted[0]!.targetSamples).toHaveLength(3);
    expect(await flush()).toEqual([]);
    // The counted record was one of this second.
    clock.nowMs = countedRecordIntervalMs - 1;
    expect(refuse("a")).toBe(false);
    expect(await flush()).toMatchObject([{ count: 1, distinctTargets: 1 }]);
    clock.nowMs = 2 * countedRecordIntervalMs - 1;
    expect(refuse("a")).toBe(true);
  });

  it("are not forgotten where nothing is written for long", async () => {
    const { clock, refuse, flush } = setUp();
    expect([refuse("a"), refuse("a")]).toEqual([true, false]);
    clock.nowMs = 5 * countedRecordIntervalMs;
    expect(refuse("a")).toBe(false);
    expect((await flush()).map(({ count }) => count)).toEqual([2]);
  });

  it("are counted for a whole second, whenever it began", async () => {
    const { clock, refuse, flush } = setUp();
    clock.nowMs = 5 * countedRecordIntervalMs;
    expect(refuse("a")).toBe(true);
    clock.nowMs += countedRecordIntervalMs / 2;
    expect(await flush()).toEqual([]);
    expect(refuse("a")).toBe(false);
  });

  it("are told of as failed if they cannot be written", async () => {
    const flood = createFlood({ write: () => Promise.reject(new Error("full")) }, Buffer.alloc(32), () => 0);
    for (let at = 0; at < 2; at++) flood.admits("a", factsWith());
    await expect(flood.flush()).rejects.toThrow("full");
  });

  it("do not count for another", async () => {
    const { refuse, flush } = setUp();
    expect(["a", "b", "b", "a", "b"].map((subject) => refuse(subject))).toEqual([true, true, false, false, false]);
    expect((await flush()).map(({ count }) => count)).toEqual([1, 2]);
  });
});

describe("a counted record", () => {
  const samplesOf = async (key: Uint8Array, names: readonly string[]): Promise<string[]> => {
    const { refuse, flush } = setUp(key);
    for (const name of ["first", ...names]) refuse("a", name);
    return (await flush())[0]!.targetSamples!.map((sample) => Buffer.from(sample).toString("hex"));
  };

  it("names its targets by a keyed hash alone, the same for the same", async () => {
    const samples = await samplesOf(Buffer.alloc(32, 1), ["collections/blog", "collections/news"]);
    expect(samples.map((sample) => sample.length)).toEqual([32, 32]);
    expect(samples[0]).not.toBe(samples[1]);
    expect(await samplesOf(Buffer.alloc(32, 1), ["collections/news"])).toEqual([samples[1]]);
    expect(await samplesOf(Buffer.alloc(32, 2), ["collections/news"])).not.toEqual([samples[1]]);
  });

  it("has the first sixteen of them, and counts a thousand", async () => {
    const { refuse, flush } = setUp();
    refuse("a");
    for (let at = 0; at < 1_500; at++) refuse("a", `collections/${at}`);
    const [counted] = await flush();
    expect([counted?.count, counted?.distinctTargets, counted?.targetSamples?.length]).toEqual([1_500, 1_000, 16]);
    expect(counted!.targetSamples!.map((sample) => Buffer.from(sample).toString("hex"))).toEqual(await samplesOf(Buffer.alloc(32, 1), Array.from({ length: 16 }, (_, at) => `collections/${at}`)));
  });
});

describe("subjects beyond ten thousand", () => {
  it("are counted together, until others have been quiet for a second", async () => {
    const { clock, refuse, flush } = setUp();
    for (let at = 0; at < 10_000; at++) expect(refuse(`s${at}`)).toBe(true);
    expect(["t0", "t1", "t2", "s0"].map((subject) => refuse(subject))).toEqual([true, false, false, false]);
    expect((await flush()).map(({ count }) => count)).toEqual([1, 2]);
    clock.nowMs = countedRecordIntervalMs;
    expect(await flush()).toEqual([]);
    expect(["t0", "t1", "t2", "t2"].map((subject) => refuse(subject))).toEqual([true, true, true, false]);
  });
});
