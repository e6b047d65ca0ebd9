/** Documents that have ended: how many a collection still holds, and the sweep that removes them. */
import { CredentialKind, Decision, Protocol, RecordPhase } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import type { AuditFacts } from "../audit/sink.js";
import { fail, Reason } from "../errors.js";
import { purgeRowsMax } from "../limits.js";
import { after, kinds, pack, unpackBytes } from "../store/keys.js";
import type { Reader, Store, Transaction } from "../store/store.js";
import { idBehind, timeBehind, timeBytes, type CollectionKeys } from "./collection-keys.js";
import { readCollection, saveCollection } from "./collection-row.js";
import { rowOf } from "./find.js";
import { scanKeys } from "./scan.js";
import { purgeDocument, type Change } from "./writes.js";

/** How many documents of a collection have ended by `nowMs` and were not swept yet. The cost is theirs alone. */
export async function countExpired(reader: Reader, keys: CollectionKeys, nowMs: number, signal: AbortSignal): Promise<number> {
  let count = 0;
  await scanKeys(reader, keys.expiredBy(nowMs), signal, () => {
    count++;
    return true;
  });
  return count;
}

/** What a sweep needs. */
export interface SweepOptions {
  readonly store: Store;
  readonly tenant: string;
  readonly keysOf: (tenant: string, collection: string) => CollectionKeys;
  /** Appends a record within the transaction; see TransactionalAuditSink. */
  readonly append: (tx: Transaction, facts: AuditFacts) => void;
  /** Unix time in milliseconds: what ended by then goes. */
  readonly nowMs: number;
  /** Documents to remove at most. */
  readonly limit: number;
}

/**
 * Removes documents that have ended, the earliest of each collection first, in transactions of at most `purgeRowsMax` rows
 * that each carry their own audit record. Returns how many it removed; fewer than `limit` means that none are left.
 */
export async function sweepExpired({ store, tenant, keysOf, append, nowMs, limit }: SweepOptions): Promise<number> {
  let left = limit;
  let keys = firstExpired(store, tenant, keysOf, nowMs, undefined);
  while (keys !== undefined && left > 0) {
    const current = keys;
    const swept = await store.transact((tx) => {
      const count = purgeExpired(tx, current, nowMs, left);
      if (count > 0) append(tx, sweepFacts(current, count));
      return count;
    });
    left -= swept;
    keys = firstExpired(store, tenant, keysOf, nowMs, swept === 0 ? current.byExpiry.lt : current.byExpiry.gte);
  }
  return limit - left;
}

/** Removes up to `limit` ended documents of one collection within a transaction, no more than `purgeRowsMax` rows; returns how many. */
export function purgeExpired(tx: Transaction, keys: CollectionKeys, nowMs: number, limit: number): number {
  const span = keys.expiredBy(nowMs);
  const expired = [...tx.keys({ ...span, limit: Math.min(limit, purgeRowsMax) })];
  if (expired.length === 0) return 0;
  const state = readCollection(tx, keys);
  if (state === undefined) throw fail(Reason.STORED_DATA_CORRUPT);
  const change: Change = { tx, keys, state, nowMs, newId: noIds, rows: 0 };
  let count = 0;
  for (const key of expired) {
    if (change.rows >= purgeRowsMax) break;
    const id = idBehind(key, span.gte.length + timeBytes);
    purgeDocument(change, id, rowOf(tx, keys, id));
    count++;
  }
  saveCollection(tx, keys, state);
  return count;
}

/** The first collection that holds ended documents, at or behind the key `start`; found by leaping from one to the next. */
function firstExpired(
  reader: Reader,
  tenant: string,
  keysOf: SweepOptions["keysOf"],
  nowMs: number,
  start: Uint8Array | undefined,
): CollectionKeys | undefined {
  const prefix = pack([tenant, kinds.documentByExpiry]);
  const end = after(prefix);
  let from = start ?? prefix;
  for (;;) {
    const [key] = [...reader.keys({ gte: from, lt: end, limit: 1 })];
    if (key === undefined) return undefined;
    const collection = unpackBytes(key, prefix.length);
    const keys = keysOf(tenant, Buffer.from(collection.value).toString("utf8"));
    if (timeBehind(key, collection.next) <= nowMs) return keys;
    from = keys.byExpiry.lt;
  }
}

function sweepFacts({ tenant, collection }: CollectionKeys, count: number): AuditFacts {
  return {
    tenant,
    actorId: "system",
    credentialKind: CredentialKind.SYSTEM,
    credentialId: "",
    action: "document.expire",
    method: "",
    resource: `collections/${collection.replaceAll("%", "%25").replaceAll("/", "%2F")}/documents`,
    collection,
    key: "",
    decision: Decision.ALLOW,
    rule: "expiry",
    outcomeCode: 0,
    reason: "",
    protocol: Protocol.NONE,
    requestId: "",
    traceId: "",
    notes: [{ name: "documents", value: String(count) }],
    phase: RecordPhase.UNSPECIFIED,
    actorName: "",
    clientIp: "",
    userAgent: "",
  };
}

function noIds(): never {
  throw new Error("a purge made an id");
}
