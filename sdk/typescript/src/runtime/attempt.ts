/** One request and its response over `fetch`, in the unary and streaming forms of Connect JSON (connectrpc.com/docs/protocol). */
import type { Client } from "./client.js";
import { type Code, codeOfStatus } from "./codes.js";
import { decodeDetails } from "./details.js";
import { clientError, ParapetError } from "./error.js";
import { type Attempt, requestIdOf } from "./execute.js";
import type { Method } from "./method.js";
import type { Scope } from "./scope.js";

/**
 * Sends one request; resolves with a response of status 200 and the content type of the method. Fails with ParapetError: with what the server refused it for,
 * with RESPONSE_MALFORMED for an answer that is not of this protocol, with NETWORK_FAILED, or with what the scope ended with.
 */
export async function send(client: Client, { name, kind }: Method, body: BodyInit, { scope, headers, deadlineMs }: Attempt): Promise<Response> {
  const type = kind === "unary" ? "application/json" : "application/connect+json";
  headers.set("content-type", type);
  headers.set("connect-protocol-version", "1");
  // The protocol has room for ten digits.
  if (deadlineMs < 9e9) headers.set("connect-timeout-ms", `${Math.ceil(deadlineMs)}`);
  // A followed redirect would hand X-API-Key to whatever host it names.
  const request = client.fetch(`${client.baseUrl}/${name}`, { method: "POST", headers, body, signal: scope.signal, redirect: "manual" });
  const response = await overNetwork(scope, request, "the server could not be reached");
  const { status } = response;
  const isOk = status === 200;
  if (isOk && response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() === type) return response;
  const json = await readJson(response, scope);
  throw errorOf(response, isOk ? undefined : json, client.clock);
}

/** What comes over the network: its failure is typed, unless the scope itself broke it. */
export async function overNetwork<T>(scope: Scope, work: PromiseLike<T>, message: string): Promise<T> {
  try {
    return await scope.wait(work);
  } catch (cause) {
    throw scope.signal.aborted ? scope.signal.reason : cause instanceof ParapetError ? cause : clientError("NETWORK_FAILED", message, { cause });
  }
}

/** Reads a whole body as JSON; undefined where it is none. */
export async function readJson(response: Response, scope: Scope): Promise<unknown> {
  return parseJson(await overNetwork(scope, response.text(), "the response broke off"));
}

/** True for the JSON of a response of the method. */
export function isMessage(json: unknown, { bare }: Pick<Method, "bare">): boolean {
  return bare ? json !== undefined : typeof json === "object" && json !== null;
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
  const facts = { status, requestId: requestIdOf(headers), retryAfterMs: retryAfterMsOf(headers, clock) };
  const { code, message, details } = (json ?? {}) as WireError;
  return typeof code === "string"
    ? new ParapetError({ ...facts, code: code as Code, message: (message as string) || code, details: decodeDetails(details) })
    : clientError("RESPONSE_MALFORMED", `the response is not from this API (HTTP ${status}, ${headers.get("content-type")})`, { ...facts, code: codeOfStatus(status) });
}

/** Retry-After in milliseconds: seconds, or a date that is not over (RFC 9110, section 10.2.3). */
export function retryAfterMsOf(headers: Headers, clock: Client["clock"]): number | undefined {
  const value = headers.get("retry-after") ?? "";
  // Of several, the first.
  const seconds = Number.parseInt(value);
  // A date counts against the server's own clock where it is told, since this machine's may be wrong.
  const ms = seconds >= 0 ? seconds * 1000 : Date.parse(value) - (Date.parse(headers.get("date") ?? "") || clock.date());
  return ms >= 0 ? ms : undefined;
}
