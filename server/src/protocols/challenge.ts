/** The WWW-Authenticate challenge of a refusal (RFC 9110 section 11.6.1, RFC 6750 section 3). */
import { Code } from "@connectrpc/connect";
import { Reason, type Failure } from "../errors.js";
import type { HeaderList } from "./exchange.js";

const plain: HeaderList = [["www-authenticate", 'Bearer realm="parapet"']];
const invalid: HeaderList = [["www-authenticate", 'Bearer realm="parapet", error="invalid_token"']];
const insufficient: HeaderList = [["www-authenticate", 'Bearer realm="parapet", error="insufficient_scope"']];
const nothing: HeaderList = [];
const withoutError = new Set([Reason.CREDENTIAL_MISSING, Reason.LOGIN_FAILED]);

/** What to add to an HTTP 401 or 403. */
export function challenge(failure: Failure): HeaderList {
  if (failure.facts.code === Code.Unauthenticated) return withoutError.has(failure.reason) ? plain : invalid;
  return failure.facts.code === Code.PermissionDenied && failure.reason !== Reason.ORIGIN_REFUSED ? insufficient : nothing;
}
