/** The time and the signal that bound a piece of work. */
import type { Clock } from "./clock.js";

/** What a scope is made of. */
export interface ScopeOptions {
  readonly clock: Clock;
  /** Milliseconds; Infinity: no bound. */
  readonly timeoutMs: number;
  /** Ends the scope when it is aborted. */
  readonly parent?: AbortSignal | undefined;
  /** What the work fails with once the time is over. */
  readonly timedOut: () => unknown;
  /** What it fails with once `parent` is aborted. Default: with the parent's reason. */
  readonly aborted?: (reason: unknown) => unknown;
}

/** Bounds work by time and by a signal. Call `end` once the work is over, whatever came of it. */
export interface Scope {
  /** Aborted when time or parent say so. */
  readonly signal: AbortSignal;
  /** Milliseconds left; Infinity without a bound. */
  remainingMs(): number;
  /** The work's outcome, or what `signal` was aborted with, whichever comes first. */
  wait<T>(work: T | PromiseLike<T>): Promise<T>;
  /** Waits so many milliseconds. */
  sleep(ms: number): Promise<void>;
  /** Bounds the time anew, from now on; Infinity lifts the bound. */
  arm(timeoutMs: number): void;
  /** Aborts what still runs and lets go of parent and timer. */
  end(reason?: unknown): void;
}

/** Starts a scope. The one listener it adds to `parent` is removed by `end`. */
export function createScope({ clock, timeoutMs, parent, timedOut, aborted = (reason) => reason }: ScopeOptions): Scope {
  const controller = new AbortController();
  const { signal } = controller;
  let until = 0;
  let disarm = (): void => {};
  const arm = (ms: number): void => {
    disarm();
    until = clock.now() + ms;
    if (ms < Infinity) disarm = clock.after(ms, () => controller.abort(timedOut()));
  };
  const onAbort = (): void => controller.abort(aborted(parent?.reason));
  parent?.addEventListener("abort", onAbort);
  if (parent?.aborted) onAbort();
  else arm(timeoutMs);

  const wait = <T>(work: T | PromiseLike<T>): Promise<T> => {
    let stop = (): void => {};
    const stopped = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason as Error);
      signal.addEventListener("abort", stop);
      if (signal.aborted) stop();
    });
    // A race listens to the work even where the signal won, so that its own failure is never an unhandled one.
    return Promise.race([stopped, work]).finally(() => signal.removeEventListener("abort", stop));
  };

  return {
    signal,
    remainingMs: () => Math.max(0, until - clock.now()),
    wait,
    sleep(ms) {
      let cancel = (): void => {};
      return wait(new Promise<void>((resolve) => (cancel = clock.after(ms, resolve)))).finally(cancel);
    },
    arm,
    end(reason) {
      disarm();
      parent?.removeEventListener("abort", onAbort);
      if (reason !== undefined) controller.abort(reason);
    },
  };
}
