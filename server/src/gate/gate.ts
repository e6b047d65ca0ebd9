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
  /** Called when calls have arrived, before anything is decided on them; where other processes change what decisions rest on. */
  readonly catchUp?: (() => void) | undefined;
}

/** All values of a request header, by lower-case name. */
export type HeaderValues = (name: string) => string[];

/** A call that wants to go on to its body. */
export interface Applicant {
  readonly call: Call;
  readonly headers: HeaderValues;
  /** What its connection brought last. */
  readonly last: LastBearer;
  /** Told once whether it may, now or later: the refusal, if there is one. Does not throw. */
  decided(refusal: Failure | undefined): void;
}

/** Decides whether calls may go on to their bodies. */
export interface Gate {
  /**
   * Fills in principal, credential, rule and limit of calls that arrived together, and tells each whether it is refused. What is
   * shared with other processes is asked once for all of them.
   */
  admit(applicants: readonly Applicant[]): void;
  /** Spends a second budget, named by a field of the decoded request, in the bucket of the method. */
  spendAccount(call: Call, account: string): Failure | undefined;
  /** The key under which a caller is counted. */
  subjectOf(call: Call): string;
}

/** Whom a credential proved, why it proved nobody, or undefined: there was none. */
type Outcome = Authenticated | Failure | undefined;

/** An applicant of whom is known who calls. */
interface Proved {
  readonly applicant: Applicant;
  readonly outcome: Outcome;
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

  const proceed = (call: Call, outcome: Outcome): Failure | undefined => {
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

  const prove = ({ call, headers, last }: Applicant): Outcome | Promise<Outcome> => {
    if (everybody !== undefined) return everybody;
    const sent = readCredential(headers, last);
    return sent === undefined || sent instanceof Failure ? sent : identity.authenticate(sent, call);
  };

  /** Whoever cannot be counted, because a store does not answer, is refused as any other caller is. */
  const decide = (call: Call, outcome: Outcome): Failure | undefined => {
    try {
      return proceed(call, outcome);
    } catch (thrown) {
      return toFailure(thrown);
    }
  };

  const tell = (applicant: Applicant, refusal: Failure | undefined): void => {
    const { limit, responseHeaders } = applicant.call;
    if (limit !== undefined) responseHeaders.push(...limitHeaders(limit, nowUnixSeconds()));
    applicant.decided(refusal);
  };

  /** Decides on calls in one question to the limiter. If what they spend could not be counted, not one of them is admitted. */
  const decideTogether = (proved: readonly Proved[], together: (work: () => void) => void): void => {
    const refusals: (Failure | undefined)[] = [];
    try {
      together(() => {
        for (const { applicant, outcome } of proved) refusals.push(decide(applicant.call, outcome));
      });
    } catch (thrown) {
      for (const { applicant } of proved) {
        applicant.call.limit = undefined;
        applicant.call.rule = "";
        tell(applicant, toFailure(thrown));
      }
      return;
    }
    for (const [index, { applicant }] of proved.entries()) tell(applicant, refusals[index]);
  };

  const refuseAll = (applicants: readonly Applicant[], thrown: unknown): void => {
    for (const applicant of applicants) tell(applicant, toFailure(thrown));
  };

  const admit = (applicants: readonly Applicant[]): void => {
    try {
      catchUp?.();
    } catch (thrown) {
      return refuseAll(applicants, thrown);
    }
    const proved: Proved[] = [];
    for (const applicant of applicants) {
      let outcome: Outcome | Promise<Outcome>;
      try {
        outcome = prove(applicant);
      } catch (thrown) {
        // Who cannot be proved, because a store does not answer, is refused.
        tell(applicant, toFailure(thrown));
        continue;
      }
      if (outcome instanceof Promise) {
        outcome.then(
          (settled) => tell(applicant, decide(applicant.call, settled)),
          (thrown: unknown) => tell(applicant, toFailure(thrown)),
        );
      } else if (limiter?.together === undefined) tell(applicant, decide(applicant.call, outcome));
      else proved.push({ applicant, outcome });
    }
    if (proved.length > 0) decideTogether(proved, limiter!.together!);
  };

  return {
    admit,
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
