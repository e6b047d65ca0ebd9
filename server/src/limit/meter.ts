/** How one budget of a bucket is counted: the shape that every algorithm has. */
import { Algorithm } from "@parapet/contract/parapet/policy/v1/policy_pb";
import type { BucketNumbers } from "./limiter.js";

/** What a meter answers. Times in microseconds, from now. */
export interface Reading {
  readonly admitted: boolean;
  /** Whole units left after this call. */
  readonly remaining: number;
  /** Until nothing is missing. */
  readonly fullInUs: number;
  /** Until there is one unit more than `remaining`; 0 if none is missing. */
  readonly nextUnitInUs: number;
  /** Until this call would be admitted if nothing else were spent; 0 if it was, Infinity if never. */
  readonly retryAfterUs: number;
}

/** The state of one budget, driven by a monotonic clock in whole microseconds. */
export interface Meter {
  /** Spends `cost` units, a whole number of at least 1, if there are as many; a refused call spends nothing (RL-07). */
  spend(bucket: BucketNumbers, cost: number, nowUs: number): Reading;
  /** What a meter of the same algorithm goes on from, in another process or later. */
  state(): Float64Array;
}

/** Makes a meter: full, or as far as `saved` says. */
export type CreateMeter = (saved?: Float64Array) => Meter;

/** Units that can be spent at once from idle; strict windows have no burst. */
export function capacityOf(bucket: BucketNumbers): number {
  return bucket.algorithm === Algorithm.STRICT_WINDOW ? bucket.requests : bucket.requests + bucket.burst;
}
