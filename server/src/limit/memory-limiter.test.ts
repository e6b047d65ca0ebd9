// Holds every budget to its bound and its promises, under a clock of its own and arrivals of every kind.
import { Algorithm } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { describe, expect, it } from "vitest";
import { strictWindowEntriesMax } from "../limits.js";
import { seeded } from "../testing/random.js";
import type { BucketNumbers } from "./limiter.js";
import { createMemoryLimiter, type MemoryLimiterOptions } from "./memory-limiter.js";

const token = (requests: number, burst: number, windowMs: number, name = "api"): BucketNumbers => ({ name, algorithm: Algorithm.TOKEN_BUCKET, requests, burst, windowMs });
const strict = (requests: number, windowMs: number): BucketNumbers => ({ name: "login", algorithm: Algorithm.STRICT_WINDOW, requests, burst: 0, windowMs });
const capacity = ({ requests, burst }: BucketNumbers): number => requests + burst;

/** A limiter with a clock that stands until it is moved. */
function start(options: Omit<MemoryLimiterOptions, "nowMs"> = {}) {
  const clock = { nowMs: 12_345.678 };
  const limiter = createMemoryLimiter({ nowMs: () => clock.nowMs, ...options });
  const spend = (bucket: BucketNumbers, cost = 1, subject = "u:usr_1") => limiter.spend(bucket, subject, cost);
  return { clock, limiter, spend };
}

const buckets = [
  token(100, 50, 60_000),
  token(7, 0, 1_000),
  token(3, 11, 61_000),
  token(1_000, 1, 100),
  token(1, 0, 3_600_000),
  token(100_000, 50_000, 60_000),
  strict(20, 60_000),
  strict(1, 1_000),
  strict(7, 333),
];

const nameOf = ({ algorithm, requests, burst, windowMs }: BucketNumbers): string => `${Algorithm[algorithm]} ${requests}+${burst} per ${windowMs} ms`;

/** Waits of every kind: none, tiny, a fair share, around a window's edge, long. */
function pause(random: () => number, { requests, windowMs }: BucketNumbers): number {
  const kinds = [0, 0, 0.000_7, windowMs / requests, (windowMs / requests) * random(), windowMs - 0.001, windowMs, windowMs * random(), windowMs * 2.5];
  return kinds[Math.floor(random() * kinds.length)]!;
}

describe.each(buckets)("a bucket of %#", (bucket) => {
  it(`${nameOf(bucket)} admits no more than its bound in any interval`, () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = seeded(seed);
      const { clock, spend } = start();
      const admitted: { atMs: number; cost: number }[] = [];
      for (let call = 0; call < 400; call++) {
        clock.nowMs += pause(random, bucket);
        const cost = random() < 0.7 ? 1 : Math.ceil((random() * capacity(bucket)) / 3);
        if (spend(bucket, cost).admitted) admitted.push({ atMs: clock.nowMs, cost });
      }
      expectBound(bucket, admitted);
    }
  });

  it(`${nameOf(bucket)} admits no more across the edge of a window`, () => {
    const { clock, spend } = start();
    const admitted: { atMs: number; cost: number }[] = [];
    const hammer = () => {
      for (let i = 0; i < Math.min(capacity(bucket) * 2, 2_000); i++) if (spend(bucket).admitted) admitted.push({ atMs: clock.nowMs, cost: 1 });
    };
    for (const at of [0, bucket.windowMs * 0.999, bucket.windowMs, bucket.windowMs * 1.001, bucket.windowMs * 2]) {
      clock.nowMs = 12_345.678 + at;
      hammer();
    }
    expectBound(bucket, admitted);
  });

  it(`${nameOf(bucket)} admits a full burst from idle and then a client that keeps its pace`, () => {
    const { clock, spend } = start();
    const whole = capacity(bucket);
    expect(spend(bucket, whole).admitted).toBe(true);
    expect(spend(bucket).admitted).toBe(false);
    clock.nowMs += bucket.windowMs;
    for (let call = 0; call < 300; call++) {
      clock.nowMs += bucket.windowMs / bucket.requests + 0.001;
      expect(spend(bucket).admitted).toBe(true);
    }
  });

  it(`${nameOf(bucket)} admits after the wait it names and not after 80 % of it`, () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = seeded(seed);
      const { clock, spend } = start();
      for (let call = 0, refusals = 0; call < 2_000 && refusals < 40; call++) {
        clock.nowMs += pause(random, bucket) * random() * 0.3;
        const cost = random() < 0.5 ? 1 : Math.ceil(random() * capacity(bucket));
        const verdict = spend(bucket, cost);
        if (verdict.admitted) continue;
        refusals++;
        const refusedAt = clock.nowMs;
        clock.nowMs = refusedAt + 0.8 * verdict.retryAfterMs - 0.002;
        if (clock.nowMs > refusedAt) expect(spend(bucket, cost).admitted).toBe(false);
        // RetryInfo is rounded up to whole nanoseconds; the limiter's clock ticks in microseconds.
        clock.nowMs = refusedAt + Math.ceil(verdict.retryAfterMs * 1e6) / 1e6 + 0.001;
        expect(spend(bucket, cost).admitted).toBe(true);
      }
    }
  });

  it(`${nameOf(bucket)} keeps the promise of what remains and of the next unit`, () => {
    for (let seed = 1; seed <= 8; seed++) {
      const random = seeded(seed);
      const { clock, spend } = start();
      for (let call = 0; call < 60; call++) {
        clock.nowMs += pause(random, bucket);
        const verdict = spend(bucket, Math.ceil(random() * capacity(bucket)));
        expect(verdict.remaining).toBeGreaterThanOrEqual(0);
        expect(verdict.remaining).toBeLessThanOrEqual(verdict.capacity);
        expect(verdict.nextUnitInMs).toBeLessThanOrEqual(bucket.windowMs);
        expect(verdict.nextUnitInMs).toBeLessThanOrEqual(verdict.fullInMs);
        if (!verdict.admitted) expect(verdict.nextUnitInMs).toBeLessThanOrEqual(verdict.retryAfterMs);
        if (verdict.fullInMs > 0) {
          clock.nowMs += verdict.nextUnitInMs + 0.001;
          expect(spend(bucket, verdict.remaining + 1).admitted).toBe(true);
        }
      }
    }
  });
});

describe("a budget", () => {
  const api = token(100, 50, 60_000);

  it("is not spent by refused calls, however many", () => {
    for (const bucket of [api, strict(20, 60_000)]) {
      const { clock, spend } = start();
      spend(bucket, capacity(bucket));
      const { retryAfterMs } = spend(bucket);
      for (let i = 0; i < 500; i++) {
        clock.nowMs += retryAfterMs / 600;
        expect(spend(bucket).admitted).toBe(false);
      }
      clock.nowMs += retryAfterMs / 6 + 0.001;
      expect(spend(bucket).admitted).toBe(true);
    }
  });

  it("is spent by the cost of a call", () => {
    const { spend } = start();
    expect(spend(api, 5)).toMatchObject({ admitted: true, capacity: 150, remaining: 145, nextUnitInMs: 600, fullInMs: 3_000 });
    expect(spend(api, 145)).toMatchObject({ admitted: true, remaining: 0, fullInMs: 90_000 });
    expect(spend(api, 5)).toMatchObject({ admitted: false, remaining: 0, retryAfterMs: 3_000, nextUnitInMs: 600 });
  });

  it("never admits a cost above its capacity", () => {
    for (const bucket of [api, strict(20, 60_000)]) {
      const { spend } = start();
      expect(spend(bucket, capacity(bucket) + 1)).toMatchObject({ admitted: false, retryAfterMs: Infinity, remaining: capacity(bucket) });
    }
  });

  it("belongs to one subject and one bucket", () => {
    const { spend } = start();
    spend(api, 150, "u:usr_a");
    expect(spend(api, 1, "u:usr_a").admitted).toBe(false);
    expect(spend(api, 1, "u:usr_b").remaining).toBe(149);
    expect(spend({ ...api, name: "export" }, 1, "u:usr_a").remaining).toBe(149);
  });

  it("survives a clock that steps back", () => {
    for (const bucket of [api, strict(20, 60_000)]) {
      const { clock, spend } = start();
      spend(bucket, capacity(bucket));
      clock.nowMs -= 10_000;
      expect(spend(bucket).admitted).toBe(false);
      clock.nowMs += 10_000 + bucket.windowMs * 2;
      expect(spend(bucket).admitted).toBe(true);
    }
  });

  it("is refused by name where its algorithm is not stated", () => {
    const { spend } = start();
    expect(() => spend({ ...api, algorithm: Algorithm.UNSPECIFIED })).toThrow("bucket api has no algorithm");
  });
});

describe("an override", () => {
  it("changes the numbers of its subject alone, and only while it is there", () => {
    let numbers: { requests: number; burst: number } | undefined = { requests: 100_000, burst: 0 };
    const { clock, spend } = start({ overrides: { find: (bucket, subject) => (bucket === "api" && subject === "u:usr_1" ? numbers : undefined) } });
    const api = token(100, 50, 60_000);
    expect(spend(api, 60_000)).toMatchObject({ admitted: true, capacity: 100_000 });
    expect(spend(api, 151, "u:usr_2").admitted).toBe(false);
    numbers = undefined;
    // What was spent under the override leaves an empty bucket, not a debt of ten hours.
    expect(spend(api)).toMatchObject({ admitted: false, capacity: 150, retryAfterMs: 600 });
    clock.nowMs += 600.001;
    expect(spend(api).admitted).toBe(true);
  });
});

describe("a large strict window", () => {
  it("stays in bounded memory and within its bound, at most a slice late", () => {
    const bucket = strict(50_000, 60_000);
    const random = seeded(5);
    const { clock, spend } = start();
    const admitted: { atMs: number; cost: number }[] = [];
    for (let call = 0; call < 20_000; call++) {
      clock.nowMs += random() * 10;
      if (spend(bucket, 20).admitted) admitted.push({ atMs: clock.nowMs, cost: 20 });
    }
    expectBound(bucket, admitted);
    clock.nowMs += 2 * bucket.windowMs;
    spend(bucket, 50_000);
    const { retryAfterMs } = spend(bucket, 1);
    expect(retryAfterMs).toBeLessThanOrEqual(bucket.windowMs + bucket.windowMs / strictWindowEntriesMax);
  });
});

describe("the limiter's memory", () => {
  const api = token(100, 50, 60_000);

  it("does not grow with random subjects", () => {
    const { clock, limiter, spend } = start({ budgetsMax: 1_000 });
    for (let i = 0; i < 20_000; i++) {
      clock.nowMs += 0.01;
      spend(api, 1, `s:${i}`);
      expect(limiter.size).toBeLessThanOrEqual(1_000);
    }
  });

  it("keeps a drained budget while strangers come and go", () => {
    const { clock, spend } = start({ budgetsMax: 1_000 });
    spend(api, 150, "u:drained");
    for (let i = 0; i < 5_000; i++) {
      clock.nowMs += 0.01;
      spend(api, 1, `s:${i}`);
    }
    expect(spend(api, 150, "u:drained").admitted).toBe(false);
  });

  it("forgets one budget for another, the full one", () => {
    const { clock, limiter, spend } = start({ budgetsMax: 3 });
    spend(api, 1, "u:nearly full");
    clock.nowMs += 60_000 / api.requests;
    for (const subject of ["u:half", "u:drained"]) spend(api, subject === "u:half" ? 75 : 150, subject);
    spend(api, 1, "u:new");
    expect(limiter.size).toBe(3);
    expect([spend(api, 76, "u:half").admitted, spend(api, 1, "u:drained").admitted]).toEqual([false, false]);
  });

  it("forgets budgets that are full again", () => {
    const { clock, limiter, spend } = start();
    for (let i = 0; i < 500; i++) spend(api, 1, `s:${i}`);
    clock.nowMs += 60_000;
    for (let i = 0; i < 40; i++) spend(api, 1, `t:${i}`);
    expect(limiter.size).toBeLessThanOrEqual(40);
  });
});

/** No interval between two admitted calls holds more than the bound of the bucket allows. */
function expectBound(bucket: BucketNumbers, admitted: readonly { atMs: number; cost: number }[]): void {
  const perMs = bucket.requests / bucket.windowMs;
  for (let from = 0; from < admitted.length; from++) {
    let units = 0;
    for (let to = from; to < admitted.length; to++) {
      const lengthMs = admitted[to]!.atMs - admitted[from]!.atMs;
      units += admitted[to]!.cost;
      if (bucket.algorithm === Algorithm.STRICT_WINDOW) {
        if (lengthMs >= bucket.windowMs - 0.001) break;
        if (units > bucket.requests) expect({ from, to, lengthMs, units }).toEqual("at most requests in a window");
      } else if (units > capacity(bucket) + perMs * (lengthMs + 0.001) + 1e-6) {
        expect({ from, to, lengthMs, units }).toEqual("at most capacity + rate × d");
      }
    }
  }
}
