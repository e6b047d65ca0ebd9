/** Writes a failure as a problem document (RFC 9457). */
import { BadRequestSchema, RetryInfoSchema } from "@parapet/contract/google/rpc/error_details_pb";
import { codeNames, type Failure, type FieldViolation, givenDetail, infoOf } from "../../errors.js";
import { challenge } from "../challenge.js";
import { merged } from "../added.js";
import type { Refuse } from "../protocol.js";

/** The problem document of a failure; `error` has the text older clients match on. */
export function problemOf(failure: Failure, requestId: string): Record<string, unknown> {
  const { facts } = failure;
  const { reason, domain, metadata } = infoOf(failure);
  const violations = violationsOf(failure);
  const retryAfterMs = retryAfterMsOf(failure);
  return {
    type: `urn:parapet:reason:${facts.name}`,
    title: facts.title,
    status: facts.httpStatus,
    detail: failure.message,
    code: codeNames[facts.code],
    reason,
    domain,
    metadata,
    requestId,
    error: facts.title,
    ...(violations.length > 0 ? { violations } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

function violationsOf(failure: Failure): readonly FieldViolation[] {
  const { violations } = failure.options;
  if (violations !== undefined) return violations;
  return givenDetail(failure, BadRequestSchema)?.fieldViolations.map(({ field, description, reason }) => ({ field, description, rule: reason })) ?? [];
}

function retryAfterMsOf(failure: Failure): number | undefined {
  const { retryAfterMs } = failure.options;
  if (retryAfterMs !== undefined) return Math.ceil(retryAfterMs);
  const delay = givenDetail(failure, RetryInfoSchema)?.retryDelay;
  return delay === undefined ? undefined : Math.max(0, Number(delay.seconds) * 1_000 + Math.ceil(delay.nanos / 1e6));
}

/** A whole HTTP/1.1 response with a problem document, for a connection that carried no request that could be read. */
export function bareProblem(failure: Failure, status: number, phrase: string, requestId: string): string {
  const body = JSON.stringify({ ...problemOf(failure, requestId), status });
  const head = [`HTTP/1.1 ${status} ${phrase}`, "content-type: application/problem+json", `content-length: ${Buffer.byteLength(body)}`, `x-request-id: ${requestId}`, "cache-control: no-store", "x-content-type-options: nosniff", "connection: close"];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

/** One problem document. What a handler added to its trailers is a header here, as in an answer. */
export const refuse: Refuse = (exchange, _spelling, failure, headers, added) => {
  const requestId = headers.find(([name]) => name === "x-request-id")?.[1] ?? "";
  const body = Buffer.from(JSON.stringify(problemOf(failure, requestId)));
  exchange.send(failure.facts.httpStatus, [["content-type", "application/problem+json"], ["content-length", String(body.length)], ...challenge(failure), ...headers, ...(added === undefined ? [] : merged(added.headers, added.trailers))], body);
};
