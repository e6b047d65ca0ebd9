/** Finds the one request credential of a call among its headers. */
import { fail, type Failure, Reason } from "../errors.js";
import { credentialBytesMax } from "../limits.js";
import type { SentCredential } from "./identity-source.js";

/** All values of a header (or gRPC metadata entry), by its name in lower case; empty if it was not sent. */
export type HeaderValues = (name: string) => readonly string[];

/** The `Authorization` header that came last over a connection, and what was read of it. Lives and ends with the connection. */
export interface LastBearer {
  header: string;
  sent: SentCredential | undefined;
}

/** Of a connection over which nothing came yet. */
export function noBearer(): LastBearer {
  return { header: "", sent: undefined };
}

/**
 * The credential of a call: `Authorization: Bearer …` (RFC 6750 section 2.1, scheme in any case) or `X-API-Key`; undefined if
 * none was sent. The same credential may be sent twice. A Failure otherwise: CREDENTIAL_AMBIGUOUS for two that differ (AN-22);
 * TOKEN_INVALID for another scheme, and for text that is empty, too long or cannot be a bearer token; API_KEY_INVALID for such
 * text in `X-API-Key`. `last` is what the connection brought before: callers send the same token again and again, and get the
 * same object for it.
 */
export function readCredential(headers: HeaderValues, last: LastBearer = noBearer()): SentCredential | undefined | Failure {
  const bearers = headers("authorization");
  const keys = headers("x-api-key");
  if (bearers.length + keys.length === 0) return undefined;
  // Most calls carry exactly one.
  if (bearers.length === 1 && keys.length === 0) {
    const [header] = bearers;
    if (last.sent !== undefined && header === last.header) return last.sent;
    const sent = readBearer(header!);
    if ("text" in sent) {
      last.header = header!;
      last.sent = sent;
    }
    return sent;
  }
  const sent = [...bearers.map(readBearer), ...keys.map(readKey)];
  const [first] = sent;
  for (const other of sent) {
    if (!isSame(first!, other)) return fail(Reason.CREDENTIAL_AMBIGUOUS);
  }
  return first;
}

function readBearer(value: string): SentCredential | Failure {
  const text = value.length > credentialBytesMax ? undefined : /^bearer +([\w\-.~+/]+=*) *$/i.exec(value)?.[1];
  return text === undefined ? fail(Reason.TOKEN_INVALID) : { kind: "bearer", text };
}

function readKey(value: string): SentCredential | Failure {
  const text = value.length > credentialBytesMax ? "" : value.trim();
  return /^[\x21-\x7e]+$/.test(text) ? { kind: "api-key", text } : fail(Reason.API_KEY_INVALID);
}

/** What cannot be read is like nothing else: beside another credential it makes the call ambiguous. */
function isSame(a: SentCredential | Failure, b: SentCredential | Failure): boolean {
  return a === b || ("text" in a && "text" in b && a.text === b.text);
}
