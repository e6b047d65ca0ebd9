/** The vocabulary of the wire clients: what is sent, over which protocol, and what came back. */
import type { Any } from "@bufbuild/protobuf/wkt";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { ContractMethod } from "../contract.js";

/** How a call is encoded. */
export type Encoding = "grpc" | "grpc-web" | "grpc-web-text" | "connect-proto" | "connect-json" | "connect-get" | "rest";

/** The HTTP version that carries it. */
export type HttpVersion = "h1" | "h2";

/** One way to make a call; what a report calls the protocol. */
export interface Variant {
  /** E.g. `connect-json/h2`. */
  readonly label: string;
  readonly encoding: Encoding;
  readonly http: HttpVersion;
  /** Name under which GetCapabilities claims it. */
  readonly claim: string;
}

function variant(encoding: Encoding, http: HttpVersion, claim: string): Variant {
  return { label: `${encoding}/${http}`, encoding, http, claim };
}

/** Every way to make a call, in the order of reports. */
export const variants: readonly Variant[] = [
  variant("grpc", "h2", "grpc"),
  variant("grpc-web", "h1", "grpc-web"),
  variant("grpc-web", "h2", "grpc-web"),
  variant("grpc-web-text", "h1", "grpc-web-text"),
  variant("connect-proto", "h1", "connect"),
  variant("connect-proto", "h2", "connect"),
  variant("connect-json", "h1", "connect"),
  variant("connect-json", "h2", "connect"),
  variant("connect-get", "h1", "connect-get"),
  variant("connect-get", "h2", "connect-get"),
  variant("rest", "h1", "rest"),
  variant("rest", "h2", "rest"),
];

/** True where a refusal keeps HTTP status 200 and speaks through grpc-status. */
export function isGrpcFamily({ encoding }: Variant): boolean {
  return encoding.startsWith("grpc");
}

/** A credential as it is sent. */
export type Credential = { readonly bearer: string } | { readonly apiKey: string };

/** One HTTP exchange to make. */
export interface HttpRequest {
  readonly verb: string;
  /** Path with query, sent as it is. */
  readonly path: string;
  /** Lower-case names; a name may repeat. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array | undefined;
  readonly http: HttpVersion;
  /** Local address to send from; undefined: the usual one. */
  readonly source: string | undefined;
  readonly timeoutMs: number;
}

/** Header fields: lower-case name to the values in their order. */
export type Fields = ReadonlyMap<string, readonly string[]>;

/** What one HTTP exchange gave. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Fields;
  readonly trailers: Fields;
  readonly body: Uint8Array;
}

/** Options of one call. */
export interface CallOptions {
  readonly credential?: Credential | undefined;
  /** Further headers, or metadata. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Sent in place of the encoded message, within the protocol's own framing: for malformed messages. */
  readonly payload?: Uint8Array;
  /** The payload is gzip already, and is declared so. */
  readonly gzip?: boolean;
  readonly source?: string | undefined;
  readonly timeoutMs?: number;
  /** Binding of the REST route to use; 0, the first, by default. */
  readonly binding?: number;
}

/** An error as the protocol carried it. */
export interface WireError {
  readonly message: string;
  /** Reasons of all google.rpc.ErrorInfo details. One is right. */
  readonly reasons: readonly string[];
  readonly domains: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** All google.rpc details. */
  readonly details: readonly Any[];
}

/** What a call gave, alike for every protocol. */
export interface CallResult {
  readonly variant: Variant;
  readonly http: HttpResponse;
  /** `ok` or the name of the code as Connect spells it; `none` where the answer carries none. */
  readonly code: string;
  readonly error: WireError | undefined;
  /** The response messages as ProtoJSON: one of a unary call, any number of a stream. */
  readonly messages: readonly JsonObject[];
  /** When sending began and when the whole answer was there, in milliseconds of one monotonic clock. */
  readonly sentAtMs: number;
  readonly receivedAtMs: number;
}

/** Turns a call into an HTTP request, and an HTTP response into a result. One for each encoding. */
export interface Codec {
  encode(method: ContractMethod, request: JsonValue, options: CallOptions): Pick<HttpRequest, "verb" | "path" | "headers" | "body">;
  decode(method: ContractMethod, response: HttpResponse): Decoded;
}

/** The part of a result that a codec finds. */
export type Decoded = Pick<CallResult, "code" | "error" | "messages">;

/** No answer came: refused, reset, timed out, or something that is not the protocol. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  constructor(
    message: string,
    /** True if not even a connection was made. */
    readonly unreachable: boolean,
  ) {
    super(message);
  }
}

/** Names of the canonical codes as Connect spells them, by number (google/rpc/code.proto). */
export const codeNames = [
  "ok", "canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found", "already_exists", "permission_denied",
  "resource_exhausted", "failed_precondition", "aborted", "out_of_range", "unimplemented", "internal", "unavailable", "data_loss", "unauthenticated",
] as const;

/** HTTP status of each code on Connect unary calls and REST. */
export const httpStatusOfCode: Readonly<Record<string, number>> = {
  ok: 200, canceled: 499, unknown: 500, invalid_argument: 400, deadline_exceeded: 504, not_found: 404, already_exists: 409,
  permission_denied: 403, resource_exhausted: 429, failed_precondition: 400, aborted: 409, out_of_range: 400, unimplemented: 501,
  internal: 500, unavailable: 503, data_loss: 500, unauthenticated: 401,
};

/** All values of a field as one list, split at commas (RFC 9110 section 5.3). */
export function fieldList(fields: Fields, name: string): string[] {
  return (fields.get(name) ?? []).flatMap((value) => value.split(",")).map((value) => value.trim()).filter((value) => value !== "");
}

/** The first value of a field. */
export function field(fields: Fields, name: string): string | undefined {
  return fields.get(name)?.[0];
}

/** The reason of a result: the one of its only ErrorInfo, `-` on success, else what is wrong in words. */
export function reasonOf({ error }: Pick<CallResult, "error">): string {
  if (error === undefined) return "-";
  return error.reasons.length === 1 ? error.reasons[0]! : `${error.reasons.length} reasons`;
}

