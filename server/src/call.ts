/** The facts of one request, from the socket to the audit record. */
import { createContextKey, type HandlerContext } from "@connectrpc/connect";
import { CredentialKind, Protocol } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import type { Failure } from "./errors.js";
import type { Plan } from "./gate/plan.js";
import type { Grants } from "./policy/rights.js";
import type { LimitVerdict } from "./limit/limiter.js";

export { CredentialKind, Protocol };

/** Who a credential proved. */
export interface Principal {
  /** Opaque id, e.g. `usr_…`; what audit records carry. */
  readonly id: string;
  /** Name people know it by; personal. */
  readonly name: string;
  readonly tenant: string;
  /** Server admin: ADMIN on `*`, not narrowed by a scope. */
  readonly admin: boolean;
  /** What it may do, already narrowed by the credential's scope. */
  readonly grants: Grants;
}

/** What was sent, as the audit record names it. */
export interface CredentialFacts {
  readonly kind: CredentialKind;
  /** Opaque id: the token's `jti`, the API key's id; never its text. */
  readonly id: string;
}

/** A redacted fact about a call. */
export interface AuditNote {
  readonly name: string;
  readonly value: string;
}

/** What the audit record will say about the target; handlers refine it. */
export interface AuditDraft {
  resource: string;
  collection: string;
  key: string;
  /** Name that was claimed at a failed login; sealed. */
  claimedName: string;
  readonly notes: AuditNote[];
}

/** How far a call's record is. In a transaction it stands or falls with the change that it records. */
export type Recorded = "not yet" | "in the transaction" | "done";

/** The facts of one request. Made by the edge, filled in by the gate. */
export interface Call {
  readonly plan: Plan;
  readonly protocol: Protocol;
  readonly requestId: string;
  /** 32 hex digits of a W3C traceparent, or empty. */
  readonly traceId: string;
  /** Address of the client, behind trusted proxies resolved. */
  readonly clientIp: string;
  readonly userAgent: string;
  /** Aborted when the caller goes away or its deadline passes. */
  readonly signal: AbortSignal;
  /** Why nobody waits for the answer any more; undefined while somebody does. Cheaper to ask than the signal, where it is there. */
  ended?(): Failure | undefined;
  /** Value of the Idempotency-Key header, or empty. */
  readonly idempotencyKey: string;
  tenant: string;
  principal: Principal | undefined;
  credential: CredentialFacts;
  /** The rule that admitted or refused the call. */
  rule: string;
  limit: LimitVerdict | undefined;
  readonly audit: AuditDraft;
  recorded: Recorded;
  /** True once the handler gave an answer, or a first part of one. */
  acted?: boolean;
  /** True once its deadline was answered, while what it began still ran. */
  expired?: boolean;
  /** Puts what the call is about into `audit`; undefined where there is no more to say. */
  describe?: (() => void) | undefined;
  /** When the caller's deadline passes, on the clock of `performance.now`; undefined: it has none. */
  readonly deadlineMs?: number | undefined;
  /** Headers to add to the response, whatever the protocol. */
  readonly responseHeaders: [name: string, value: string][];
}

/** Carries the call through connect-es. */
export const callKey = createContextKey<Call | undefined>(undefined, { description: "parapet call" });

/** The call a handler serves. */
export function callOf(context: HandlerContext): Call {
  const call = context.values.get(callKey);
  if (call === undefined) throw new Error("a handler ran outside the gate");
  return call;
}

/** The principal a handler serves, where the policy guarantees one. */
export function principalOf(context: HandlerContext): Principal {
  const { principal } = callOf(context);
  if (principal === undefined) throw new Error("a handler of a public method asked for its principal");
  return principal;
}
