/** Streams the documents of a collection as they were at one moment, oldest first. */
import type { Document } from "@parapet/contract/parapet/document/v1/document_pb";
import type { Reader, Store } from "../store/store.js";
import { idBehind, type CollectionKeys } from "./collection-keys.js";
import { documentOf, isExpired, type Found } from "./document-row.js";
import type { Filter } from "./filter.js";
import { rowOf } from "./find.js";
import { holdSnapshot, keyPortions, stopIfAborted, successor } from "./scan.js";
import { matches } from "./search.js";

/** Keys that are taken at a time; between documents the stream may wait long for its reader. */
const portion = 100;

/** A document of an export. */
export interface Exported {
  /** Where it stands: an export behind it begins with the next one. */
  readonly id: Uint8Array;
  readonly document: Document;
}

/**
 * The documents of a collection that match, oldest first and from behind `after` on, but for those that have ended by `nowMs`.
 * The order is that of being added, which no later change touches, so that an export in parts has each document once. The state is held
 * until the generator ends or is returned or the call is aborted. Rejects with CALL_CANCELLED, or what the signal gives, when the call is aborted.
 */
export async function* exportDocuments(store: Store, keys: CollectionKeys, filter: Filter, nowMs: number, signal: AbortSignal, after?: Uint8Array): AsyncGenerator<Exported> {
  const held = holdSnapshot(store, signal);
  const { snapshot } = held;
  try {
    for await (const { id, row } of rowsOf(snapshot, keys, filter, nowMs, signal, after)) yield { id, document: documentOf(row, id, keys.collection) };
  } finally {
    held.release();
  }
}

/** The rows of a collection that match, oldest first; see `exportDocuments`. `reader` must be a snapshot. */
export async function* rowsOf(reader: Reader, keys: CollectionKeys, filter: Filter, nowMs: number, signal: AbortSignal, after?: Uint8Array): AsyncGenerator<Found> {
  const prefixBytes = keys.byAddition.gte.length;
  const range = after === undefined ? keys.byAddition : { ...keys.byAddition, gte: successor(keys.additionAt(after)) };
  for await (const portionKeys of keyPortions(reader, range, portion, signal, filter.rowsPerDocument)) {
    for (const key of portionKeys) {
      stopIfAborted(signal);
      const id = idBehind(key, prefixBytes);
      if (filter.terms.length > 0 && !matches(reader, keys, filter, id)) continue;
      const row = rowOf(reader, keys, id);
      if (!isExpired(row, nowMs)) yield { id, row };
    }
  }
}
