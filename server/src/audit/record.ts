/** From facts to the bytes of a record, frozen from the first one; and from bytes back to the record. */
import { createHash } from "node:crypto";
import { toUSVString } from "node:util";
import { fromBinary } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { type AuditDetail, type AuditRecord, AuditRecordSchema, type SealedFields } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import type { AuditNote } from "../call.js";
import { codecsOf } from "../codec/codec.js";
import { fail, Reason } from "../errors.js";
import { auditDetailBytesMax, auditDetailsMax, userAgentBytesMax } from "../limits.js";
import type { AuditFacts } from "./sink.js";

/** The layout that is written. */
export const schemaVersion = 1;
/** Distinct targets that a counted record names, at most. */
const targetSamplesMax = 16;

const { writeBinary } = codecsOf(AuditRecordSchema);

/** What a record gets from its place in the log. */
export interface Place {
  readonly sequence: bigint;
  /** Nanoseconds since 1970. */
  readonly timeNs: bigint;
  /** Empty where there is nothing personal. */
  readonly sealingKeyId: string;
  readonly sealed: Uint8Array;
}

/**
 * The stored bytes of a record: fields in the order of their numbers, each at most once, those with default values left
 * out, no maps, no unknown fields; so equal facts in equal places give equal bytes, whoever encodes them. Texts are made
 * well-formed and cut where they are longer than `auditDetailBytesMax`; nothing else is done to them, because length-framed
 * fields cannot be forged from within (AU-12).
 */
export function encodeRecord(facts: AuditFacts, place: Place): Uint8Array {
  const record: AuditRecord = {
    $typeName: "parapet.audit.v1.AuditRecord",
    schemaVersion,
    sequence: place.sequence,
    time: timestampOf(place.timeNs),
    tenant: toUSVString(facts.tenant),
    actorId: cut(facts.actorId),
    credentialKind: facts.credentialKind,
    credentialId: cut(facts.credentialId),
    action: cut(facts.action),
    method: cut(facts.method),
    resource: cut(facts.resource),
    collection: cut(facts.collection),
    key: cut(facts.key),
    decision: facts.decision,
    rule: cut(facts.rule),
    outcomeCode: facts.outcomeCode,
    reason: cut(facts.reason),
    protocol: facts.protocol,
    requestId: requestIdOf(facts),
    traceId: cut(facts.traceId),
    sealingKeyId: place.sealingKeyId,
    sealed: place.sealed,
    details: detailsOf(facts.notes),
    phase: facts.phase,
    count: BigInt(facts.count ?? 0),
    distinctTargets: BigInt(facts.distinctTargets ?? 0),
    targetSamples: [...(facts.targetSamples ?? [])].slice(0, targetSamplesMax),
    // Of effects outside and of delegation, which nothing has yet.
    intentSequencePlusOne: 0n,
    onBehalfOfId: "",
  };
  return writeBinary(record);
}

/** Reads stored bytes. Throws STORED_DATA_CORRUPT if they are no record. */
export function decodeRecord(bytes: Uint8Array): AuditRecord {
  try {
    return fromBinary(AuditRecordSchema, bytes);
  } catch (cause) {
    throw fail(Reason.STORED_DATA_CORRUPT, {}, { cause });
  }
}

/** The request id as it is recorded and found by. */
export function requestIdOf({ requestId }: Pick<AuditFacts, "requestId">): string {
  return cut(requestId, 512);
}

/** The personal part of the facts; undefined if there is none. */
export function personalOf({ actorName, clientIp, userAgent }: AuditFacts): Omit<SealedFields, "$typeName"> | undefined {
  if (actorName === "" && clientIp === "" && userAgent === "") return undefined;
  return { actorName: cut(actorName), clientIp: cut(clientIp), userAgent: cut(userAgent, userAgentBytesMax) };
}

/**
 * The text, well-formed, in at most `bytesMax` bytes of UTF-8. A longer one is cut between two characters and ends with a
 * mark that holds its length and SHA-256 (AU-22). `bytesMax` is at least 128.
 */
export function cut(text: string, bytesMax = auditDetailBytesMax): string {
  // A character has at most three bytes for each UTF-16 unit.
  if (text.length * 3 <= bytesMax) return toUSVString(text);
  const bytes = Buffer.from(toUSVString(text), "utf8");
  if (bytes.length <= bytesMax) return toUSVString(text);
  const mark = Buffer.from(`…[cut: ${bytes.length} bytes, sha256:${digestOf(bytes)}]`, "utf8");
  let end = bytesMax - mark.length;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return Buffer.concat([bytes.subarray(0, end), mark]).toString("utf8");
}

function detailsOf(notes: readonly AuditNote[]): AuditDetail[] {
  const details = notes.slice(0, auditDetailsMax).map(({ name, value }) => detail(cut(name), cut(value)));
  if (notes.length <= auditDetailsMax) return details;
  const rest = notes.slice(auditDetailsMax - 1);
  const digest = digestOf(Buffer.from(JSON.stringify(rest.map(({ name, value }) => [name, value])), "utf8"));
  return [...details.slice(0, -1), detail("details_cut", `${rest.length} details, sha256:${digest}`)];
}

function detail(name: string, value: string): AuditDetail {
  return { $typeName: "parapet.audit.v1.AuditDetail", name, value };
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

const second = 1_000_000_000n;

function timestampOf(timeNs: bigint): Timestamp {
  return { $typeName: "google.protobuf.Timestamp", seconds: timeNs / second, nanos: Number(timeNs % second) };
}

/** Nanoseconds since 1970 of a timestamp; 0 if there is none. */
export function nanosecondsOf(time: Timestamp | undefined): bigint {
  return time === undefined ? 0n : time.seconds * second + BigInt(time.nanos);
}
