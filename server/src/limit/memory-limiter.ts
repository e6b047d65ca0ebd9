/** The limiter of one process: every budget in memory, in bounded space. */
import { Algorithm } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { bucketsLookedAt, bucketsMax } from "../limits.js";
import { createTokenBucket } from "./gcra.js";
import type { BucketNumbers, Limiter } from "./limiter.js";
import { capacityOf, type Meter } from "./meter.js";
import { createStrictWindow } from "./strict-window.js";

/** Numbers that hold for one subject in place of the bucket's own. */
export interface OverrideNumbers {
  readonly requests: number;
  readonly burst: number;
}

/** Where the limiter asks for other numbers. */
export interface OverrideSource {
  /** The numbers in force for a subject of a bucket, if they differ. Called on every call: answers from memory. */
  find(bucket: string, subject: string): OverrideNumbers | undefined;
}

/** What the limiter is made of. */
export interface MemoryLimiterOptions {
  /** Monotonic clock in milliseconds, finer than one (`performance.now`). */
  readonly nowMs: () => number;
  readonly overrides?: OverrideSource;
  /** Budgets kept at most. Default: `limits.bucketsMax`. */
  readonly budgetsMax?: number;
}

/** A limiter that says how much it remembers. */
export interface MemoryLimiter extends Limiter {
  /** Budgets in memory. */
  readonly size: number;
}

interface Budget {
  readonly meter: Meter;
  /** From then on nothing is missing, and forgetting the budget changes nothing. */
  fullAtUs: number;
}

const meters: Readonly<Partial<Record<Algorithm, () => Meter>>> = {
  [Algorithm.TOKEN_BUCKET]: createTokenBucket,
  [Algorithm.STRICT_WINDOW]: createStrictWindow,
};

/**
 * Makes a limiter whose budgets are keyed by bucket and subject. Each new budget makes it look at a few old ones: those that
 * are full again go. When there are more than `budgetsMax`, the fullest of those looked at goes, which forgives the least and
 * never a drained budget while idle ones are in reach, so that nobody washes out a refusal with random subjects (RL-21).
 */
export function createMemoryLimiter({ nowMs, overrides, budgetsMax = bucketsMax }: MemoryLimiterOptions): MemoryLimiter {
  const budgets = new Map<string, Budget>();
  let sweep = budgets.entries();

  /** Looks at the next few budgets, round and round. */
  function makeRoom(nowUs: number): void {
    let fullest: string | undefined;
    let fullestAtUs = Infinity;
    let dropped = false;
    for (let looked = 0; looked < bucketsLookedAt && budgets.size > 0; looked++) {
      let next = sweep.next();
      if (next.done) {
        sweep = budgets.entries();
        next = sweep.next();
        if (next.done) return;
      }
      const [key, { fullAtUs }] = next.value;
      if (fullAtUs <= nowUs) {
        budgets.delete(key);
        dropped = true;
      } else if (fullAtUs < fullestAtUs) {
        fullest = key;
        fullestAtUs = fullAtUs;
      }
    }
    if (!dropped && budgets.size >= budgetsMax && fullest !== undefined) budgets.delete(fullest);
  }

  return {
    get size() {
      return budgets.size;
    },
    spend(bucket, subject, cost) {
      const nowUs = Math.floor(nowMs() * 1_000);
      const numbers = inForce(bucket, overrides?.find(bucket.name, subject));
      // A bucket's name has no blank (the contract's names are identifiers), so no subject reaches into another bucket.
      const key = `${bucket.name} ${subject}`;
      let budget = budgets.get(key);
      if (budget === undefined) {
        makeRoom(nowUs);
        budget = { meter: meterOf(bucket), fullAtUs: nowUs };
        budgets.set(key, budget);
      }
      const reading = budget.meter.spend(numbers, cost, nowUs);
      budget.fullAtUs = nowUs + reading.fullInUs;
      return {
        admitted: reading.admitted,
        bucket: numbers,
        capacity: capacityOf(numbers),
        remaining: reading.remaining,
        fullInMs: reading.fullInUs / 1_000,
        nextUnitInMs: reading.nextUnitInUs / 1_000,
        retryAfterMs: reading.retryAfterUs / 1_000,
      };
    },
  };
}

function inForce(bucket: BucketNumbers, override: OverrideNumbers | undefined): BucketNumbers {
  return override === undefined ? bucket : { ...bucket, requests: override.requests, burst: override.burst };
}

function meterOf(bucket: BucketNumbers): Meter {
  const create = meters[bucket.algorithm];
  if (create === undefined) throw new RangeError(`bucket ${bucket.name} has no algorithm`);
  return create();
}
