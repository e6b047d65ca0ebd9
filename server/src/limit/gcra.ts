/** Token buckets by the generic cell rate algorithm (ITU-T I.371), in whole numbers. */
import type { BucketNumbers } from "./limiter.js";
import { capacityOf, type Meter } from "./meter.js";

/**
 * A bucket that holds `requests + burst` units when full and gains `requests` per window, evenly: in any interval d it
 * admits at most capacity + d × requests / window (RL-01).
 *
 * What is kept is the missing amount, in units × microseconds of the window. In this scale a microsecond gives back exactly
 * `requests`, so that nothing is rounded and the wait that is named is the wait that holds, as long as
 * capacity × window stays below 2^53 (at 60 s: 150 million units).
 */
export function createTokenBucket(saved?: Float64Array): Meter {
  let [missing = 0, atUs = 0] = saved ?? [];
  return {
    spend(bucket, cost, nowUs) {
      const unit = bucket.windowMs * 1_000;
      const whole = capacityOf(bucket) * unit;
      if (nowUs > atUs) {
        missing = Math.max(0, missing - (nowUs - atUs) * bucket.requests);
        atUs = nowUs;
      }
      // What was spent under larger numbers, before an override ended, is owed only up to an empty bucket.
      missing = Math.min(missing, whole);
      const needed = cost * unit;
      const admitted = missing + needed <= whole;
      if (admitted) missing += needed;
      return readingOf(bucket, whole, missing, admitted ? 0 : needed);
    },
    state: () => Float64Array.of(missing, atUs),
  };
}

function readingOf(bucket: BucketNumbers, whole: number, missing: number, refused: number) {
  const unit = bucket.windowMs * 1_000;
  const missingUnits = Math.ceil(missing / unit);
  const inUs = (amount: number): number => Math.ceil(amount / bucket.requests);
  return {
    admitted: refused === 0,
    remaining: capacityOf(bucket) - missingUnits,
    fullInUs: inUs(missing),
    nextUnitInUs: missing === 0 ? 0 : inUs(missing - (missingUnits - 1) * unit),
    retryAfterUs: refused === 0 ? 0 : refused > whole ? Infinity : inUs(missing + refused - whole),
  };
}
