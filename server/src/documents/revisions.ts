/** Reads the earlier states of a document, page by page, the newest first. */
import type { Revision } from "@parapet/contract/parapet/document/v1/document_pb";
import { documentPageBytes } from "../limits.js";
import type { Reader } from "../store/store.js";
import type { CollectionKeys } from "./collection-keys.js";
import { revisionOf } from "./document-row.js";

/** A page of revisions. */
export interface RevisionPage {
  /** The newest first. */
  readonly revisions: Revision[];
  /** Number of the last one; undefined if no more follow. */
  readonly next: number | undefined;
}

/** The revisions of a document below the number `before`, or all, at most `size`. A page ends early once it holds `documentPageBytes`. */
export function listRevisions(reader: Reader, keys: CollectionKeys, id: Uint8Array, before: number | undefined, size: number): RevisionPage {
  const span = keys.revisions(id);
  const lt = before === undefined ? span.lt : keys.revisionAt(id, before);
  const revisions: Revision[] = [];
  let bytes = 0;
  for (const { value } of reader.range({ gte: span.gte, lt, reverse: true, limit: size + 1 })) {
    if (revisions.length === size || bytes >= documentPageBytes) return { revisions, next: revisions.at(-1)!.revision };
    revisions.push(revisionOf(value));
    bytes += value.length;
  }
  return { revisions, next: undefined };
}
