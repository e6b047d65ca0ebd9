/** The canonical codes, and what an HTTP status means where no error body says more. */

/** Canonical codes as Connect spells them (connectrpc.com/docs/protocol, error codes). */
export type Code =
  | "canceled"
  | "unknown"
  | "invalid_argument"
  | "deadline_exceeded"
  | "not_found"
  | "already_exists"
  | "permission_denied"
  | "resource_exhausted"
  | "failed_precondition"
  | "aborted"
  | "out_of_range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "data_loss"
  | "unauthenticated";

const codeByStatus: Readonly<Record<number, Code>> = {
  200: "internal",
  400: "internal",
  401: "unauthenticated",
  403: "permission_denied",
  404: "unimplemented",
  429: "unavailable",
  502: "unavailable",
  503: "unavailable",
  504: "unavailable",
};

/** Code of a response that carries no Connect error, e.g. a proxy's page (connectrpc.com/docs/protocol, HTTP to error code). */
export function codeOfStatus(status: number): Code {
  return codeByStatus[status] ?? "unknown";
}
