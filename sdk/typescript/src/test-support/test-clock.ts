/** A clock that stands still until a test moves it. */
import type { Clock } from "../runtime/clock.js";

/** A clock under the test's control. */
export interface TestClock extends Clock {
  /** Delays that were asked for and not cancelled, in milliseconds. */
  pending(): number[];
  /** Every delay that was ever asked for. */
  readonly asked: number[];
  /** Moves on and calls back whom it concerns. */
  advance(ms: number): void;
}

/** Makes a clock. Delays of at most `skipUpToMs` pass at once, so that a test need not wait for them; they count as time all the same. */
export function createTestClock({ skipUpToMs = 0, date = Date.UTC(2026, 0, 1) } = {}): TestClock {
  let now = 0;
  const timers = new Set<{ readonly due: number; readonly callback: () => void }>();
  const asked: number[] = [];
  const advance = (ms: number): void => {
    now += ms;
    for (const timer of [...timers].sort((a, b) => a.due - b.due)) {
      if (timer.due <= now && timers.delete(timer)) timer.callback();
    }
  };
  return {
    now: () => now,
    date: () => date + now,
    after(ms, callback) {
      asked.push(ms);
      const timer = { due: now + ms, callback };
      timers.add(timer);
      if (ms <= skipUpToMs) {
        setImmediate(() => {
          if (timers.has(timer)) advance(timer.due - now);
        });
      }
      return () => timers.delete(timer);
    },
    pending: () => [...timers].map(({ due }) => due - now),
    asked,
    advance,
  };
}
