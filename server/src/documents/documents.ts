/** The documents of a store: one function for each thing that is done to one or several of them. */
import type { Document } from "@parapet/contract/parapet/document/v1/document_pb";
import type { Reader, Store, Transaction } from "../store/store.js";
import type { CollectionKeys } from "./collection-keys.js";
import { newCollection, readCollection, saveCollection } from "./collection-row.js";
import { documentOf, isExpired, type Found } from "./document-row.js";
import type { Draft } from "./drafts.js";
import { findDocument } from "./find.js";
import { searchDocuments, type Query } from "./search.js";
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
  /** Adds or replaces, in order; makes the collection where there is none. Throws ETAG_MISMATCH. */
  add(tx: Transaction, keys: CollectionKeys, drafts: readonly Draft[]): Document[];
  /** Changes parts of a document. Throws DOCUMENT_NOT_FOUND and ETAG_MISMATCH. */
  update(tx: Transaction, keys: CollectionKeys, target: Target, parts: Parts): Document;
  /** Makes an earlier state the current one. Throws DOCUMENT_NOT_FOUND, REVISION_NOT_FOUND and ETAG_MISMATCH. */
  restore(tx: Transaction, keys: CollectionKeys, target: Target, revision: number): Document;
  /** Removes documents with their revisions. Throws DOCUMENT_NOT_FOUND and ETAG_MISMATCH. */
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
    const result = work({ tx, keys, state, nowMs: nowMs(), newId });
    saveCollection(tx, keys, state);
    return result;
  };
  const shown = ({ id, row }: Found, { collection }: CollectionKeys): Document => documentOf(row, id, collection);

  return {
    add(tx, keys, drafts) {
      const now = nowMs();
      const state = readCollection(tx, keys) ?? newCollection(now);
      const change: Change = { tx, keys, state, nowMs: now, newId };
      const documents = drafts.map(({ prepared, conditions, expiresAtMs }) => shown(putDocument(change, prepared, expiresAtMs(state.config, now), conditions), keys));
      saveCollection(tx, keys, state);
      return documents;
    },
    update: (tx, keys, target, parts) => onExisting(tx, keys, target, (change) => shown(updateDocument(change, target.key, target.lang, parts, target.etag), keys)),
    restore: (tx, keys, target, revision) =>
      onExisting(tx, keys, target, (change) => shown(restoreDocument(change, target.key, target.lang, revision, target.etag), keys)),
    remove(tx, keys, targets) {
      const [first] = targets;
      if (first === undefined) return;
      onExisting(tx, keys, first, (change) => {
        for (const { key, lang, etag } of targets) removeDocument(change, key, lang, etag);
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
