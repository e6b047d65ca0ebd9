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
  // In thousandths, because tenths do not add up in binary.
  const unit = 1000;
  const share = Math.round(ratio * unit);
  let saved = share && Math.max(0, Math.min(unit - share, burst * unit));
  return {
    deposit() {
      saved = Math.min(saved + share, burst * unit);
    },
    take() {
      if (saved < unit) return false;
      saved -= unit;
      return true;
    },
  };
}
