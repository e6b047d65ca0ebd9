/** The limiter of one process: every budget in memory, in bounded space. */
import { bucketsLookedAt, bucketsMax } from "../limits.js";
import type { Limiter } from "./limiter.js";
import type { Meter } from "./meter.js";
import { budgetKeyOf, createMeter, numbersInForce, type OverrideSource, verdictOf } from "./metering.js";

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
      const numbers = numbersInForce(bucket, subject, overrides);
      const key = budgetKeyOf(bucket, subject);
      let budget = budgets.get(key);
      if (budget === undefined) {
        makeRoom(nowUs);
        budget = { meter: createMeter(bucket), fullAtUs: nowUs };
        budgets.set(key, budget);
      }
      const reading = budget.meter.spend(numbers, cost, nowUs);
      budget.fullAtUs = nowUs + reading.fullInUs;
      return verdictOf(numbers, reading);
    },
  };
}
