/** The RPCs that read the audit log. */
import { createHash } from "node:crypto";
import { type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, type ServiceImpl } from "@connectrpc/connect";
import {
  type AuditEntrySchema,
  type AuditService,
  type ListAuditRecordsRequest,
  ListAuditRecordsRequestSchema,
} from "@parapet/contract/parapet/audit/v1/audit_service_pb";
import type { AuditLog } from "../audit/log.js";
import { type FoundRecord, resultOf } from "../audit/query.js";
import { nanosecondsOf } from "../audit/record.js";
import { type Call, callOf } from "../call.js";
import { codeNames, fail, Reason } from "../errors.js";
import { auditPageSizeDefault } from "../limits.js";
import type { PageTokens } from "../store/page-token.js";

/** What the service needs. */
export interface AuditServiceOptions {
  readonly log: AuditLog;
  readonly pageTokens: PageTokens;
}

const listKind = "audit";

/**
 * Makes the service. A reader sees the log of its own tenant only (AU-20). Page tokens hold a sequence; they serve the
 * principal and the filters that they were made for (AIP-158), whatever the page size.
 */
export function createAuditService({ log, pageTokens }: AuditServiceOptions): ServiceImpl<typeof AuditService> {
  return {
    async listAuditRecords(request, context) {
      const call = callOf(context);
      const queryHash = queryHashOf(request, call);
      const below = request.pageToken === "" ? undefined : sequenceIn(pageTokens.open(listKind, queryHash, request.pageToken));
      const { from, to, actor, action, result, requestId, collection } = request;
      const page = await log.list(
        call.tenant,
        {
          fromNs: from && nanosecondsOf(from),
          toNs: to && nanosecondsOf(to),
          actor,
          action,
          result,
          requestId,
          collection,
          limit: request.limit || auditPageSizeDefault,
          below,
        },
        call.signal,
      );
      return {
        records: page.records.map(entryOf),
        nextPageToken: page.next === undefined ? "" : pageTokens.seal(listKind, queryHash, positionOf(page.next)),
        dropped: 0,
      };
    },
  };
}

/** Stands for the reader and everything it asked, but for the place in the list. */
function queryHashOf(request: ListAuditRecordsRequest, { tenant, principal }: Call): Uint8Array {
  const filters = toBinary(ListAuditRecordsRequestSchema, { ...request, limit: 0, pageToken: "", $unknown: undefined });
  return createHash("sha256").update(JSON.stringify([tenant, principal?.id ?? ""])).update(filters).digest();
}

function positionOf(sequence: bigint): Uint8Array {
  const position = new Uint8Array(8);
  new DataView(position.buffer).setBigUint64(0, sequence);
  return position;
}

function sequenceIn(position: Uint8Array): bigint {
  if (position.length !== 8) throw fail(Reason.PAGE_TOKEN_INVALID);
  return new DataView(position.buffer, position.byteOffset, 8).getBigUint64(0);
}

function entryOf({ record, personal }: FoundRecord): MessageInitShape<typeof AuditEntrySchema> {
  return {
    sequence: record.sequence,
    time: record.time ?? timestampFromMs(0),
    tenant: record.tenant,
    actor: personal?.actorName ?? "",
    actorId: record.actorId,
    credentialKind: record.credentialKind,
    credentialId: record.credentialId,
    action: record.action,
    method: record.method,
    resource: record.resource,
    collection: record.collection,
    key: record.key,
    decision: record.decision,
    rule: record.rule,
    result: resultOf(record),
    code: record.outcomeCode === 0 ? "ok" : (codeNames[record.outcomeCode as Code] ?? codeNames[Code.Unknown]),
    reason: record.reason,
    protocol: record.protocol,
    requestId: record.requestId,
    traceId: record.traceId,
    clientIp: personal?.clientIp ?? "",
    userAgent: personal?.userAgent ?? "",
    details: record.details,
    phase: record.phase,
    count: record.count > 1n ? record.count : 1n,
    distinctTargets: record.distinctTargets,
  };
}
