/** Finds records: newest first, by time, actor, action, result, request and collection. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { type AuditRecord, Decision, RecordPhase, type SealedFields } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import { fail, Failure, Reason } from "../errors.js";
import { scanYieldRows } from "../limits.js";
import type { Reader } from "../store/store.js";
import { decodeRecord, nanosecondsOf } from "./record.js";
import { allRecords, recordKey, recordRange, requestRange, sequenceOf } from "./rows.js";

/** Which records. Empty text matches all. */
export interface AuditQuery {
  /** At or after, in nanoseconds since 1970. */
  readonly fromNs?: bigint;
  /** Before, in nanoseconds since 1970. */
  readonly toNs?: bigint;
  /** Name or opaque id. */
  readonly actor: string;
  /** The action, or a prefix that ends in a dot. */
  readonly action: string;
  readonly result: string;
  readonly requestId: string;
  readonly collection: string;
  /** Records at most; at least 1. */
  readonly limit: number;
  /** Records below this sequence only: where the page before ended. */
  readonly below?: bigint;
}

/** One record that was found. */
export interface FoundRecord {
  readonly record: AuditRecord;
  /** Undefined if it was never there or its key was destroyed. */
  readonly personal: SealedFields | undefined;
}

/** Records, newest first. */
export interface AuditPage {
  readonly records: readonly FoundRecord[];
  /** What to give as `below` for the next page; undefined if this is the last. */
  readonly next: bigint | undefined;
}

/** How a call ended: one of the values of the `result` filter, or `unknown` for an intent, whose outcome another record tells (AU-08). */
export function resultOf({ outcomeCode, decision, phase }: AuditRecord): "success" | "denied" | "failure" | "unknown" {
  if (phase === RecordPhase.INTENT) return "unknown";
  if (outcomeCode === 0) return "success";
  return decision === Decision.DENY ? "denied" : "failure";
}

/**
 * A page of the records that match. Bounds in time are found by bisection, because times never decrease; a request by its
 * index; everything else by reading, with a pause for other calls every `scanYieldRows` rows. Throws the reason of the
 * signal if it fires, CALL_CANCELLED where that is no Failure.
 */
export async function queryRecords(
  reader: Reader,
  open: (record: AuditRecord) => SealedFields | undefined,
  tenant: string,
  query: AuditQuery,
  signal?: AbortSignal,
): Promise<AuditPage> {
  const found: FoundRecord[] = [];
  let rows = 0;
  for (const bytes of candidates(reader, tenant, query)) {
    if (++rows % scanYieldRows === 0) {
      await nextTurn();
      if (signal?.aborted) throw signal.reason instanceof Failure ? signal.reason : fail(Reason.CALL_CANCELLED);
    }
    const record = decodeRecord(bytes);
    if (!matches(record, query)) continue;
    const personal = open(record);
    if (query.actor !== "" && record.actorId !== query.actor && personal?.actorName !== query.actor) continue;
    // One more than fits tells that there is a next page.
    if (found.length === query.limit) return { records: found, next: found.at(-1)!.record.sequence };
    found.push({ record, personal });
  }
  return { records: found, next: undefined };
}

/** The stored records that may match, newest first. */
function* candidates(reader: Reader, tenant: string, { requestId, below, fromNs, toNs }: AuditQuery): Generator<Uint8Array> {
  if (requestId !== "") {
    for (const key of reader.keys({ ...requestRange(tenant, requestId), reverse: true })) {
      const sequence = sequenceOf(key);
      if (below !== undefined && sequence >= below) continue;
      const bytes = reader.get(recordKey(tenant, sequence));
      if (bytes !== undefined) yield bytes;
    }
    return;
  }
  const [first, end] = bounds(reader, tenant);
  const from = fromNs === undefined ? first : firstAt(reader, tenant, first, end, fromNs);
  const to = toNs === undefined ? end : firstAt(reader, tenant, from, end, toNs);
  const stop = below !== undefined && below < to ? below : to;
  if (from >= stop) return;
  for (const { value } of reader.range({ ...recordRange(tenant, from, stop), reverse: true })) yield value;
}

function matches(record: AuditRecord, { fromNs, toNs, action, result, requestId, collection }: AuditQuery): boolean {
  const time = nanosecondsOf(record.time);
  return (
    (fromNs === undefined || time >= fromNs) &&
    (toNs === undefined || time < toNs) &&
    (action === "" || (action.endsWith(".") ? record.action.startsWith(action) : record.action === action)) &&
    (result === "" || resultOf(record) === result) &&
    (requestId === "" || record.requestId === requestId) &&
    (collection === "" || record.collection === collection)
  );
}

/** The first sequence that is stored, and the one behind the last. */
function bounds(reader: Reader, tenant: string): [first: bigint, end: bigint] {
  const all = allRecords(tenant);
  for (const first of reader.keys({ ...all, limit: 1 })) {
    for (const last of reader.keys({ ...all, limit: 1, reverse: true })) return [sequenceOf(first), sequenceOf(last) + 1n];
  }
  return [0n, 0n];
}

/** The first sequence from `first` up to `end` whose record is at or after `timeNs`; `end` if none is. */
function firstAt(reader: Reader, tenant: string, first: bigint, end: bigint, timeNs: bigint): bigint {
  let [low, high] = [first, end];
  while (low < high) {
    const middle = (low + high) / 2n;
    const bytes = reader.get(recordKey(tenant, middle));
    if (bytes === undefined) throw fail(Reason.STORED_DATA_CORRUPT);
    if (nanosecondsOf(decodeRecord(bytes).time) < timeNs) low = middle + 1n;
    else high = middle;
  }
  return low;
}
