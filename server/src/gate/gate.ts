/** The gate before the body: authenticate, limit, authorize the method (the order of SEMANTICS.md). */
import type { Call } from "../call.js";
import { CredentialKind } from "../call.js";
import { fail, Failure, Reason, toFailure } from "../errors.js";
import type { Authenticated, IdentitySource } from "../identity/identity-source.js";
import { type LastBearer, readCredential } from "../identity/read-credential.js";
import { limitHeaders, rateLimited } from "../limit/headers.js";
import type { BucketNumbers, Limiter } from "../limit/limiter.js";
import { accountSubject, sourceSubject, userSubject } from "../limit/subject.js";
import { decideMethod } from "../policy/access.js";

/** What the gate needs. */
export interface GateOptions {
  readonly identity: IdentitySource;
  /** Undefined: limits are off. */
  readonly limiter: Limiter | undefined;
  /** Count signed-in callers by user, or everybody by source. */
  readonly limitBy: "user" | "ip";
  /** Bucket that failed credentials spend for their source, and denied callers of exempt methods for themselves. */
  readonly failureBucket: BucketNumbers;
  /** Everybody is this principal: authentication is off. */
  readonly everybody: Authenticated | undefined;
  readonly nowUnixSeconds: () => number;
  /** Called as a call arrives, before anything is decided; where other processes change what decisions rest on. */
  readonly catchUp?: (() => void) | undefined;
}

/** All values of a request header, by lower-case name. */
export type HeaderValues = (name: string) => string[];

/** Decides whether a call may go on to its body. */
export interface Gate {
  /** Fills in the call's principal, credential, rule and limit; returns the refusal, if there is one. `last` is the connection's. */
  admit(call: Call, headers: HeaderValues, last: LastBearer): Failure | undefined | Promise<Failure | undefined>;
  /** Spends a second budget, named by a field of the decoded request, in the bucket of the method. */
  spendAccount(call: Call, account: string): Failure | undefined;
  /** The key under which a caller is counted. */
  subjectOf(call: Call): string;
}

/** Makes the gate. */
export function createGate(options: GateOptions): Gate {
  const { identity, limiter, limitBy, failureBucket, everybody, nowUnixSeconds, catchUp } = options;

  const subjectOf = (call: Call): string => (call.principal !== undefined && limitBy === "user" ? userSubject(call.principal.id) : sourceSubject(call.clientIp));

  const spend = (call: Call, bucket: BucketNumbers, subject: string, cost: number): Failure | undefined => {
    if (limiter === undefined) return undefined;
    const verdict = limiter.spend(bucket, subject, cost);
    call.limit = verdict;
    if (verdict.admitted) return undefined;
    call.rule = `limit:${bucket.name}`;
    return rateLimited(verdict);
  };

  const refuseCredential = (call: Call, failure: Failure): Failure => {
    call.credential = { kind: CredentialKind.INVALID, id: "" };
    call.rule = "credential";
    return spend(call, failureBucket, sourceSubject(call.clientIp), 1) ?? failure;
  };

  const proceed = (call: Call, outcome: Authenticated | Failure | undefined): Failure | undefined => {
    const { plan } = call;
    if (outcome instanceof Failure) {
      if (plan.access.kind !== "public" || !plan.access.ignoreBadCredential) return refuseCredential(call, outcome);
    } else if (outcome !== undefined) {
      call.principal = outcome.principal;
      call.credential = outcome.credential;
      call.tenant = outcome.principal.tenant;
    }
    if (call.principal === undefined && plan.access.kind !== "public") {
      call.rule = "no-credential";
      return spend(call, failureBucket, subjectOf(call), 1) ?? fail(Reason.CREDENTIAL_MISSING);
    }
    if (plan.limit !== undefined) {
      // A budget for an account must not be spent twice by whoever owns it: before the body only the source counts.
      const subject = plan.limit.accountOf === undefined ? subjectOf(call) : sourceSubject(call.clientIp);
      const refusal = spend(call, plan.limit.bucket, subject, plan.limit.cost);
      if (refusal !== undefined) return refusal;
    }
    const decision = decideMethod(plan.access, call.principal);
    call.rule = decision.rule;
    if (decision.allow) return undefined;
    const refusal = fail(decision.reason);
    return plan.limit === undefined ? (spend(call, failureBucket, subjectOf(call), 1) ?? refusal) : refusal;
  };

  const admit = (call: Call, headers: HeaderValues, last: LastBearer): Failure | undefined | Promise<Failure | undefined> => {
    catchUp?.();
    if (everybody !== undefined) return proceed(call, everybody);
    const sent = readCredential(headers, last);
    if (sent === undefined || sent instanceof Failure) return proceed(call, sent);
    const outcome = identity.authenticate(sent, call);
    return outcome instanceof Promise ? outcome.then((settled) => proceed(call, settled)).catch(toFailure) : proceed(call, outcome);
  };

  /** Whoever cannot be proved or counted, because a store does not answer, is refused as any other caller is. */
  const admitOrFail = (call: Call, headers: HeaderValues, last: LastBearer): Failure | undefined | Promise<Failure | undefined> => {
    try {
      return admit(call, headers, last);
    } catch (thrown) {
      return toFailure(thrown);
    }
  };

  const withHeaders = (call: Call, refusal: Failure | undefined): Failure | undefined => {
    if (call.limit !== undefined) call.responseHeaders.push(...limitHeaders(call.limit, nowUnixSeconds()));
    return refusal;
  };

  return {
    admit(call, headers, last) {
      const refusal = admitOrFail(call, headers, last);
      return refusal instanceof Promise ? refusal.then((settled) => withHeaders(call, settled)) : withHeaders(call, refusal);
    },
    spendAccount(call, account) {
      const { limit } = call.plan;
      if (limit === undefined) return undefined;
      const before = call.limit;
      const refusal = spend(call, limit.bucket, accountSubject(call.tenant, account), limit.cost);
      // The headers speak of the source's budget unless the account's is the one that refused.
      if (refusal === undefined) call.limit = before;
      else replaceLimitHeaders(call, nowUnixSeconds());
      return refusal;
    },
    subjectOf,
  };
}

function replaceLimitHeaders(call: Call, nowUnixSeconds: number): void {
  const kept = call.responseHeaders.filter(([name]) => !name.includes("ratelimit") && name !== "retry-after");
  call.responseHeaders.length = 0;
  call.responseHeaders.push(...kept, ...limitHeaders(call.limit!, nowUnixSeconds));
}
