/** One request and its response over `fetch`, in the unary and streaming forms of Connect JSON (connectrpc.com/docs/protocol). */
import type { Client } from "./client.js";
import { type Code, codeOfStatus } from "./codes.js";
import { decodeDetails } from "./details.js";
import { clientError, ParapetError } from "./error.js";
import { type Attempt, requestIdOf } from "./execute.js";
import type { Method } from "./method.js";
import type { Scope } from "./scope.js";

/** Sends one request; resolves with its headers. Fails with ParapetError (NETWORK_FAILED), or with what the scope ended with. */
export async function send(client: Client, { name, kind }: Method, body: BodyInit, { scope, headers, deadlineMs }: Attempt): Promise<Response> {
  headers.set("content-type", kind === "unary" ? "application/json" : "application/connect+json");
  headers.set("connect-protocol-version", "1");
  if (deadlineMs < Infinity) headers.set("connect-timeout-ms", String(Math.ceil(deadlineMs)));
  try {
    // A followed redirect would hand X-API-Key to whatever host it names.
    return await scope.wait(client.fetch(`${client.baseUrl}/${name}`, { method: "POST", headers, body, signal: scope.signal, redirect: "manual" }));
  } catch (cause) {
    throw networkFailed(scope, cause, "the server could not be reached");
  }
}

/** What a broken connection fails with, unless the scope itself broke it. */
export function networkFailed(scope: Scope, cause: unknown, message: string): unknown {
  return scope.signal.aborted ? scope.signal.reason : clientError("NETWORK_FAILED", message, { cause });
}

/** Reads a whole body as text. */
export async function readText(response: Response, scope: Scope): Promise<string> {
  try {
    return await scope.wait(response.text());
  } catch (cause) {
    throw networkFailed(scope, cause, "the response broke off");
  }
}

/** True if a response is a success of this content type. */
export function isMessage(response: Response, contentType: string): boolean {
  return response.status === 200 && response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() === contentType;
}

/** JSON of a text; undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A Connect error as JSON: the body of a refused unary call, or `error` of the end of a stream. */
interface WireError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly details?: unknown;
}

/** Typed error of a response: of its Connect error, or of its status where a body is none. */
export function errorOf(response: Response, json: unknown, clock: Client["clock"]): ParapetError {
  const { status, headers } = response;
  const requestId = requestIdOf(headers);
  const wire = json !== null && typeof json === "object" ? (json as WireError) : {};
  if (typeof wire.code !== "string") {
    return clientError("RESPONSE_MALFORMED", `the response is not from this API (HTTP ${status}, ${headers.get("content-type") ?? "no content type"})`, {
      ...(status === 200 ? {} : { code: codeOfStatus(status) }),
      status,
      requestId,
      retryAfterMs: retryAfterMsOf(headers, clock),
    });
  }
  const details = decodeDetails(wire.details);
  const info = details.find((detail) => detail.type === "google.rpc.ErrorInfo");
  const retry = details.find((detail) => detail.type === "google.rpc.RetryInfo");
  return new ParapetError({
    code: wire.code as Code,
    reason: info?.reason || "UNSPECIFIED",
    domain: info?.domain,
    metadata: info?.metadata,
    message: typeof wire.message === "string" && wire.message !== "" ? wire.message : wire.code,
    details,
    status,
    requestId,
    // The exact figure first: the header is rounded up to seconds.
    retryAfterMs: retry?.retryDelayMs ?? retryAfterMsOf(headers, clock),
  });
}

/** Retry-After in milliseconds: seconds, or a date (RFC 9110, section 10.2.3). */
export function retryAfterMsOf(headers: Headers, clock: Client["clock"]): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (!value) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  // Against the server's own clock where it is told, since this machine's may be wrong.
  const ms = Date.parse(value) - (Date.parse(headers.get("date") ?? "") || clock.date());
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
