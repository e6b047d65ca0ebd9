/** The documents of a store: one function for each thing that is done to one or several of them. */
import type { Document } from "@parapet/contract/parapet/document/v1/document_pb";
import type { Reader, Store, Transaction } from "../store/store.js";
import { batchRowsMax, importBatchRows } from "../limits.js";
import type { CollectionKeys } from "./collection-keys.js";
import { newCollection, readCollection, saveCollection } from "./collection-row.js";
import { documentOf, isExpired, type Found } from "./document-row.js";
import type { Draft } from "./drafts.js";
import { findDocument } from "./find.js";
import { searchDocuments, type Query } from "./search.js";
import { invalidField } from "./text.js";
import { documentNotFound, putDocument, removeDocument, restoreDocument, updateDocument, type Change, type Parts } from "./writes.js";

/** What documents need. */
export interface DocumentsOptions {
  readonly store: Store;
  /** Unix time in milliseconds. */
  readonly nowMs: () => number;
  /** A new id of 16 bytes, greater than those before; see `createUuids`. */
  readonly newId: () => Uint8Array;
}

/** A page of documents. */
export interface DocumentPage {
  readonly documents: Document[];
  /** Documents that match in all. */
  readonly total: number;
  /** Position of the last one; undefined if no more follow. */
  readonly next: Uint8Array | undefined;
}

/** Which document a change is about, and which state of it. */
export interface Target {
  readonly key: string;
  readonly lang: string;
  /** Empty: any. */
  readonly etag: string;
}

/** Documents of one store. Changes happen in the caller's transaction; reads see the state of their moment. Expired documents are not there. */
export interface Documents {
  /** Adds or replaces, in order; makes the collection where there is none. Throws ETAG_MISMATCH, and FIELD_INVALID beyond `batchRowsMax`. */
  add(tx: Transaction, keys: CollectionKeys, drafts: readonly Draft[]): Document[];
  /** Adds or replaces the first of them, as many as `importBatchRows` allows and one at least; returns how many. Throws ETAG_MISMATCH. */
  addFirst(tx: Transaction, keys: CollectionKeys, drafts: readonly Draft[]): number;
  /** Changes parts of a document. Throws DOCUMENT_NOT_FOUND and ETAG_MISMATCH. */
  update(tx: Transaction, keys: CollectionKeys, target: Target, parts: Parts): Document;
  /** Makes an earlier state the current one. Throws DOCUMENT_NOT_FOUND, REVISION_NOT_FOUND and ETAG_MISMATCH. */
  restore(tx: Transaction, keys: CollectionKeys, target: Target, revision: number): Document;
  /** Removes documents with their revisions. Throws DOCUMENT_NOT_FOUND and ETAG_MISMATCH, and FIELD_INVALID beyond `batchRowsMax`. */
  remove(tx: Transaction, keys: CollectionKeys, targets: readonly Target[]): void;
  /** The document. Throws DOCUMENT_NOT_FOUND. */
  get(keys: CollectionKeys, key: string, lang: string): Document;
  /** Its id and row as `reader` has them. Throws DOCUMENT_NOT_FOUND. */
  find(reader: Reader, keys: CollectionKeys, key: string, lang: string): Found;
  /** A page of one state of the collection. */
  search(keys: CollectionKeys, query: Query, signal: AbortSignal): Promise<DocumentPage>;
}

/** Makes the documents of a store. */
export function createDocuments({ store, nowMs, newId }: DocumentsOptions): Documents {
  const find = (reader: Reader, keys: CollectionKeys, key: string, lang: string): Found => {
    const found = findDocument(reader, keys.documentAt(key, lang));
    if (found === undefined || isExpired(found.row, nowMs())) throw documentNotFound(keys.collection, key, lang);
    return found;
  };
  /** Runs `work` on a collection that exists and puts the collection back. */
  const onExisting = <T>(tx: Transaction, keys: CollectionKeys, { key, lang }: Target, work: (change: Change) => T): T => {
    const state = readCollection(tx, keys);
    if (state === undefined) throw documentNotFound(keys.collection, key, lang);
    const result = work({ tx, keys, state, nowMs: nowMs(), newId, rows: 0 });
    saveCollection(tx, keys, state);
    return result;
  };
  /** A change of a collection that is made where there is none. */
  const onAny = (tx: Transaction, keys: CollectionKeys): Change => {
    const now = nowMs();
    return { tx, keys, state: readCollection(tx, keys) ?? newCollection(now), nowMs: now, newId, rows: 0 };
  };
  const put = (change: Change, { prepared, conditions, expiresAtMs }: Draft): Found => putDocument(change, prepared, expiresAtMs(change.state.config, change.nowMs), conditions);
  const shown = ({ id, row }: Found, { collection }: CollectionKeys): Document => documentOf(row, id, collection);

  return {
    add(tx, keys, drafts) {
      const change = onAny(tx, keys);
      const documents = drafts.map((draft) => {
        const document = shown(put(change, draft), keys);
        requireRoom(change, drafts.length);
        return document;
      });
      saveCollection(tx, keys, change.state);
      return documents;
    },
    addFirst(tx, keys, drafts) {
      const change = onAny(tx, keys);
      let count = 0;
      while (count < drafts.length && change.rows < importBatchRows) put(change, drafts[count++]!);
      saveCollection(tx, keys, change.state);
      return count;
    },
    update: (tx, keys, target, parts) => onExisting(tx, keys, target, (change) => shown(updateDocument(change, target.key, target.lang, parts, target.etag), keys)),
    restore: (tx, keys, target, revision) =>
      onExisting(tx, keys, target, (change) => shown(restoreDocument(change, target.key, target.lang, revision, target.etag), keys)),
    remove(tx, keys, targets) {
      const [first] = targets;
      if (first === undefined) return;
      onExisting(tx, keys, first, (change) => {
        for (const { key, lang, etag } of targets) {
          removeDocument(change, key, lang, etag);
          requireRoom(change, targets.length);
        }
      });
    },
    get: (keys, key, lang) => shown(find(store, keys, key, lang), keys),
    find,
    async search(keys, query, signal) {
      const snapshot = store.snapshot();
      try {
        const { documents, total, next } = await searchDocuments(snapshot, keys, query, nowMs(), signal);
        return { documents: documents.map((found) => shown(found, keys)), total, next };
      } finally {
        snapshot.close();
      }
    },
  };
}

/** Throws FIELD_INVALID for a batch that has changed too much; one document has bounds of its own. */
function requireRoom({ rows }: Change, documents: number): void {
  if (rows <= batchRowsMax || documents === 1) return;
  throw invalidField("documents", `must have less meta data and fewer revisions in all: a batch changes at most ${batchRowsMax} rows`, "documents.rows");
}
