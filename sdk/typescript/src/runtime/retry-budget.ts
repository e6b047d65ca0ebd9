/** How many retries a client may add to its calls. */

/** Bounds retries to a share of the calls. */
export interface RetryBudget {
  /** A call starts: it earns its share of a retry. */
  deposit(): void;
  /** Takes one retry, if there is one. */
  take(): boolean;
}

/** Numbers of a retry budget. */
export interface RetryBudgetOptions {
  /** Retries that each call earns. Default 0.1: a dead server sees at most a tenth more requests. */
  readonly ratio?: number;
  /** Retries that can be saved up while all goes well. Default 10. */
  readonly burst?: number;
}

/** Makes a budget: a token bucket in the manner of gRFC A6. Just short of one retry is there from the start, so that the very first call may have one. */
export function createRetryBudget({ ratio = 0.1, burst = 10 }: RetryBudgetOptions = {}): RetryBudget {
  let saved = ratio && Math.min(Math.max(0, 1 - ratio), burst);
  return {
    deposit() {
      saved = Math.min(saved + ratio, burst);
    },
    take() {
      // Tenths do not quite add up in binary.
      const some = saved > 1 - 1e-9;
      if (some) saved--;
      return some;
    },
  };
}
