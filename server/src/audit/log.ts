/** The audit log in the store: appends records within transactions, and reads them. */
import type { AuditRecord } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import { fail, Failure, Reason } from "../errors.js";
import type { Reader, Store, Transaction } from "../store/store.js";
import type { NanosecondClock } from "./clock.js";
import { type AuditPage, type AuditQuery, queryRecords } from "./query.js";
import { decodeRecord, encodeRecord, personalOf, requestIdOf } from "./record.js";
import { type Head, readHead, recordKey, requestKey, tileReader, tileWriter, writeHead } from "./rows.js";
import { type Sealer, subjectOf } from "./seal.js";
import type { AuditFacts, TransactionalAuditSink } from "./sink.js";
import { appendToTiles } from "./tiles.js";
import { appended, leafHash } from "./tree.js";

/** The log of every tenant, in the store. */
export interface AuditLog extends TransactionalAuditSink {
  /** Appends a record and returns its sequence. The record is in the log if and only if the transaction commits. */
  append(tx: Transaction, facts: AuditFacts): bigint;
  /** The end of a tenant's log: size, tree, time of the last record. */
  head(tenant: string): Head;
  /** The record at `sequence`, its personal part still sealed; undefined if there is none. */
  read(tenant: string, sequence: bigint): AuditRecord | undefined;
  /** A page of records, newest first, of one consistent state. */
  list(tenant: string, query: AuditQuery, signal?: AbortSignal): Promise<AuditPage>;
  /** Destroys the sealing key of a subject (an actor's id, or `anonymous-YYYY-MM-DD`). False if there was none. */
  erase(tx: Transaction, tenant: string, subject: string): boolean;
}

/** What the log needs. */
export interface AuditLogOptions {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly nowNs: NanosecondClock;
}

/**
 * Makes the log. Each append takes the next sequence of the tenant's log without a gap, a time that is never before the
 * last record's, and its leaf in the tree; it writes the record, the head, a tile, a row by request id, and the subject's
 * key where it is new. Failures of an append are AUDIT_UNAVAILABLE and abort the transaction they happen in.
 */
export function createAuditLog({ store, sealer, nowNs }: AuditLogOptions): AuditLog {
  const place = (tx: Transaction, facts: AuditFacts): bigint => {
    const { tenant } = facts;
    const head = readHead(tx, tenant);
    const sequence = BigInt(head.edge.size);
    const now = nowNs();
    const timeNs = now > head.timeNs ? now : head.timeNs;
    const requestId = requestIdOf(facts);
    const personal = personalOf(facts);
    const sealingKeyId = personal === undefined ? "" : subjectOf(facts.actorId, timeNs);
    const sealed = personal === undefined ? nothing : sealer.seal(tx, sealingKeyId, { tenant, sequence, requestId }, personal);
    const bytes = encodeRecord(facts, { sequence, timeNs, sealingKeyId, sealed });
    const leaf = leafHash(bytes);
    tx.put(recordKey(tenant, sequence), bytes);
    appendToTiles(head.edge.size, leaf, tileReader(tx, tenant), tileWriter(tx, tenant));
    writeHead(tx, tenant, { edge: appended(head.edge, leaf), timeNs });
    if (requestId !== "") tx.put(requestKey(tenant, requestId, sequence), nothing);
    return sequence;
  };
  const append = (tx: Transaction, facts: AuditFacts): bigint => {
    try {
      return place(tx, facts);
    } catch (error) {
      throw unavailable(error);
    }
  };
  return {
    append,
    async write(facts) {
      try {
        await store.transact((tx) => append(tx, facts));
      } catch (error) {
        throw unavailable(error);
      }
    },
    head: (tenant) => readHead(store, tenant),
    read: (tenant, sequence) => readRecord(store, tenant, sequence),
    async list(tenant, query, signal) {
      const snapshot = store.snapshot();
      try {
        return await queryRecords(snapshot, sealer.opener(snapshot), tenant, query, signal);
      } finally {
        snapshot.close();
      }
    },
    erase: (tx, tenant, subject) => sealer.erase(tx, tenant, subject),
  };
}

const nothing = new Uint8Array();

function readRecord(reader: Reader, tenant: string, sequence: bigint): AuditRecord | undefined {
  const bytes = reader.get(recordKey(tenant, sequence));
  return bytes && decodeRecord(bytes);
}

/** Whatever the store or the sealing failed with; what is not a Failure is how a store runs the work again, or a defect. */
function unavailable(error: unknown): unknown {
  return error instanceof Failure && error.reason !== Reason.AUDIT_UNAVAILABLE ? fail(Reason.AUDIT_UNAVAILABLE, {}, { cause: error }) : error;
}
