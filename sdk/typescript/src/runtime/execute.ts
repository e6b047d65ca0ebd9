/** A call from its first attempt to its last: credential, retries, and the waits between them. */
import { type Client, type HeadersInput, invalid } from "./client.js";
import type { CredentialHeader } from "./credentials.js";
import { clientError, ParapetError } from "./error.js";
import type { AttemptEnd } from "./hooks.js";
import type { Method } from "./method.js";
import { createScope, type Scope } from "./scope.js";

/** What one call may set for itself. */
export interface CallOptions {
  /** Cancels the call. */
  readonly signal?: AbortSignal;
  /** Instead of the client's. For streams: time for the whole stream, which otherwise has no bound once it has begun. */
  readonly timeoutMs?: number;
  readonly attemptTimeoutMs?: number;
  readonly retries?: number;
  /** Instead of a random one, where the method takes a key. Give your own to deduplicate over restarts. */
  readonly idempotencyKey?: string;
  readonly headers?: HeadersInput;
}

/** What a response says beside its message. */
export interface ResponseInfo {
  /** HTTP status. */
  readonly status: number;
  readonly headers: Headers;
  /** Id under which the server's log and audit know the call. */
  readonly requestId: string;
  /** How many requests it took. */
  readonly attempts: number;
}

/** One request that is about to be sent. */
export interface Attempt {
  /** Bounds it. */
  readonly scope: Scope;
  /** Those of client and call, with the credential and the Idempotency-Key. */
  readonly headers: Headers;
  /** Milliseconds that the server may take; Infinity: it is not told. */
  readonly deadlineMs: number;
}

/** An attempt that succeeded. */
export interface Performed<T> {
  readonly value: T;
  readonly status: number;
  readonly headers: Headers;
}

/** A call that succeeded. */
export interface Outcome<T> {
  readonly value: T;
  readonly response: ResponseInfo;
}

/** A call in progress. */
export interface Progress {
  readonly scope: Scope;
  /** Requests sent so far. */
  readonly attempts: () => number;
  /** Another one is about to be sent. */
  readonly count: () => number;
}

/** Reasons for which a fresh token may help. LOGIN_FAILED is not among them: it speaks of what was typed. */
export const tokenReasons: readonly string[] = ["CREDENTIAL_MISSING", "TOKEN_INVALID", "TOKEN_EXPIRED", "API_KEY_INVALID", "RESPONSE_MALFORMED", "UNSPECIFIED"];

/** Reasons after which the same call may succeed, beside everything UNAVAILABLE. */
const passingReasons = ["RATE_LIMITED", "IDEMPOTENCY_IN_FLIGHT", "ATTEMPT_TIMED_OUT"];

/** Starts a call: its clock runs from here. */
export function begin(client: Client, { name: method }: Method, { timeoutMs = client.timeoutMs, signal }: CallOptions): Progress {
  let attempts = 0;
  const scope = createScope({
    clock: client.clock,
    timeoutMs,
    parent: signal,
    timedOut: () => clientError("DEADLINE_PASSED", "the call took too long", { method, attempts }),
    aborted: (cause) => clientError("CALL_CANCELLED", "the call was cancelled", { method, attempts, cause }),
  });
  return { scope, attempts: () => attempts, count: () => ++attempts };
}

/**
 * Sends a call, again where contract, budget and deadline allow. `perform` sends one request and reads what answers it; what it throws is the failure of that attempt.
 * `endless`: the server is not told a deadline. Fails with ParapetError only.
 */
export async function execute<T>(
  client: Client,
  method: Method,
  options: CallOptions,
  progress: Progress,
  perform: (attempt: Attempt) => Promise<Performed<T>>,
  endless = false,
): Promise<Outcome<T>> {
  const { scope } = progress;
  const retries = options.retries ?? client.retries;
  const attemptTimeoutMs = options.attemptTimeoutMs ?? client.attemptTimeoutMs;
  const key = keyOf(client, method, options, retries);
  const open = method.needs === "nothing";
  const repeatable = method.retryable === "always" || (method.retryable === "with_key" && key !== undefined);
  let renewed = false;
  let retried = 0;
  try {
    if (scope.signal.aborted) throw scope.signal.reason;
    client.budget.deposit();
    for (;;) {
      // Not part of an attempt: what the token source fails with is not a failure of the server.
      const credential = await scope.wait(client.credentials.header(scope, open));
      const attempt = createScope({
        clock: client.clock,
        timeoutMs: attemptTimeoutMs,
        parent: scope.signal,
        timedOut: () => clientError("ATTEMPT_TIMED_OUT", "the attempt took too long"),
        aborted: (reason) => reason,
      });
      const headers = client.headers(options.headers);
      const start = client.clock.now();
      const number = progress.count();
      const watch = quietly(() =>
        client.hooks.attempt?.({ method: method.name, url: `${client.baseUrl}/${method.name}`, attempt: number, headers }),
      );
      const report = (end: Omit<AttemptEnd, "durationMs">): void => {
        quietly(() => watch?.({ durationMs: client.clock.now() - start, ...end }));
      };

      let failure: ParapetError;
      try {
        if (key !== undefined) headers.set("idempotency-key", key);
        if (credential) headers.set(credential.name, credential.value);
        const { value, ...got } = await perform({ scope: attempt, headers, deadlineMs: endless ? Infinity : Math.min(scope.remainingMs(), attemptTimeoutMs) });
        // The rest of a stream is bounded by the call alone.
        attempt.disarm();
        const response = { ...got, requestId: requestIdOf(got.headers), attempts: number };
        report({ status: response.status, requestId: response.requestId });
        return { value, response };
      } catch (thrown) {
        // Frees the connection of a response that nobody will read to its end.
        attempt.end(thrown);
        failure = typed(thrown, method, number);
      }
      const { status, requestId, code, reason } = failure;
      const ended = { status, requestId, code, reason };

      if (isRefusedToken(failure, credential) && !renewed && !scope.signal.aborted) {
        renewed = true;
        client.credentials.renew(credential);
        report({ ...ended, retryInMs: 0 });
        continue;
      }
      const waitMs = Math.max(failure.retryAfterMs ?? 0, client.random() * Math.min(client.backoff.capMs, client.backoff.baseMs * 2 ** retried));
      const again =
        repeatable &&
        (code === "unavailable" || passingReasons.includes(reason)) &&
        retried < retries &&
        !scope.signal.aborted &&
        // Waiting only to run into the deadline would hide why the call failed.
        waitMs < scope.remainingMs() &&
        client.budget.take();
      report(again ? { ...ended, retryInMs: waitMs } : ended);
      if (!again) throw failure;
      retried++;
      await scope.sleep(waitMs);
    }
  } catch (thrown) {
    const error = typed(thrown, method, progress.attempts());
    scope.end(error);
    throw error;
  }
}

/** Id of the request, as the server gave it. */
export function requestIdOf(headers: Headers): string {
  return headers.get("x-request-id") ?? "";
}

function keyOf(client: Client, method: Method, { idempotencyKey }: CallOptions, retries: number): string | undefined {
  if (method.key === "ignored") return undefined;
  // Without a retry in sight a random key would only cost the server room.
  return idempotencyKey ?? (retries > 0 || method.key === "required" ? client.newKey() : undefined);
}

function isRefusedToken(failure: ParapetError, credential: CredentialHeader | undefined): credential is CredentialHeader {
  return failure.code === "unauthenticated" && credential !== undefined && credential.renewable && tokenReasons.includes(failure.reason);
}

/** Anything thrown as the error of this call. */
export function typed(thrown: unknown, { name: method }: Method, attempts: number): ParapetError {
  if (!(thrown instanceof ParapetError)) return clientError("UNSPECIFIED", "the call failed", { method, attempts, cause: thrown });
  // Errors of the layers below do not know which call they belong to.
  const { message, cause } = thrown;
  return thrown.method === method && thrown.attempts === attempts ? thrown : new ParapetError(Object.assign({}, thrown, { message, cause, method, attempts }));
}

function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** The request as JSON. Fails with REQUEST_INVALID for what JSON cannot say, such as a bigint. */
export function toJson(request: unknown, method: Method): string {
  try {
    return JSON.stringify(request ?? {});
  } catch {
    throw invalid("the request is not JSON", method.name);
  }
}
