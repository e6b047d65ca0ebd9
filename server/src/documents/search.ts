/** Finds the documents of one page, and how many there are in all. */
import { fail, Reason } from "../errors.js";
import { documentPageBytes, scanYieldRows, searchSortedMax } from "../limits.js";
import type { Reader } from "../store/store.js";
import { idBehind, type CollectionKeys } from "./collection-keys.js";
import { readCollection } from "./collection-row.js";
import { isExpired, type Found } from "./document-row.js";
import { countExpired } from "./expiry.js";
import { isIndexed, type Filter, type Term } from "./filter.js";
import { rowOf } from "./find.js";
import type { Order } from "./order.js";
import { scanKeys, successor } from "./scan.js";

/** What is looked for. */
export interface Query {
  readonly filter: Filter;
  readonly order: Order;
  readonly descending: boolean;
  /** Documents of a page at most, from 1. */
  readonly limit: number;
  /** Documents to skip. */
  readonly offset: number;
  /** The position to continue behind; undefined: from the beginning. */
  readonly after: Uint8Array | undefined;
}

/** A page. */
export interface Page {
  readonly documents: readonly Found[];
  /** Documents that match in all. */
  readonly total: number;
  /** The position of the last document; undefined if no more follow. */
  readonly next: Uint8Array | undefined;
}

/** What one search works on. */
interface Search {
  readonly reader: Reader;
  readonly keys: CollectionKeys;
  readonly query: Query;
  readonly signal: AbortSignal;
  /** False for a document that has ended; undefined if none has. */
  readonly isLive: ((id: Uint8Array) => boolean) | undefined;
}

/**
 * Searches one collection. `reader` must be a snapshot. Without a filter the cost is that of the page and of what it
 * skips, as the total is kept with the collection; with one, every match is counted. Expired documents are neither found
 * nor counted.
 */
export async function searchDocuments(reader: Reader, keys: CollectionKeys, query: Query, nowMs: number, signal: AbortSignal): Promise<Page> {
  const collection = readCollection(reader, keys);
  if (collection === undefined) return { documents: [], total: 0, next: undefined };
  const expired = await countExpired(reader, keys, nowMs, signal);
  const isLive = expired === 0 ? undefined : (id: Uint8Array) => !isExpired(rowOf(reader, keys, id), nowMs);
  const search: Search = { reader, keys, query, signal, isLive };
  if (query.filter.terms.length === 0) return { ...(await walk(search)), total: collection.documents - expired };
  return query.offset + query.limit > searchSortedMax ? walk(search) : select(search);
}

/** Walks the index of the order. With a filter it goes from end to end, since the matches are counted. */
async function walk({ reader, keys, query, signal, isLive }: Search): Promise<Page> {
  const { filter, order, descending, after, limit, offset } = query;
  const span = order.span(keys);
  const prefix = span.gte;
  const isFiltered = filter.terms.length > 0;
  const start = after === undefined ? undefined : Buffer.concat([prefix, after]);
  const rest = start === undefined ? span : descending ? { gte: prefix, lt: start } : { gte: successor(start), lt: span.lt };
  const page = createPage(reader, keys, limit);
  const isPlain = !isFiltered && isLive === undefined;
  let total = 0;
  let skipped = 0;
  await scanKeys(reader, { ...(isFiltered ? span : rest), reverse: descending }, signal, (key) => {
    if (isPlain && skipped < offset) {
      skipped++;
      return true;
    }
    const id = order.idOf(reader, key, prefix.length);
    if (id === undefined) throw fail(Reason.STORED_DATA_CORRUPT);
    if (isFiltered && !matches(reader, keys, filter, id)) return true;
    if (isLive?.(id) === false) return true;
    total++;
    if (isFiltered && start !== undefined && (descending ? Buffer.compare(key, start) >= 0 : Buffer.compare(key, start) <= 0)) return true;
    if (skipped < offset) skipped++;
    else page.offer(id, key.subarray(prefix.length));
    return isFiltered || !page.isFull;
  }, filter.rowsPerDocument);
  return { ...page.result(), total };
}

/** Reads the matches from the index of the rarest term and keeps the first of them in order. */
async function select({ reader, keys, query, signal, isLive }: Search): Promise<Page> {
  const { filter, order, descending, after, limit, offset } = query;
  const sign = descending ? -1 : 1;
  const best = createBest(offset + limit + 1, (a, b) => sign * Buffer.compare(a.position, b.position));
  const driver = rarest(reader, keys, filter.terms);
  let total = 0;
  for (const [index, head] of driver.heads.entries()) {
    const earlier = { heads: driver.heads.slice(0, index) };
    const span = keys.metaSpan(head);
    await scanKeys(reader, { ...span, reverse: descending }, signal, (key) => {
      const id = idBehind(key, span.gte.length);
      // A document with several of the values stands under each of them; the first one counts.
      if (index > 0 && isIndexed(reader, keys, [earlier], id)) return true;
      if (!isIndexed(reader, keys, filter.terms, id, driver)) return true;
      if (filter.confirm !== undefined && !filter.confirm(rowOf(reader, keys, id))) return true;
      if (isLive?.(id) === false) return true;
      total++;
      const position = order.positionOf(key.subarray(span.gte.length), () => rowOf(reader, keys, id));
      if (after === undefined || sign * Buffer.compare(position, after) > 0) best.offer({ id, position });
      return true;
    }, filter.rowsPerDocument);
  }
  const page = createPage(reader, keys, limit);
  for (const { id, position } of best.result().slice(offset)) page.offer(id, position);
  return { ...page.result(), total };
}

/** True if a document has what a filter wants. */
export function matches(reader: Reader, keys: CollectionKeys, filter: Filter, id: Uint8Array): boolean {
  if (!isIndexed(reader, keys, filter.terms, id)) return false;
  return filter.confirm === undefined || filter.confirm(rowOf(reader, keys, id));
}

/** The term with the fewest documents, counted no further than `scanYieldRows`. */
function rarest(reader: Reader, keys: CollectionKeys, terms: readonly Term[]): Term {
  let [best] = terms as [Term];
  if (terms.length === 1) return best;
  let fewest = Number.POSITIVE_INFINITY;
  for (const term of terms) {
    const count = countUpTo(Math.min(fewest, scanYieldRows), term, reader, keys);
    if (count >= fewest) continue;
    fewest = count;
    best = term;
  }
  return best;
}

function countUpTo(most: number, { heads }: Term, reader: Reader, keys: CollectionKeys): number {
  let count = 0;
  for (const head of heads) {
    for (const _ of reader.keys({ ...keys.metaSpan(head), limit: most - count })) count++;
    if (count >= most) break;
  }
  return count;
}

interface Candidate {
  readonly id: Uint8Array;
  readonly position: Uint8Array;
}

/** Keeps the first `keep` of the candidates that it is offered, in no more than twice their memory. */
function createBest(keep: number, compare: (a: Candidate, b: Candidate) => number) {
  let kept: Candidate[] = [];
  let worst: Candidate | undefined;
  const trim = (): void => {
    kept.sort(compare);
    if (kept.length < keep) return;
    kept = kept.slice(0, keep);
    worst = kept[keep - 1];
  };
  return {
    offer(candidate: Candidate): void {
      if (worst !== undefined && compare(candidate, worst) >= 0) return;
      kept.push(candidate);
      if (kept.length >= 2 * keep) trim();
    },
    result(): readonly Candidate[] {
      trim();
      return kept;
    },
  };
}

/** Takes documents until the page is full, by number or by bytes, and then one more to know that there is one. */
function createPage(reader: Reader, keys: CollectionKeys, limit: number) {
  const documents: Found[] = [];
  let bytes = 0;
  let last: Uint8Array | undefined;
  let hasMore = false;
  return {
    offer(id: Uint8Array, position: Uint8Array): void {
      if (documents.length === limit || bytes >= documentPageBytes) {
        hasMore = true;
        return;
      }
      const row = rowOf(reader, keys, id);
      documents.push({ id, row });
      bytes += row.length;
      last = position;
    },
    /** True once it is known that more follow. */
    get isFull(): boolean {
      return hasMore;
    },
    result(): { documents: readonly Found[]; next: Uint8Array | undefined } {
      return { documents, next: hasMore ? last : undefined };
    },
  };
}
