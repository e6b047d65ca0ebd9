/** Time as a parameter, so that tests can drive it. */

/** What the runtime needs to know of time. */
export interface Clock {
  /** Milliseconds from some fixed point; never goes back. */
  now(): number;
  /** Unix time in milliseconds. */
  date(): number;
  /** Calls back once after so many milliseconds; the returned function cancels. */
  after(ms: number, callback: () => void): () => void;
}

/** Longest delay of `setTimeout`, in milliseconds; it fires at once for more. */
const timerMsMax = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => Date.now(),
  after(ms, callback) {
    if (ms > timerMsMax) return () => {};
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
