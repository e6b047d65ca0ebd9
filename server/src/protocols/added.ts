/** What a handler adds to its answer: header and trailer fields, without those that are not a handler's to say. */
import type { HeaderList } from "./exchange.js";

/** Fields that a handler added, fit to be sent. */
export interface Added {
  readonly headers: HeaderList;
  readonly trailers: HeaderList;
}

/** Where a handler adds them; undefined: it touched none. */
export interface Adding {
  readonly addedHeaders: Headers | undefined;
  readonly addedTrailers: Headers | undefined;
}

/**
 * Names that belong to the protocols and to HTTP itself: the message's form, its length and coding, the status of the call,
 * and what concerns one connection alone (RFC 9110 section 7.6.1; gRPC over HTTP/2, Custom-Metadata; Connect protocol).
 */
export const reservedNames: ReadonlySet<string> = new Set([
  "accept-encoding",
  "connect-accept-encoding",
  "connect-content-encoding",
  "connect-protocol-version",
  "connect-timeout-ms",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "date",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-message",
  "grpc-status",
  "grpc-status-details-bin",
  "grpc-timeout",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Names of the server's own headers to which a handler may add values. */
const shared = new Set(["vary"]);

/** What may be sent of the fields a handler added; the server's `own` headers are not a handler's to replace. Undefined: nothing. */
export function addedBy({ addedHeaders, addedTrailers }: Adding, own: HeaderList): Added | undefined {
  if (addedHeaders === undefined && addedTrailers === undefined) return undefined;
  return { headers: allowedOf(addedHeaders ?? [], own), trailers: allowedOf(addedTrailers ?? [], own) };
}

/** The fields among those given that are a handler's to say. */
export function allowedOf(fields: Iterable<readonly [name: string, value: string]>, own: HeaderList): HeaderList {
  const taken = ownNames(own);
  return [...fields].filter(([name]) => !reservedNames.has(name) && !taken.has(name));
}

/** The names among the server's own headers that a handler may not use. */
export function ownNames(own: HeaderList): ReadonlySet<string> {
  return new Set(own.flatMap(([name]) => (shared.has(name) ? [] : [name])));
}

/** Fields as one list, the values of one name joined as HTTP joins them. */
export function merged(fields: HeaderList, more: HeaderList): HeaderList {
  const all = new Headers();
  for (const [name, value] of [...fields, ...more]) all.append(name, value);
  return [...all];
}
