/** What a rate limiter answers, and the port it is asked through. */
import type { Algorithm } from "@parapet/contract/parapet/policy/v1/policy_pb";

/** The numbers of one bucket in force. */
export interface BucketNumbers {
  readonly name: string;
  readonly algorithm: Algorithm;
  /** Sustained requests per window. */
  readonly requests: number;
  /** Requests above them from idle; 0 for strict windows. */
  readonly burst: number;
  readonly windowMs: number;
}

/** The state of one budget after a question. */
export interface LimitVerdict {
  readonly admitted: boolean;
  readonly bucket: BucketNumbers;
  /** requests + burst. */
  readonly capacity: number;
  /** Whole units left now. */
  readonly remaining: number;
  /** Milliseconds until the budget is full again. */
  readonly fullInMs: number;
  /** Milliseconds until one more unit is there; 0 if one is there now and none is missing. */
  readonly nextUnitInMs: number;
  /** Milliseconds to wait until this call would be admitted; 0 if it was. Infinity: never (cost above capacity). */
  readonly retryAfterMs: number;
}

/** Counts calls against budgets. Refused calls spend nothing (RL-07). */
export interface Limiter {
  /** Asks for `cost` units of `bucket` on behalf of `subject` (an opaque key such as `u:usr_…` or `s:203.0.113.7`). */
  spend(bucket: BucketNumbers, subject: string, cost: number): LimitVerdict;
  /**
   * Runs work that spends, as one question instead of one a call; absent where that saves nothing. Throws where one of the
   * questions could not be answered or counted, and then none of them counts.
   */
  together?(work: () => void): void;
}
