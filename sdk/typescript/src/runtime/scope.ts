/** The time and the signal that bound a piece of work. */
import type { Clock } from "./clock.js";

/** What a scope is made of. */
export interface ScopeOptions {
  readonly clock: Clock;
  /** Milliseconds; Infinity: no bound. */
  readonly timeoutMs: number;
  /** Ends the scope when it is aborted. */
  readonly parent: AbortSignal | undefined;
  /** What the work fails with once the time is over. */
  readonly timedOut: () => unknown;
  /** What it fails with once `parent` is aborted. */
  readonly aborted: (reason: unknown) => unknown;
}

/** Bounds work by time and by a signal. Call `end` once the work is over, whatever came of it. */
export interface Scope {
  /** Aborted when time or parent say so. */
  readonly signal: AbortSignal;
  /** Milliseconds left; Infinity without a bound. */
  remainingMs(): number;
  /** The work's outcome, or what `signal` was aborted with, whichever comes first. */
  wait<T>(work: PromiseLike<T>): Promise<T>;
  /** Waits so many milliseconds. */
  sleep(ms: number): Promise<void>;
  /** Lifts the bound in time. */
  disarm(): void;
  /** Aborts what still runs and lets go of parent and timer. */
  end(reason?: unknown): void;
}

/** Starts a scope. The one listener it adds to `parent` is removed by `end`. */
export function createScope({ clock, timeoutMs, parent, timedOut, aborted }: ScopeOptions): Scope {
  const controller = new AbortController();
  const { signal } = controller;
  const until = clock.now() + timeoutMs;
  const onAbort = (): void => controller.abort(aborted(parent?.reason));
  let disarm = (): void => {};
  if (parent?.aborted) onAbort();
  else {
    parent?.addEventListener("abort", onAbort);
    if (timeoutMs < Infinity) disarm = clock.after(timeoutMs, () => controller.abort(timedOut()));
  }

  const wait = <T>(work: PromiseLike<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      const settle = (done: () => void): void => {
        signal.removeEventListener("abort", stop);
        done();
      };
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop);
      // Attached even where the signal was aborted before, so that the work's own failure is never an unhandled one.
      work.then(
        (value) => settle(() => resolve(value)),
        (error: unknown) => settle(() => reject(error as Error)),
      );
    });

  return {
    signal,
    remainingMs: () => Math.max(0, until - clock.now()),
    wait,
    async sleep(ms) {
      let cancel = (): void => {};
      try {
        await wait(new Promise<void>((resolve) => (cancel = clock.after(ms, resolve))));
      } finally {
        cancel();
      }
    },
    disarm: () => disarm(),
    end(reason) {
      disarm();
      parent?.removeEventListener("abort", onAbort);
      if (reason !== undefined) controller.abort(reason);
    },
  };
}
