/** Spreads calls so that they stay within the limit the server announces, instead of running into refusals. */
import { type Clock, systemClock } from "../runtime/clock.js";
import type { Fetch } from "../runtime/client.js";

/** How to pace. */
export interface PacingOptions {
  /** What sends the requests. Default: the global `fetch`. */
  readonly fetch?: Fetch;
  /** Instead of the machine's clock. */
  readonly clock?: Clock;
}

/** What is known of one budget of the server. */
interface Budget {
  /** Requests that may go at once. */
  free: number;
  /** Requests that are held back, or of which the server has not told yet whether it counted them. */
  inFlight: number;
  /** When the next one may go, on the clock. */
  nextAt: number;
  /** Time between two after that, in milliseconds. */
  intervalMs: number;
}

/**
 * Wraps `fetch`: give the result to a client as its `fetch`. It reads `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10) off each answer,
 * and holds a request back once its budget is spent, until the server has the next unit. A held request ends with its signal, so the call's deadline bounds the wait.
 * A guess, since others may spend the same budget: refusals stay possible, and are handled as ever.
 */
export function createPacedFetch({ fetch = (url, init) => globalThis.fetch(url, init), clock = systemClock }: PacingOptions = {}): Fetch {
  const budgets = new Map<string, Budget>();
  // Which budget a path spends is known from its first answer on; there are as many paths as methods.
  const nameOf = new Map<string, string>();

  return async (url, init) => {
    const budget = budgets.get(nameOf.get(url) ?? "");
    if (budget) budget.inFlight++;
    try {
      if (budget && budget.free >= 1) budget.free--;
      else if (budget) {
        const now = clock.now();
        const at = Math.max(now, budget.nextAt);
        budget.nextAt = at + budget.intervalMs;
        if (at > now) await sleep(clock, at - now, init.signal ?? undefined);
      }
      const response = await fetch(url, init);
      const said = readLimits(response.headers);
      if (said) {
        nameOf.set(url, said.name);
        const known = budgets.get(said.name) ?? { free: 0, inFlight: 0, nextAt: 0, intervalMs: 0 };
        budgets.set(said.name, known);
        // The server has counted this one, but perhaps not those still on their way; and those held back were here first.
        const others = Math.max(0, known.inFlight - (budget === known ? 1 : 0));
        known.free = Math.max(0, said.remaining - others);
        known.intervalMs = said.intervalMs;
        known.nextAt = Math.max(known.nextAt, clock.now() + said.nextMs);
      }
      return response;
    } finally {
      if (budget) budget.inFlight--;
    }
  };
}

/** What an answer says of its budget. */
interface Limits {
  readonly name: string;
  readonly remaining: number;
  readonly nextMs: number;
  readonly intervalMs: number;
}

/** Reads the first item of both headers; undefined where they are missing or say something else. */
function readLimits(headers: Headers): Limits | undefined {
  const [limit, policy] = ["ratelimit", "ratelimit-policy"].map((name) => headers.get(name)?.split(",", 1)[0] ?? "") as [string, string];
  const name = /^\s*"([^"]*)"/.exec(limit)?.[1];
  const parameter = (item: string, key: string): number => Number(new RegExp(`;\\s*${key}=(\\d+)`).exec(item)?.[1] ?? NaN);
  const [remaining, next, quota, window] = [parameter(limit, "r"), parameter(limit, "t"), parameter(policy, "q"), parameter(policy, "w")] as const;
  if (name === undefined || Number.isNaN(remaining + quota + window) || quota === 0) return undefined;
  return { name, remaining, nextMs: Number.isNaN(next) ? 0 : next * 1000, intervalMs: (window / quota) * 1000 };
}

function sleep(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      cancel();
      signal?.removeEventListener("abort", end);
      if (signal?.aborted) reject(signal.reason as Error);
      else resolve();
    };
    const cancel = clock.after(ms, end);
    if (signal?.aborted) end();
    else signal?.addEventListener("abort", end);
  });
}
