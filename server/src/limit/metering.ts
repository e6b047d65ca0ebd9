/** What every limiter does alike, wherever it keeps its budgets. */
import { Algorithm } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { createTokenBucket } from "./gcra.js";
import type { BucketNumbers, LimitVerdict } from "./limiter.js";
import { capacityOf, type CreateMeter, type Meter, type Reading } from "./meter.js";
import { createStrictWindow } from "./strict-window.js";

/** Numbers that hold for one subject in place of the bucket's own. */
export interface OverrideNumbers {
  readonly requests: number;
  readonly burst: number;
}

/** Where a limiter asks for other numbers. */
export interface OverrideSource {
  /** The numbers in force for a subject of a bucket, if they differ. Called on every call: answers from memory. */
  find(bucket: string, subject: string): OverrideNumbers | undefined;
}

const meters: Readonly<Partial<Record<Algorithm, CreateMeter>>> = {
  [Algorithm.TOKEN_BUCKET]: createTokenBucket,
  [Algorithm.STRICT_WINDOW]: createStrictWindow,
};

/** The meter of a bucket, full or as it was saved. Throws a RangeError for a bucket without an algorithm. */
export function createMeter(bucket: BucketNumbers, saved?: Float64Array): Meter {
  const create = meters[bucket.algorithm];
  if (create === undefined) throw new RangeError(`bucket ${bucket.name} has no algorithm`);
  return create(saved);
}

/** Names one budget. A bucket's name has no blank (the contract's names are identifiers), so no subject reaches into another bucket. */
export function budgetKeyOf(bucket: BucketNumbers, subject: string): string {
  return `${bucket.name} ${subject}`;
}

/** The bucket with the numbers that hold for this subject. */
export function numbersInForce(bucket: BucketNumbers, subject: string, overrides: OverrideSource | undefined): BucketNumbers {
  const override = overrides?.find(bucket.name, subject);
  return override === undefined ? bucket : { ...bucket, requests: override.requests, burst: override.burst };
}

/** What a reading means to whoever asked. */
export function verdictOf(numbers: BucketNumbers, reading: Reading): LimitVerdict {
  return {
    admitted: reading.admitted,
    bucket: numbers,
    capacity: capacityOf(numbers),
    remaining: reading.remaining,
    fullInMs: reading.fullInUs / 1_000,
    nextUnitInMs: reading.nextUnitInUs / 1_000,
    retryAfterMs: reading.retryAfterUs / 1_000,
  };
}
