// Holds the limiter of several processes to what the limiter of one process answers, question by question.
import { mkdtempSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Algorithm } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seeded } from "../testing/random.js";
import type { BucketNumbers } from "./limiter.js";
import { createMemoryLimiter } from "./memory-limiter.js";
import { openSharedLimiter, prepareSharedLimits, type SharedLimiter, type SharedLimiterOptions } from "./shared-limiter.js";

const token = (requests: number, burst: number, windowMs: number): BucketNumbers => ({ name: "api", algorithm: Algorithm.TOKEN_BUCKET, requests, burst, windowMs });
const strict = (requests: number, windowMs: number): BucketNumbers => ({ name: "login", algorithm: Algorithm.STRICT_WINDOW, requests, burst: 0, windowMs });
const buckets = [token(100, 50, 60_000), token(7, 0, 1_000), token(1, 0, 3_600_000), token(100_000, 50_000, 60_000), strict(20, 60_000), strict(1, 1_000), strict(3_000, 10_000)];
const nameOf = ({ algorithm, requests, burst, windowMs }: BucketNumbers): string => `${Algorithm[algorithm]} ${requests}+${burst} per ${windowMs} ms`;

const fileBytes = 4 * 1024 * 1024;
const root = mkdtempSync(join(tmpdir(), "parapet-limits-"));
const opened: SharedLimiter[] = [];
let made = 0;

async function start(options: Partial<SharedLimiterOptions> = {}) {
  const directory = options.directory ?? join(root, `limits-${made++}`);
  if (options.directory === undefined) await prepareSharedLimits(directory, fileBytes);
  const clock = { nowMs: 12_345.678 };
  const limiter = openSharedLimiter({ directory, nowMs: () => clock.nowMs, buckets, ...options });
  opened.push(limiter);
  return { clock, limiter, directory };
}

afterAll(async () => {
  for (const limiter of opened) await limiter.close();
  await rm(root, { recursive: true });
});

describe.each(buckets.map((bucket) => [nameOf(bucket), bucket] as const))("a bucket of %s", (_name, bucket) => {
  it("answers what the memory limiter answers, for calls and pauses of every kind", async () => {
    const { clock, limiter } = await start();
    const reference = createMemoryLimiter({ nowMs: () => clock.nowMs });
    const random = seeded(bucket.requests);
    const pauses = [0, 0, 0.001, bucket.windowMs / bucket.requests, bucket.windowMs - 0.001, bucket.windowMs, bucket.windowMs * random(), bucket.windowMs * 2.5];
    for (let call = 0; call < 600; call++) {
      clock.nowMs += pauses[Math.floor(random() * pauses.length)]!;
      const subject = `u:usr_${Math.floor(random() * 3)}`;
      const cost = random() < 0.7 ? 1 : Math.ceil((random() * (bucket.requests + bucket.burst)) / 3);
      expect(limiter.spend(bucket, subject, cost)).toEqual(reference.spend(bucket, subject, cost));
    }
  });
});

describe("questions that are asked together", () => {
  it("are answered as they are one by one", async () => {
    const { clock, limiter } = await start();
    const reference = createMemoryLimiter({ nowMs: () => clock.nowMs });
    const random = seeded(3);
    const asked = [token(7, 3, 1_000), strict(5, 1_000)];
    for (let turn = 0; turn < 200; turn++) {
      clock.nowMs += random() * 400;
      limiter.together!(() => {
        for (let call = random() * 12; call > 0; call--) {
          const bucket = asked[Math.floor(random() * asked.length)]!;
          const subject = `u:usr_${Math.floor(random() * 4)}`;
          expect(limiter.spend(bucket, subject, 1)).toEqual(reference.spend(bucket, subject, 1));
        }
      });
    }
    expect(limiter.size).toBe(reference.size);
  });

  it("count in every process once they are answered", async () => {
    const { directory, limiter } = await start();
    const { limiter: other } = await start({ directory });
    const bucket = token(10, 0, 60_000);
    limiter.together!(() => {
      for (let call = 0; call < 6; call++) limiter.spend(bucket, "u:both", 1);
    });
    expect(other.spend(bucket, "u:both", 1).remaining).toBe(3);
    expect(limiter.spend(bucket, "u:both", 1).remaining).toBe(2);
  });

  it("count for nobody if the work throws", async () => {
    const { limiter } = await start();
    const bucket = token(10, 0, 60_000);
    const work = (): void => {
      for (let call = 0; call < 6; call++) limiter.spend(bucket, `u:${call % 2}`, 1);
      throw new RangeError("not to be counted");
    };
    expect(() => limiter.together!(work)).toThrow("not to be counted");
    expect(limiter.size).toBe(0);
    expect(limiter.spend(bucket, "u:0", 1).remaining).toBe(9);
  });

  it("count for nobody if one of them could not be counted, even if whoever asked lives with that", async () => {
    const { limiter, directory } = await start();
    const bucket = token(10, 0, 60_000);
    // Longer than any key that the environment takes.
    const beyond = `u:${"x".repeat(5_000)}`;
    expect(() =>
      limiter.together!(() => {
        limiter.spend(bucket, "u:1", 1);
        try {
          limiter.spend(bucket, beyond, 1);
        } catch {}
      }),
    ).toThrow(expect.objectContaining({ facts: expect.objectContaining({ name: "STORE_UNAVAILABLE" }) }));
    expect((await start({ directory })).limiter.spend(bucket, "u:1", 1).remaining).toBe(9);
  });

  it("leave room within the bound for budgets that are new", async () => {
    const { clock, limiter } = await start({ budgetsMax: 200 });
    const bucket = token(100, 0, 60_000);
    for (let turn = 0; turn < 200; turn++) {
      limiter.together!(() => {
        for (let call = 0; call < 20; call++) limiter.spend(bucket, [`s:${turn}.${call}`, "s:again", `s:${turn - 1}.${call - 2}`][call % 3]!, 1);
      });
    }
    expect(limiter.size).toBeLessThanOrEqual(201);
    expect(limiter.spend(bucket, "s:again", 1).admitted).toBe(false);
    clock.nowMs += 60_000;
    for (let subject = 0; subject < 40; subject++) limiter.spend(bucket, `t:${subject}`, 1);
    expect(limiter.size).toBe(40);
  });
});

describe("two limiters on one directory", () => {
  let first: SharedLimiter;
  let second: SharedLimiter;

  beforeAll(async () => {
    const { directory, limiter } = await start();
    first = limiter;
    second = (await start({ directory })).limiter;
  });

  it("spend one budget", () => {
    const bucket = token(10, 0, 60_000);
    const admitted = Array.from({ length: 30 }, (_, call) => (call % 2 === 0 ? first : second).spend(bucket, "u:both", 1)).filter((verdict) => verdict.admitted);
    expect(admitted.map(({ remaining }) => remaining)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  });

  it("keep subjects and buckets apart", () => {
    const bucket = token(1, 0, 60_000);
    expect(first.spend(bucket, "u:a", 1).admitted).toBe(true);
    expect(second.spend(bucket, "u:b", 1).admitted).toBe(true);
    expect(second.spend(strict(1, 60_000), "u:a", 1).admitted).toBe(true);
    expect(second.spend(bucket, "u:a", 1).admitted).toBe(false);
  });
});

describe("the budgets of several processes", () => {
  it("stay as they are when a call is refused", async () => {
    const { clock, limiter } = await start();
    const bucket = token(60, 0, 60_000);
    for (let call = 0; call < 60; call++) limiter.spend(bucket, "u:1", 1);
    for (let call = 0; call < 100; call++) expect(limiter.spend(bucket, "u:1", 1).retryAfterMs).toBe(1_000);
    clock.nowMs += 1_000;
    expect(limiter.spend(bucket, "u:1", 1).admitted).toBe(true);
  });

  it("are bounded, and random subjects do not wash out a drained one", async () => {
    const { limiter } = await start({ budgetsMax: 200 });
    const bucket = token(100, 0, 60_000);
    expect(limiter.spend(bucket, "u:drained", 100).admitted).toBe(true);
    for (let subject = 0; subject < 3_000; subject++) limiter.spend(bucket, `s:${subject}`, 1);
    expect(limiter.size).toBeLessThanOrEqual(201);
    expect(limiter.spend(bucket, "u:drained", 1).admitted).toBe(false);
  });

  it("are forgotten when they are full again", async () => {
    const { clock, limiter } = await start();
    const bucket = token(100, 0, 60_000);
    for (let subject = 0; subject < 500; subject++) limiter.spend(bucket, `s:${subject}`, 1);
    expect(limiter.size).toBe(500);
    clock.nowMs += 60_000;
    for (let subject = 0; subject < 20; subject++) limiter.spend(bucket, `t:${subject}`, 1);
    expect(limiter.size).toBe(20);
  });

  it("use the numbers of an override", async () => {
    const { limiter } = await start({ overrides: { find: (_bucket, subject) => (subject === "u:vip" ? { requests: 5, burst: 0 } : undefined) } });
    const bucket = token(1, 0, 60_000);
    const admitted = (subject: string): number => Array.from({ length: 9 }, () => limiter.spend(bucket, subject, 1)).filter((verdict) => verdict.admitted).length;
    expect([admitted("u:vip"), admitted("u:other")]).toEqual([5, 1]);
  });

  it("take the whole of their file at the start, so that a full disk is met there", async () => {
    const directory = join(root, "whole");
    await prepareSharedLimits(directory, fileBytes);
    const { size, blocks } = statSync(join(directory, "limits.mdb"));
    expect(size).toBe(fileBytes);
    expect(blocks * 512).toBeGreaterThanOrEqual(fileBytes * 0.9);
  });

  it("begin anew when they are prepared again", async () => {
    const { directory, limiter } = await start();
    const bucket = token(1, 0, 60_000);
    limiter.spend(bucket, "u:1", 1);
    await limiter.close();
    opened.splice(opened.indexOf(limiter), 1);
    await prepareSharedLimits(directory, fileBytes);
    expect((await start({ directory })).limiter.spend(bucket, "u:1", 1).admitted).toBe(true);
  });

  it("refuse to admit what they cannot count", async () => {
    const { limiter } = await start();
    await limiter.close();
    opened.splice(opened.indexOf(limiter), 1);
    expect(() => limiter.spend(token(1, 0, 60_000), "u:1", 1)).toThrow(expect.objectContaining({ facts: expect.objectContaining({ name: "STORE_UNAVAILABLE" }) }));
  });
});
