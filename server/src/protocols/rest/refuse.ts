/** Writes a failure as a problem document (RFC 9457). */
import type { Failure } from "../../errors.js";
import { codeNames, errorDomain } from "../../errors.js";
import { challenge } from "../challenge.js";
import type { Refuse } from "../protocol.js";

/** The problem document of a failure; `error` has the text older clients match on. */
export function problemOf(failure: Failure, requestId: string): Record<string, unknown> {
  const { facts, options } = failure;
  return {
    type: `urn:parapet:reason:${facts.name}`,
    title: facts.title,
    status: facts.httpStatus,
    detail: failure.message,
    code: codeNames[facts.code],
    reason: facts.name,
    domain: errorDomain,
    metadata: failure.metadata,
    requestId,
    error: facts.title,
    ...(options.violations?.length ? { violations: options.violations } : {}),
    ...(options.retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(options.retryAfterMs) }),
  };
}

/** A whole HTTP/1.1 response with a problem document, for a connection that carried no request that could be read. */
export function bareProblem(failure: Failure, status: number, phrase: string, requestId: string): string {
  const body = JSON.stringify({ ...problemOf(failure, requestId), status });
  const head = [`HTTP/1.1 ${status} ${phrase}`, "content-type: application/problem+json", `content-length: ${Buffer.byteLength(body)}`, `x-request-id: ${requestId}`, "cache-control: no-store", "x-content-type-options: nosniff", "connection: close"];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

/** One problem document. */
export const refuse: Refuse = (exchange, _spelling, failure, headers) => {
  const requestId = headers.find(([name]) => name === "x-request-id")?.[1] ?? "";
  const body = Buffer.from(JSON.stringify(problemOf(failure, requestId)));
  exchange.send(failure.facts.httpStatus, [["content-type", "application/problem+json"], ["content-length", String(body.length)], ...challenge(failure), ...headers], body);
};
