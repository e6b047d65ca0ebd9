/** The one error that calls fail with. */
import type { Code } from "./codes.js";
import { type ErrorDetail, type FieldViolation, findDetail } from "./details.js";

/**
 * Reasons that the client itself gives.
 *
 * - `NETWORK_FAILED`: no response, or one that broke off.
 * - `RESPONSE_MALFORMED`: a response that is not of this protocol, e.g. a proxy's HTML page.
 * - `DEADLINE_PASSED`: `timeoutMs` is over.
 * - `ATTEMPT_TIMED_OUT`: `attemptTimeoutMs` is over, and no retry was left.
 * - `CALL_CANCELLED`: the caller's signal was aborted.
 * - `CREDENTIAL_UNAVAILABLE`: the token source failed, or gave what no header can carry.
 * - `REQUEST_INVALID`: the request or the options cannot be sent.
 * - `UNSPECIFIED`: the server gave an error without a reason.
 */
export type ClientReason =
  | "NETWORK_FAILED"
  | "RESPONSE_MALFORMED"
  | "DEADLINE_PASSED"
  | "ATTEMPT_TIMED_OUT"
  | "CALL_CANCELLED"
  | "CREDENTIAL_UNAVAILABLE"
  | "REQUEST_INVALID"
  | "UNSPECIFIED";

/** What is known of a failure. `reason`, `domain` and `metadata` come out of the details where they are not given; the details' `retryAfterMs` goes before another. */
export interface ErrorFacts {
  readonly code: Code;
  readonly message: string;
  readonly details?: readonly ErrorDetail[] | undefined;
  readonly reason?: string | undefined;
  readonly domain?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly method?: string | undefined;
  readonly requestId?: string | undefined;
  readonly attempts?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly status?: number | undefined;
  readonly cause?: unknown;
}

/** A failed call. Switch on `reason`; neither request nor credential is ever part of it. */
export class ParapetError<R extends string = string> extends Error {
  override readonly name = "ParapetError";
  /** Canonical code. */
  declare readonly code: Code;
  /** Why: one of the method's own reasons, or one of the client's. */
  declare readonly reason: R;
  /** Who gave the reason: `parapet`, another service's domain, or empty for the client itself. */
  declare readonly domain: string;
  /** Facts that belong to the reason (google.rpc.ErrorInfo). */
  declare readonly metadata: Readonly<Record<string, string>>;
  /** All details that the server sent. */
  declare readonly details: readonly ErrorDetail[];
  /** Broken rules of request fields; empty if the error is about something else. */
  declare readonly fieldViolations: readonly FieldViolation[];
  /** `package.Service/Method`. */
  declare readonly method: string;
  /** Id under which the server's log and audit know the call; empty if there was no response. */
  declare readonly requestId: string;
  /** How many requests were sent. */
  declare readonly attempts: number;
  /** When the server wants to be asked again, in milliseconds from its answer on. */
  declare readonly retryAfterMs: number | undefined;
  /** HTTP status; 0 if there was no response. */
  declare readonly status: number;

  constructor({ message, cause, details = [], code, reason, domain, metadata, method = "", requestId = "", attempts = 0, retryAfterMs, status = 0 }: ErrorFacts) {
    super(message, cause === undefined ? undefined : { cause });
    const info = findDetail(details, "google.rpc.ErrorInfo");
    // In this order it is printed. Declared above without being set there, which would only weigh.
    Object.assign(this, {
      code,
      reason: reason ?? (info?.reason || "UNSPECIFIED"),
      domain: domain ?? info?.domain ?? "",
      metadata: metadata ?? info?.metadata ?? {},
      details,
      fieldViolations: findDetail(details, "google.rpc.BadRequest")?.fieldViolations ?? [],
      method,
      requestId,
      attempts,
      // The exact figure first: a header is rounded up to seconds.
      retryAfterMs: findDetail(details, "google.rpc.RetryInfo")?.retryDelayMs ?? retryAfterMs,
      status,
    });
  }

  /** For structured logs: everything but stack and cause. */
  toJSON(): ErrorFacts {
    return Object.assign({ message: this.message }, this);
  }
}

const codes: Readonly<Record<ClientReason, Code>> = {
  NETWORK_FAILED: "unavailable",
  RESPONSE_MALFORMED: "internal",
  DEADLINE_PASSED: "deadline_exceeded",
  ATTEMPT_TIMED_OUT: "deadline_exceeded",
  CALL_CANCELLED: "canceled",
  CREDENTIAL_UNAVAILABLE: "unauthenticated",
  REQUEST_INVALID: "invalid_argument",
  UNSPECIFIED: "unknown",
};

/** An error that the client itself finds; `facts` go over what the reason implies. */
export function clientError(reason: ClientReason, message: string, facts: Partial<ErrorFacts> = {}): ParapetError {
  return new ParapetError({ code: codes[reason], reason, message, ...facts });
}
