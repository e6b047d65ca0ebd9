/** From a call and its outcome to the facts of its audit record. */
import { Decision, RecordPhase } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import { AuditLevel } from "@parapet/contract/parapet/policy/v1/policy_pb";
import type { Message } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { AuditFacts } from "../audit/sink.js";
import type { AuditNote, Call } from "../call.js";
import { type Failure, infoOf } from "../errors.js";
import { redactedJson, type Pseudonym } from "./field-paths.js";

const refusals = new Set<Code>([Code.Unauthenticated, Code.PermissionDenied, Code.ResourceExhausted]);

/** The record of a call: of its success, or of the failure it ended with. */
export function factsOfCall(call: Call, failure: Failure | undefined, phase = RecordPhase.UNSPECIFIED, notes: readonly AuditNote[] = call.audit.notes): AuditFacts {
  const { principal, audit, plan } = call;
  return {
    tenant: call.tenant,
    actorId: principal?.id ?? "",
    credentialKind: call.credential.kind,
    credentialId: call.credential.id,
    action: plan.audit.action,
    method: plan.name,
    resource: audit.resource,
    collection: audit.collection,
    key: audit.key,
    decision: failure !== undefined && refusals.has(failure.facts.code) ? Decision.DENY : Decision.ALLOW,
    rule: call.rule,
    outcomeCode: failure?.facts.code ?? 0,
    reason: failure === undefined ? "" : infoOf(failure).reason,
    protocol: call.protocol,
    requestId: call.requestId,
    traceId: call.traceId,
    notes,
    phase,
    actorName: principal?.name ?? audit.claimedName,
    clientIp: call.clientIp,
    userAgent: call.userAgent,
  };
}

/** True if the outcome of a call belongs in the log: every failure, and successes above level none (AU-02, AU-05). */
export function isRecorded(call: Call, failure: Failure | undefined): boolean {
  const { audit, limit } = call.plan;
  if (audit.level !== AuditLevel.NONE) return true;
  return failure !== undefined && limit !== undefined;
}

/** Fills in what the decoded request says about the target. */
export function describeTarget(call: Call, request: Message, pseudonym: Pseudonym): void {
  const { audit: plan, input } = call.plan;
  const { audit } = call;
  audit.resource = plan.resource(request);
  audit.collection = plan.collectionOf?.(request) ?? "";
  audit.key = plan.keyOf?.(request) ?? "";
  if (plan.level === AuditLevel.REQUEST) audit.notes.push({ name: "request", value: redactedJson(input, request, pseudonym) });
}
