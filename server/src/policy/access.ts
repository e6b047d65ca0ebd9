/** Who may call a method, and who may touch the object it names: pure decisions on facts at hand. */
import type { Principal } from "../call.js";
import { Reason } from "../errors.js";
import type { AccessPlan } from "../gate/plan.js";
import { ADMIN, everyCollection, type Grants, implied, nameOfRight, rightsAnywhere, rightsOn } from "./rights.js";

/**
 * What was decided, and by which rule: a short stable text for the audit record. Rules that allow: `public`,
 * `authenticated`, `server-admin`, `grant:<collection or *>:<right>`, `grant:any:<right>` (method stage of a method that
 * names a collection). Rules that deny: `no-credential`, `no-grant`.
 */
export type Decision =
  | { readonly allow: true; readonly rule: string }
  | { readonly allow: false; readonly reason: Reason; readonly rule: string };

const anonymous: Decision = { allow: false, reason: Reason.CREDENTIAL_MISSING, rule: "no-credential" };
const allowPublic: Decision = { allow: true, rule: "public" };
const allowAuthenticated: Decision = { allow: true, rule: "authenticated" };
const allowServerAdmin: Decision = { allow: true, rule: "server-admin" };
const denyAdmin: Decision = { allow: false, reason: Reason.ADMIN_REQUIRED, rule: "no-grant" };
const denyGrant: Decision = { allow: false, reason: Reason.PERMISSION_MISSING, rule: "no-grant" };

/**
 * Decides before the body is read. A method that names a collection in its request is refused here only to principals that
 * hold the right on no collection at all; `decideObject` decides on the one it names. Denials: CREDENTIAL_MISSING,
 * ADMIN_REQUIRED where server admin is needed, else PERMISSION_MISSING.
 */
export function decideMethod(access: AccessPlan, principal: Principal | undefined): Decision {
  if (access.kind === "public") return allowPublic;
  if (principal === undefined) return anonymous;
  if (access.kind === "authenticated") return allowAuthenticated;
  if (principal.admin) return allowServerAdmin;
  if (access.collectionOf === undefined) return onServer(principal.grants, access.bit);
  return rightsAnywhere(principal.grants) & access.bit ? { allow: true, rule: `grant:any:${nameOfRight(access.bit)}` } : denyGrant;
}

/**
 * Decides on the collection that a request names; an empty one means the server itself. Grants only add, in the order
 * server admin, the collection, `*`; without a match the answer is no. Denials as for `decideMethod`.
 */
export function decideObject(access: AccessPlan, principal: Principal | undefined, collection: string): Decision {
  if (access.kind !== "permission" || principal === undefined || principal.admin) return decideMethod(access, principal);
  const { grants } = principal;
  if (collection === "" || access.collectionOf === undefined) return onServer(grants, access.bit);
  if (!(rightsOn(grants, collection) & access.bit)) return denyGrant;
  const holder = implied(grants.get(collection) ?? 0) & access.bit ? collection : everyCollection;
  return { allow: true, rule: `grant:${holder}:${nameOfRight(access.bit)}` };
}

/** The server itself is covered by what holds on every collection. */
function onServer(grants: Grants, bit: number): Decision {
  if (rightsOn(grants, everyCollection) & bit) return { allow: true, rule: `grant:*:${nameOfRight(bit)}` };
  return bit === ADMIN ? denyAdmin : denyGrant;
}
