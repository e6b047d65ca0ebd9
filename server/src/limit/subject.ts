/** The keys that budgets are counted by: opaque, without a secret, one shape for each kind of caller. */
import { createHash } from "node:crypto";
import { sourceOf } from "./source.js";

/** Budget of a user, by its opaque id: one for all of its credentials and protocols. */
export function userSubject(userId: string): string {
  return `u:${userId}`;
}

/** Budget of a client address; whatever is no address shares one. */
export function sourceSubject(clientIp: string): string {
  return `s:${sourceOf(clientIp) ?? "unknown"}`;
}

/** Budget of an account that a caller claims at login, whether it exists or not (AN-29): the name is hashed, for it may be long or a misplaced secret. */
export function accountSubject(tenant: string, username: string): string {
  return `a:${createHash("sha256").update(JSON.stringify([tenant, username])).digest("base64url")}`;
}
