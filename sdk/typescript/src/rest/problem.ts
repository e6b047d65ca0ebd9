/** Problem documents of the REST side as the one error of the SDK. */
import type { components } from "@parapet/contract/openapi/types";
import { type Code, codeOfStatus } from "../runtime/codes.js";
import type { ErrorDetail } from "../runtime/details.js";
import { ParapetError } from "../runtime/error.js";

/** `application/problem+json` as the server sends it (RFC 9457). */
export type Problem = components["schemas"]["Problem"];

/** True if a parsed body is a problem document of this API. */
export function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "reason" in body && typeof body.reason === "string" && "code" in body;
}

/** A refusal as ParapetError: of its problem document, or of its status where there is none, e.g. a proxy's page. */
export function problemError(body: unknown, response: Response): ParapetError {
  const { status, headers } = response;
  const requestId = headers.get("x-request-id") ?? "";
  if (!isProblem(body)) {
    return new ParapetError({ code: codeOfStatus(status), reason: "RESPONSE_MALFORMED", message: `the response is not from this API (HTTP ${status})`, status, requestId });
  }
  const { code, reason, domain, metadata, detail, violations, retryAfterMs } = body;
  const info: ErrorDetail = { type: "google.rpc.ErrorInfo", reason, domain, metadata };
  const request: ErrorDetail[] = violations ? [{ type: "google.rpc.BadRequest", fieldViolations: violations }] : [];
  const retry: ErrorDetail[] = retryAfterMs === undefined ? [] : [{ type: "google.rpc.RetryInfo", retryDelayMs: retryAfterMs }];
  return new ParapetError({ code: code as Code, reason, domain, metadata, message: detail, details: [info, ...request, ...retry], status, requestId: body.requestId || requestId, retryAfterMs, attempts: 1 });
}

/** What a call of openapi-fetch gives. */
export interface FetchResult<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

/** The data of a successful call; throws ParapetError for a refused one. */
export async function unwrap<T>(call: PromiseLike<FetchResult<T>>): Promise<NonNullable<T>> {
  const { data, error, response } = await call;
  if (!response.ok || data === undefined || data === null) throw problemError(error, response);
  return data;
}
