/** Problem documents of the REST side as the one error of the SDK. */
import type { components } from "@parapet/contract/openapi/types";
import { retryAfterMsOf } from "../runtime/attempt.js";
import { type Clock, systemClock } from "../runtime/clock.js";
import { type Code, codeOfStatus } from "../runtime/codes.js";
import type { ErrorDetail } from "../runtime/details.js";
import { clientError, ParapetError } from "../runtime/error.js";
import { requestIdOf } from "../runtime/execute.js";
import type { Method } from "../runtime/method.js";

/** `application/problem+json` as the server sends it (RFC 9457). */
export type Problem = components["schemas"]["Problem"];

/** True if a parsed body is a problem document of this API. */
export function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "reason" in body && typeof body.reason === "string" && "code" in body;
}

/** Failures of calls, by the response that they were refused with: it does not say which call it belongs to, nor how many attempts there were. */
const failures = new WeakMap<Response, ParapetError>();

/** Keeps the failure of a call for `problemError`. */
export function remember(response: Response, failure: ParapetError): void {
  failures.set(response, failure);
}

/** How many requests calls took, by their responses. */
const attempts = new WeakMap<Response, number>();

/** Keeps how many requests a response took. */
export function count(response: Response, requests: number): Response {
  attempts.set(response, requests);
  return response;
}

/** How many requests a response took. */
export function attemptsOf(response: Response): number {
  return attempts.get(response) ?? 1;
}

/** Which methods answered, by their responses. */
export const answeredBy = new WeakMap<Response, Method>();

/** A refusal as ParapetError: of its problem document, or of its status where there is none, e.g. a proxy's page. */
export function problemError(body: unknown, response: Response, clock: Clock = systemClock): ParapetError {
  const known = failures.get(response);
  if (known) return known;
  const { status, headers } = response;
  const facts = { status, requestId: requestIdOf(headers), retryAfterMs: retryAfterMsOf(headers, clock), attempts: attemptsOf(response), method: answeredBy.get(response)?.name };
  if (!isProblem(body)) {
    return clientError("RESPONSE_MALFORMED", `the response is not from this API (HTTP ${status}, ${headers.get("content-type")})`, { ...facts, code: codeOfStatus(status) });
  }
  const { code, reason, domain, metadata, detail, violations, retryAfterMs } = body;
  const info: ErrorDetail = { type: "google.rpc.ErrorInfo", reason, domain, metadata };
  const request: ErrorDetail[] = violations ? [{ type: "google.rpc.BadRequest", fieldViolations: violations }] : [];
  const retry: ErrorDetail[] = retryAfterMs === undefined ? [] : [{ type: "google.rpc.RetryInfo", retryDelayMs: retryAfterMs }];
  return new ParapetError({ code: code as Code, reason, domain, metadata, message: detail, details: [info, ...request, ...retry], ...facts, requestId: body.requestId || facts.requestId });
}

/** What a call of openapi-fetch gives. */
export interface FetchResult<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

/** The data of a successful call, which is null where that is the whole answer; throws ParapetError for a refused one. */
export async function unwrap<T>(call: PromiseLike<FetchResult<T>>): Promise<Exclude<T, undefined>> {
  const { data, error, response } = await call;
  if (!response.ok || data === undefined) throw problemError(error, response);
  return data as Exclude<T, undefined>;
}
