/** Deletes a collection in bounded transactions, the last of which removes its own row. */
import type { DeleteCollectionResponse } from "@parapet/contract/parapet/document/v1/document_service_pb";
import type { Call } from "../call.js";
import { fail, Reason } from "../errors.js";
import type { Commit, CommitPart } from "../gate/transact.js";
import { purgeBytesMax, purgeDocumentsMax, purgeRowsMax } from "../limits.js";
import type { Store, Transaction } from "../store/store.js";
import { idBehind, type CollectionKeys } from "./collection-keys.js";
import { readCollection, saveCollection, type CollectionState } from "./collection-row.js";
import { collectionNotFound } from "./collections.js";
import { isExpired } from "./document-row.js";
import { countExpired } from "./expiry.js";
import { rowOf } from "./find.js";
import { stopIfAborted } from "./scan.js";
import { purgeDocument, type Change } from "./writes.js";

/** What deleting needs. */
export interface DeletionOptions {
  readonly store: Store;
  readonly commit: Commit;
  readonly commitPart: CommitPart;
  readonly nowMs: () => number;
}

/** Documents that one transaction looks at. */
const portion = 500;

/**
 * Makes the deletion of a collection. Without `force` the collection must be empty, what has expired aside:
 * COLLECTION_NOT_EMPTY. A small collection goes in one transaction; of a larger one each part is a transaction with a
 * PROGRESS record, and a failure between parts leaves a smaller collection. Throws COLLECTION_NOT_FOUND.
 */
export function createDeletion({ store, commit, commitPart, nowMs }: DeletionOptions): (call: Call, keys: CollectionKeys, force: boolean) => Promise<DeleteCollectionResponse> {
  return async (call, keys, force) => {
    let deleted = 0;
    for (;;) {
      const snapshot = store.snapshot();
      let state: CollectionState | undefined;
      try {
        state = readCollection(snapshot, keys);
        if (state === undefined) throw collectionNotFound(keys);
        if (!force && state.documents > (await countExpired(snapshot, keys, nowMs(), call.signal))) throw notEmpty(keys);
      } finally {
        snapshot.close();
      }
      if (isSmall(state)) break;
      deleted += await commitPart(call, (count: number) => [{ name: "documents", value: String(count) }], (tx) => purge(tx, keys, force, portion));
      stopIfAborted(call.signal);
    }
    return commit(call, (tx) => {
      const deletedDocuments = deleted + purge(tx, keys, force, Number.POSITIVE_INFINITY);
      tx.remove(keys.row);
      call.audit.notes.push({ name: "documents", value: String(deletedDocuments) });
      return { $typeName: "parapet.document.v1.DeleteCollectionResponse", status: "deleted", deletedDocuments };
    });
  };

  /** Removes documents, at most `most` and, where there is a most, `purgeRowsMax` rows; returns how many had not expired. */
  function purge(tx: Transaction, keys: CollectionKeys, force: boolean, most: number): number {
    const state = readCollection(tx, keys);
    if (state === undefined) throw collectionNotFound(keys);
    const now = nowMs();
    const change: Change = { tx, keys, state, nowMs: now, newId: noIds, rows: 0 };
    const span = keys.byAddition;
    const rowsMax = most === Number.POSITIVE_INFINITY ? most : purgeRowsMax;
    let live = 0;
    // A scan reads again after each write, so the keys are taken first.
    const found = [...tx.keys(most === Number.POSITIVE_INFINITY ? span : { ...span, limit: most })];
    for (const key of found) {
      if (change.rows >= rowsMax) break;
      const id = idBehind(key, span.gte.length);
      const row = rowOf(tx, keys, id);
      if (!isExpired(row, now)) {
        if (!force) throw notEmpty(keys);
        live++;
      }
      purgeDocument(change, id, row);
    }
    saveCollection(tx, keys, state);
    return live;
  }
}

/** True if a collection may go in one transaction. */
function isSmall({ documents, revisions, bytes }: CollectionState): boolean {
  return documents === 0 || (documents <= purgeDocumentsMax && revisions <= purgeRowsMax && bytes <= purgeBytesMax);
}

function notEmpty({ collection }: CollectionKeys): Error {
  return fail(Reason.COLLECTION_NOT_EMPTY, { collection });
}

function noIds(): never {
  throw new Error("a deletion made an id");
}
