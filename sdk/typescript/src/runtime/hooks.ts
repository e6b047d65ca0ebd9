/** Watching every request that a client sends. */
import type { Code } from "./codes.js";

/** An attempt that is about to be sent. */
export interface AttemptStart {
  /** `package.Service/Method`. */
  readonly method: string;
  readonly url: string;
  /** What is spoken. Absent: Connect, or what a transport speaks that the client was given. */
  readonly protocol?: "grpc" | "grpc-web" | "connect" | "rest" | undefined;
  /** Of REST: the verb and the template of the path. */
  readonly route?: { readonly verb: string; readonly template: string } | undefined;
  /** From 1. */
  readonly attempt: number;
  /** Headers to add to, e.g. `traceparent`. What is sent is a copy: credential and Idempotency-Key are never seen here. */
  readonly headers: Headers;
}

/** How an attempt ended. */
export interface AttemptEnd {
  readonly durationMs: number;
  /** HTTP status; 0 if there was no response. */
  readonly status: number;
  readonly requestId: string;
  /** Absent on success. */
  readonly code?: Code | undefined;
  readonly reason?: string | undefined;
  /** Set if another attempt follows: how long the client waits before it. */
  readonly retryInMs?: number | undefined;
}

/** Functions that a client calls as it goes. What they throw or reject with is ignored: watching must not break a call. */
export interface Hooks {
  /** An attempt starts. May return a function that is called with its end. */
  readonly attempt?: (start: AttemptStart) => ((end: AttemptEnd) => void | Promise<void>) | void;
}

/** Hooks that are told what is spoken as well. */
export function speaking(hooks: Hooks | undefined, facts: Partial<AttemptStart>): Hooks {
  return { attempt: (start) => hooks?.attempt?.({ ...start, ...facts }) };
}

/** Several hooks as one, called in this order; one that throws keeps nothing from the others. */
export function combineHooks(...all: readonly Hooks[]): Hooks {
  return {
    attempt(start) {
      const ends = all.flatMap(({ attempt }) => {
        try {
          return [attempt?.(start)];
        } catch {
          return [];
        }
      });
      return async (end) => void (await Promise.all(ends.map(async (one) => one?.(end))));
    },
  };
}
