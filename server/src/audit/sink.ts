/** What the gate tells the audit log, and the port it tells it through. */
import type { CredentialKind, Decision, Protocol, RecordPhase } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import type { AuditNote } from "../call.js";
import type { Transaction } from "../store/store.js";

/** The facts of one record before it has a place in the log. */
export interface AuditFacts {
  readonly tenant: string;
  /** Opaque id of the principal; empty for anonymous callers. */
  readonly actorId: string;
  readonly credentialKind: CredentialKind;
  readonly credentialId: string;
  readonly action: string;
  /** `package.Service/Method`, or empty. */
  readonly method: string;
  readonly resource: string;
  readonly collection: string;
  readonly key: string;
  readonly decision: Decision;
  readonly rule: string;
  /** google.rpc.Code; 0 is success. */
  readonly outcomeCode: number;
  /** Name of the reason; empty on success. */
  readonly reason: string;
  readonly protocol: Protocol;
  readonly requestId: string;
  readonly traceId: string;
  readonly notes: readonly AuditNote[];
  readonly phase: RecordPhase;
  /** Personal; sealed before it is stored. */
  readonly actorName: string;
  /** Personal; sealed before it is stored. */
  readonly clientIp: string;
  /** Personal; sealed before it is stored. */
  readonly userAgent: string;
  /** For counted records. */
  readonly count?: number;
  readonly distinctTargets?: number;
  readonly targetSamples?: readonly Uint8Array[];
}

/** Takes records. A record that cannot be written is a Failure with reason AUDIT_UNAVAILABLE. */
export interface AuditSink {
  /** Resolves when the record is durable. Concurrent calls share one commit. */
  write(facts: AuditFacts): Promise<void>;
}

/** A sink that lives in the store, so that a change and its record are one transaction. */
export interface TransactionalAuditSink extends AuditSink {
  /** Appends to the log within a transaction. */
  append(tx: Transaction, facts: AuditFacts): void;
}
