/** Changes of documents within one transaction: the row, its indexes, its revisions and the counts move together. */
import type { CollectionConfig } from "@parapet/contract/parapet/document/v1/document_pb";
import { fail, Reason } from "../errors.js";
import { revisionsKept } from "../limits.js";
import type { Transaction } from "../store/store.js";
import { addDigest, digestOfBody, subtractDigest } from "./checksum.js";
import { langHead, type CollectionKeys } from "./collection-keys.js";
import type { CollectionState } from "./collection-row.js";
import { bodyOf, contentOf, encodeBody, encodeDocument, encodeRow, headOf, isExpired, isMetaEqual, metaOf, nameOf, type Content, type Found, type Head } from "./document-row.js";
import { etagOf, etagText } from "./etag.js";
import { findDocument } from "./find.js";
import type { MetaEntry } from "./meta.js";
import { msOfDuration } from "./times.js";

/** A change under way: one transaction on one collection. */
export interface Change {
  readonly tx: Transaction;
  readonly keys: CollectionKeys;
  readonly state: CollectionState;
  readonly nowMs: number;
  /** A new id of 16 bytes, greater than those before. */
  readonly newId: () => Uint8Array;
  /** Rows written and removed so far, those of the collection and of the audit log aside. */
  rows: number;
}

/** What a caller gave, encoded before the transaction. */
export interface Prepared {
  readonly content: Content;
  readonly body: Uint8Array;
  readonly digest: Uint8Array;
}

/** What must hold for a change to happen. */
export interface Conditions {
  /** Empty: any. */
  readonly etag: string;
  readonly createOnly: boolean;
}

/** The parts of a document that an update replaces; undefined stays as it is. */
export interface Parts {
  readonly meta: readonly MetaEntry[] | undefined;
  readonly contentMd: string | undefined;
  /** 0: never. */
  readonly expiresAtMs: ((change: Change) => number) | undefined;
}

/** Encodes what a caller gave. */
export function prepare(content: Content): Prepared {
  const body = encodeBody(content);
  return { content, body, digest: digestOfBody(body) };
}

/** When a document ends that is to live for `ttlMs`, or as long as its collection says where that is undefined; 0: never. */
export function expiryOf(ttlMs: number | undefined, config: CollectionConfig, nowMs: number): number {
  if (ttlMs !== undefined) return nowMs + ttlMs;
  return config.defaultTtl === undefined ? 0 : nowMs + msOfDuration(config.defaultTtl);
}

/** Adds a document or replaces the one of that key and language. Throws ETAG_MISMATCH. */
export function putDocument(change: Change, prepared: Prepared, expiresAtMs: number, conditions: Conditions): Found {
  const { tx, keys, nowMs } = change;
  const { key, lang } = prepared.content;
  const place = keys.documentAt(key, lang);
  const current = findDocument(tx, place);
  if (current !== undefined && isExpired(current.row, nowMs)) {
    purgeDocument(change, current.id, current.row);
  } else if (current !== undefined) {
    if (conditions.createOnly) throw mismatch(keys, key, lang);
    requireEtag(change, current.row, conditions.etag);
    return replace(change, place, current, prepared.body, prepared.digest, expiresAtMs);
  }
  if (conditions.etag !== "") throw mismatch(keys, key, lang);
  const id = change.newId();
  tx.put(keys.additionAt(id), keys.nameBehind(place));
  tx.put(keys.metaAt(langHead(lang), id), nothing);
  const metaRows = keys.metaRows(prepared.content.meta, id);
  for (const row of metaRows) tx.put(row, nothing);
  const row = write(change, place, id, { revision: 1, addedAtMs: nowMs, updatedAtMs: nowMs, expiresAtMs, etag: etagOf(id, 1), digest: prepared.digest }, prepared.body);
  change.state.documents++;
  change.rows += rowsOfAny + metaRows.length;
  return { id, row };
}

/** Changes parts of a document. Throws DOCUMENT_NOT_FOUND and ETAG_MISMATCH. */
export function updateDocument(change: Change, key: string, lang: string, parts: Parts, etag: string): Found {
  const place = change.keys.documentAt(key, lang);
  const current = liveDocument(change, place, key, lang);
  const { row } = current;
  requireEtag(change, row, etag);
  if (parts.meta === undefined && parts.contentMd === undefined && parts.expiresAtMs === undefined) return current;
  const { expiresAtMs } = headOf(row);
  const old = contentOf(row);
  const { body, digest } = prepare({ key, lang, meta: parts.meta ?? old.meta, contentMd: parts.contentMd ?? old.contentMd });
  return replace(change, place, current, body, digest, parts.expiresAtMs?.(change) ?? expiresAtMs);
}

/** Makes an earlier state the current one, under a new number. Throws DOCUMENT_NOT_FOUND, REVISION_NOT_FOUND and ETAG_MISMATCH. */
export function restoreDocument(change: Change, key: string, lang: string, revision: number, etag: string): Found {
  const place = change.keys.documentAt(key, lang);
  const current = liveDocument(change, place, key, lang);
  const { id, row } = current;
  requireEtag(change, row, etag);
  const earlier = change.tx.get(change.keys.revisionAt(id, revision));
  if (earlier === undefined) throw fail(Reason.REVISION_NOT_FOUND, { collection: change.keys.collection, key, lang, revision: String(revision) });
  return replace(change, place, current, bodyOf(earlier), headOf(earlier).digest, headOf(row).expiresAtMs);
}

/** Removes a document with its revisions. Throws DOCUMENT_NOT_FOUND and ETAG_MISMATCH. */
export function removeDocument(change: Change, key: string, lang: string, etag: string): void {
  const { id, row } = liveDocument(change, change.keys.documentAt(key, lang), key, lang);
  requireEtag(change, row, etag);
  purgeDocument(change, id, row);
}

/** Removes every row of a document, whatever its state. */
export function purgeDocument(change: Change, id: Uint8Array, row: Uint8Array): void {
  const { tx, keys, state } = change;
  const head = headOf(row);
  const { key, lang } = nameOf(row);
  tx.remove(keys.documentAt(key, lang));
  tx.remove(keys.additionAt(id));
  tx.remove(keys.updateAt(head.updatedAtMs, id));
  if (head.expiresAtMs !== 0) tx.remove(keys.expiryAt(head.expiresAtMs, id));
  tx.remove(keys.metaAt(langHead(lang), id));
  const metaRows = keys.metaRows(metaOf(row), id);
  for (const metaRow of metaRows) tx.remove(metaRow);
  removeRevisions(change, id, head.revision - 1);
  state.documents--;
  state.bytes -= row.length;
  subtractDigest(state.checksum, head.digest);
  change.rows += rowsOfAny + metaRows.length;
}

/** The failure of a call that names a document that is not there, or is not there any more. */
export function documentNotFound(collection: string, key: string, lang: string): Error {
  return fail(Reason.DOCUMENT_NOT_FOUND, { collection, key, lang });
}

/** Rows that every document has: its own, its addition, its change, its end and its language. */
const rowsOfAny = 5;
const nothing = new Uint8Array();

function liveDocument({ tx, keys, nowMs }: Change, place: Uint8Array, key: string, lang: string): Found {
  const current = findDocument(tx, place);
  if (current === undefined || isExpired(current.row, nowMs)) throw documentNotFound(keys.collection, key, lang);
  return current;
}

function requireEtag({ keys }: Change, row: Uint8Array, etag: string): void {
  if (etag === "" || etagText(headOf(row).etag) === etag) return;
  const { key, lang } = nameOf(row);
  throw mismatch(keys, key, lang);
}

function mismatch({ collection }: CollectionKeys, key: string, lang: string): Error {
  return fail(Reason.ETAG_MISMATCH, { collection, key, lang });
}

/** Makes the current state a revision and puts another one in its place. */
function replace(change: Change, place: Uint8Array, { id, row: old }: Found, body: Uint8Array, digest: Uint8Array, expiresAtMs: number): Found {
  const { tx, keys, state, nowMs } = change;
  const head = headOf(old);
  tx.put(keys.revisionAt(id, head.revision), old);
  state.revisions++;
  change.rows += rowsOfAny;
  removeRevisions(change, id, head.revision - (state.config.revisionsMax || revisionsKept));
  subtractDigest(state.checksum, head.digest);
  state.bytes -= old.length;
  if (head.updatedAtMs !== nowMs) tx.remove(keys.updateAt(head.updatedAtMs, id));
  if (head.expiresAtMs !== 0 && head.expiresAtMs !== expiresAtMs) tx.remove(keys.expiryAt(head.expiresAtMs, id));
  const revision = head.revision + 1;
  const row = write(change, place, id, { revision, addedAtMs: head.addedAtMs, updatedAtMs: nowMs, expiresAtMs, etag: etagOf(id, revision), digest }, body);
  if (!isMetaEqual(old, row)) moveIndex(change, rowsByName(keys.metaRows(metaOf(old), id)), rowsByName(keys.metaRows(metaOf(row), id)));
  return { id, row };
}

function write({ tx, keys, state }: Change, place: Uint8Array, id: Uint8Array, head: Head, body: Uint8Array): Uint8Array {
  const row = encodeRow(head, body);
  tx.put(place, encodeDocument(id, row));
  tx.put(keys.updateAt(head.updatedAtMs, id), nothing);
  if (head.expiresAtMs !== 0) tx.put(keys.expiryAt(head.expiresAtMs, id), nothing);
  state.bytes += row.length;
  addDigest(state.checksum, head.digest);
  return row;
}

/**
 * Removes the revisions up to the number `newest`. They lie without gaps up to the newest one, so they are found by walking
 * down: a scan within a transaction costs as much as all that was written in it.
 */
function removeRevisions(change: Change, id: Uint8Array, newest: number): void {
  const { tx, keys, state } = change;
  for (let revision = newest; revision > 0 && tx.remove(keys.revisionAt(id, revision)); revision--) {
    state.revisions--;
    change.rows++;
  }
}

function moveIndex(change: Change, from: Map<string, Uint8Array>, to: Map<string, Uint8Array>): void {
  const gone = [...from].filter(([name]) => !to.has(name));
  const come = [...to].filter(([name]) => !from.has(name));
  for (const [, row] of gone) change.tx.remove(row);
  for (const [, row] of come) change.tx.put(row, nothing);
  change.rows += gone.length + come.length;
}

/** Rows by their own bytes, once each. */
function rowsByName(rows: readonly Buffer[]): Map<string, Uint8Array> {
  return new Map(rows.map((row) => [row.toString("latin1"), row]));
}
