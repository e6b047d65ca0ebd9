/** Recomputes a log from its stored bytes and names every place where the store says something else. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { Failure, Reason } from "../errors.js";
import { scanYieldRows } from "../limits.js";
import type { Reader, Store } from "../store/store.js";
import { decodeRecord, nanosecondsOf } from "./record.js";
import { allRecords, allRequests, allTiles, type Head, readHead, requestKey, sequenceOf, tileReader } from "./rows.js";
import { appendToTiles, type TileReader, tileWidth } from "./tiles.js";
import { appended, type Edge, emptyEdge, hashBytes, leafHash, rootOf } from "./tree.js";

/** What is wrong with a log. */
export type LogFaultKind =
  | "record missing"
  | "record changed"
  | "record unreadable"
  | "record misplaced"
  | "time decreases"
  | "request row missing"
  | "request row without record"
  | "tile differs"
  | "tile without records"
  | "head differs";

/** One fault of a log. */
export interface LogFault {
  readonly kind: LogFaultKind;
  /** Sequence of the record; -1 where the fault is none of one record. */
  readonly sequence: number;
}

/** What verification found. */
export interface LogReport {
  /** Records that were read. */
  readonly records: number;
  /** Root of the tree over the records as they are. */
  readonly root: Uint8Array;
  /** Empty if the log is whole; at most the first hundred. */
  readonly faults: readonly LogFault[];
}

const faultsMax = 100;

/**
 * Verifies a tenant's log in one consistent state: sequences from 0 without a gap, times that never decrease, every leaf
 * against its tile, every tile and the head against the tree over the records' bytes, and the rows by request both ways.
 * It proves that the store agrees with itself; only an earlier signed checkpoint shows that the whole was not replaced.
 * Reads every row once, with pauses for other calls.
 */
export async function verifyLog(store: Store, tenant: string): Promise<LogReport> {
  const snapshot = store.snapshot();
  try {
    return await verify(snapshot, tenant);
  } finally {
    snapshot.close();
  }
}

async function verify(reader: Reader, tenant: string): Promise<LogReport> {
  const faults: LogFault[] = [];
  const fault = (kind: LogFaultKind, sequence: number): void => {
    if (faults.length < faultsMax) faults.push({ kind, sequence });
  };
  const stored = tileReader(reader, tenant);
  const tiles = new Map<string, Uint8Array>();
  let [edge, timeNs, records, requests]: [Edge, bigint, number, number] = [emptyEdge, 0n, 0, 0];
  const grow = (leaf: Uint8Array): void => {
    const sequence = edge.size;
    appendToTiles(sequence, leaf, (level, index) => tiles.get(`${level}/${index}`), (level, index, tile) => {
      tiles.set(`${level}/${index}`, tile);
      if (tile.length < tileWidth * hashBytes) return;
      // Full tiles are compared here and forgotten, so that memory does not grow with the log.
      if (Buffer.compare(tile, stored(level, index) ?? nothing) !== 0) fault("tile differs", sequence);
      tiles.delete(`${level}/${index}`);
    });
    edge = appended(edge, leaf);
  };
  /** Goes on behind missing records with the hashes that the tiles hold, so that one gap is one fault a record. */
  const skipTo = (sequence: number): void => {
    while (edge.size < sequence && faults.length < faultsMax) {
      fault("record missing", edge.size);
      grow(storedLeaf(stored, edge.size));
    }
  };

  for (const { key, value } of reader.range(allRecords(tenant))) {
    if (++records % scanYieldRows === 0) await nextTurn();
    const sequence = Number(sequenceOf(key));
    skipTo(sequence);
    if (edge.size !== sequence) break;
    const leaf = leafHash(value);
    if (Buffer.compare(leaf, storedLeaf(stored, sequence)) !== 0) fault("record changed", sequence);
    grow(leaf);
    const record = readable(() => decodeRecord(value));
    if (record === undefined) {
      fault("record unreadable", sequence);
      continue;
    }
    if (Number(record.sequence) !== sequence || record.tenant !== tenant) fault("record misplaced", sequence);
    const time = nanosecondsOf(record.time);
    if (time < timeNs) fault("time decreases", sequence);
    timeNs = time;
    if (record.requestId === "") continue;
    requests++;
    if (reader.get(requestKey(tenant, record.requestId, record.sequence)) === undefined) fault("request row missing", sequence);
  }
  const head = readable(() => readHead(reader, tenant));
  skipTo(head?.edge.size ?? 0);
  for (const [name, tile] of tiles) {
    const [level, index] = name.split("/").map(Number) as [number, number];
    if (Buffer.compare(tile, stored(level, index) ?? nothing) !== 0) fault("tile differs", -1);
  }
  if (await countOf(reader.keys(allTiles(tenant))) > tilesOf(edge.size)) fault("tile without records", -1);
  if (await countOf(reader.keys(allRequests(tenant))) > requests) fault("request row without record", -1);
  if (head === undefined || !agree(head, { edge, timeNs })) fault("head differs", -1);
  return { records, root: rootOf(edge), faults };
}

const nothing = new Uint8Array();

/** The hash that a tile holds for a leaf; zeros, which no leaf has, if it holds none. */
function storedLeaf(stored: TileReader, sequence: number): Uint8Array {
  const slot = sequence % tileWidth;
  const hash = stored(0, (sequence - slot) / tileWidth)?.slice(slot * hashBytes, (slot + 1) * hashBytes);
  return hash?.length === hashBytes ? hash : new Uint8Array(hashBytes);
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Failure && error.reason === Reason.STORED_DATA_CORRUPT) return undefined;
    throw error;
  }
}

function agree(one: Head, other: Head): boolean {
  return one.edge.size === other.edge.size && one.timeNs === other.timeNs && Buffer.compare(Buffer.concat(one.edge.peaks), Buffer.concat(other.edge.peaks)) === 0;
}

/** Tiles of a tree with this many leaves. */
function tilesOf(size: number): number {
  let tiles = 0;
  for (let hashes = size; hashes > 0; hashes = Math.floor(hashes / tileWidth)) tiles += Math.ceil(hashes / tileWidth);
  return tiles;
}

async function countOf(keys: Iterable<Uint8Array>): Promise<number> {
  let count = 0;
  for (const _ of keys) if (++count % scanYieldRows === 0) await nextTurn();
  return count;
}
