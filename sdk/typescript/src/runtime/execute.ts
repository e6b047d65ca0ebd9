/** A call from its first attempt to its last: credential, retries, and the waits between them. */
import { type Client, type HeadersInput, invalid } from "./client.js";
import { clientError, ParapetError } from "./error.js";
import type { AttemptEnd } from "./hooks.js";
import type { Method } from "./method.js";
import { createScope, type Scope } from "./scope.js";

/** What one call may set for itself. */
export interface CallOptions {
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined;
  /** Instead of the client's. For streams: time for the whole stream, which otherwise has no bound once it has begun. */
  readonly timeoutMs?: number | undefined;
  readonly attemptTimeoutMs?: number | undefined;
  readonly retries?: number | undefined;
  /** Instead of a random one, where the method takes a key. Give your own to deduplicate over restarts. */
  readonly idempotencyKey?: string | undefined;
  readonly headers?: HeadersInput | undefined;
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
  attempts: number;
}

/** Reasons of UNAUTHENTICATED for which no fresh token helps: they speak of what was typed, and of two credentials at once. */
export const lastingReasons: readonly string[] = ["LOGIN_FAILED", "CREDENTIAL_AMBIGUOUS"];

/** Reasons after which the same call may succeed, beside everything UNAVAILABLE. */
const passingReasons = ["RATE_LIMITED", "IDEMPOTENCY_IN_FLIGHT", "ATTEMPT_TIMED_OUT"];

/** Starts a call: its clock runs from here. */
export function begin({ clock, timeoutMs: byDefault }: Client, { timeoutMs = byDefault, signal }: CallOptions): Progress {
  const scope = createScope({
    clock,
    timeoutMs,
    parent: signal,
    timedOut: () => clientError("DEADLINE_PASSED", "the call took too long"),
    aborted: (cause) => clientError("CALL_CANCELLED", "the call was cancelled", { cause }),
  });
  return { scope, attempts: 0 };
}

/**
 * Sends a call, again where contract, budget and deadline allow. `perform` sends one request and reads what answers it; what it throws is the failure of that attempt.
 * `endless`: time is bounded only until it has begun, and the server is told no deadline. `broken`: what ended a stream that goes on with this request, after a wait as before any other repetition. Fails with ParapetError only.
 */
export async function execute<T>(
  client: Client,
  method: Method,
  options: CallOptions,
  progress: Progress,
  perform: (attempt: Attempt) => Promise<Performed<T>>,
  endless = false,
  broken?: ParapetError,
): Promise<Outcome<T>> {
  const { clock, credentials, backoff, budget } = client;
  const { scope } = progress;
  const { name, key: takesKey } = method;
  const { retries = client.retries, attemptTimeoutMs = client.attemptTimeoutMs } = options;
  // Without a retry in sight a random key would only cost the server room.
  const key = takesKey === "ignored" ? undefined : (options.idempotencyKey ?? (retries > 0 || takesKey === "required" ? client.newKey() : undefined));
  let failure = broken;
  let report: Report | undefined;
  let renewed = false;
  try {
    scope.signal.throwIfAborted();
    // Said before anything is sent, as of other headers.
    if (key) client.headers({ "idempotency-key": key });
    if (endless) scope.arm(client.timeoutMs);
    budget.deposit();
    for (let retried = 0; ; ) {
      if (failure) {
        const { code, reason, retryAfterMs = 0 } = failure;
        const waitMs = Math.max(retryAfterMs, client.random() * Math.min(backoff.capMs, backoff.baseMs * 2 ** retried));
        const again =
          (method.idempotency !== "unknown" || key !== undefined) &&
          (code === "unavailable" || passingReasons.includes(reason)) &&
          retried++ < retries &&
          // Waiting only to run into the deadline would hide why the call failed.
          waitMs < scope.remainingMs() &&
          // A stream that brought something has earned its next connection: its server was alive.
          (failure === broken || budget.take());
        void report?.(failure, again ? waitMs : undefined);
        if (!again) throw failure;
        await scope.sleep(waitMs);
      }
      // Not part of an attempt: what the token source fails with is not a failure of the server.
      const credential = await scope.wait(credentials.header(scope, method.needs === "nothing"));
      const shown = client.headers(options.headers);
      const attempt = createScope({ clock, timeoutMs: attemptTimeoutMs, parent: scope.signal, timedOut: () => clientError("ATTEMPT_TIMED_OUT", "the attempt took too long") });
      const start = clock.now();
      const attempts = ++progress.attempts;
      let watch: ReturnType<NonNullable<typeof client.hooks.attempt>>;
      try {
        watch = client.hooks.attempt?.({ method: name, url: `${client.baseUrl}/${name}`, attempt: attempts, headers: shown });
      } catch {
        // Watching must not break a call.
      }
      // Hooks may keep theirs, which must not learn the credential behind their back.
      const headers = new Headers(shown);
      report = async ({ status, requestId, code, reason }, retryInMs) => {
        try {
          // What ends later may fail later.
          await watch?.({ durationMs: clock.now() - start, status, requestId, code, reason, retryInMs });
        } catch {
          // As above.
        }
      };
      try {
        if (key !== undefined && !shown.has("idempotency-key")) headers.set("idempotency-key", key);
        if (credential) headers.set(credential.name, credential.value);
        const { value, ...got } = await perform({ scope: attempt, headers, deadlineMs: endless ? Infinity : Math.min(scope.remainingMs(), attemptTimeoutMs) });
        // The rest of a stream is bounded by the call alone, or by nothing.
        attempt.arm(Infinity);
        if (endless) scope.arm(Infinity);
        const response = { ...got, requestId: requestIdOf(got.headers), attempts };
        void report(response);
        return { value, response };
      } catch (thrown) {
        // Frees the connection of a response that nobody will read to its end.
        attempt.end(thrown);
        failure = typed(thrown, method, attempts);
        if (failure.code === "unauthenticated" && credential?.renewable && !lastingReasons.includes(failure.reason) && !renewed) {
          renewed = true;
          credentials.renew(credential);
          void report(failure, 0);
          failure = undefined;
        }
      }
    }
  } catch (thrown) {
    failure = typed(thrown, method, progress.attempts);
    scope.end(failure);
    throw failure;
  }
}

/** Tells the hooks how an attempt ended. */
type Report = (end: Omit<AttemptEnd, "durationMs" | "retryInMs">, retryInMs?: number) => Promise<void>;

/** Id of the request, as the server gave it. */
export function requestIdOf(headers: Headers): string {
  return headers.get("x-request-id") ?? "";
}

/** Anything thrown as the error of this call: errors of the layers below do not know which call they belong to, and calls may share one. */
export function typed(thrown: unknown, { name: method }: Method, attempts: number): ParapetError {
  const facts = { method, attempts };
  return thrown instanceof ParapetError
    ? new ParapetError({ ...thrown.toJSON(), cause: thrown.cause, ...facts })
    : clientError("UNSPECIFIED", "the call failed", { ...facts, cause: thrown });
}

/** The request as JSON. Fails with REQUEST_INVALID for what JSON cannot say, such as a bigint. */
export function toJson(request: unknown, method: Method): string {
  try {
    return JSON.stringify(request === undefined ? {} : request);
  } catch {
    throw invalid("the request is not JSON", method.name);
  }
}
