/** Where the log keeps its rows, and how its head is written. */
import { fail, Reason } from "../errors.js";
import { kinds, pack, rangeOf, unpackInteger } from "../store/keys.js";
import { roomFor } from "../store/slab.js";
import type { Range, Reader, Transaction } from "../store/store.js";
import type { TileReader, TileWriter } from "./tiles.js";
import { type Edge, emptyEdge, hashBytes } from "./tree.js";

/** The end of a tenant's log: what the next append needs. */
export interface Head {
  /** The tree; its size is the next sequence. */
  readonly edge: Edge;
  /** Time of the last record, in nanoseconds since 1970; 0 without one. */
  readonly timeNs: bigint;
}

/** Key of the record at `sequence`. */
export function recordKey(tenant: string, sequence: number | bigint): Uint8Array {
  return pack([tenant, kinds.auditRecord, sequence]);
}

/** Records from `first` up to `end`, which is excluded. */
export function recordRange(tenant: string, first: number | bigint, end: number | bigint): Pick<Range, "gte" | "lt"> {
  return { gte: recordKey(tenant, first), lt: recordKey(tenant, end) };
}

/** All records of a tenant. */
export function allRecords(tenant: string): Pick<Range, "gte" | "lt"> {
  return rangeOf([tenant, kinds.auditRecord]);
}

/** Key of the row that finds a record by its request; the row is empty. */
export function requestKey(tenant: string, requestId: string, sequence: bigint): Uint8Array {
  return pack([tenant, kinds.auditByRequest, requestId, sequence]);
}

/** The rows of one request. */
export function requestRange(tenant: string, requestId: string): Pick<Range, "gte" | "lt"> {
  return rangeOf([tenant, kinds.auditByRequest, requestId]);
}

/** All rows that find records by their request. */
export function allRequests(tenant: string): Pick<Range, "gte" | "lt"> {
  return rangeOf([tenant, kinds.auditByRequest]);
}

/** The sequence at the end of the key of a record, or of a row that finds one. */
export function sequenceOf(key: Uint8Array): bigint {
  return unpackInteger(key, key.length - 8);
}

/** The tiles of a tenant's tree. */
export function tileReader(reader: Reader, tenant: string): TileReader {
  return (level, index) => reader.get(tileKey(tenant, level, index));
}

/** Writes the tiles of a tenant's tree. */
export function tileWriter(tx: Transaction, tenant: string): TileWriter {
  return (level, index, tile) => tx.put(tileKey(tenant, level, index), tile);
}

/** All tiles of a tenant's tree. */
export function allTiles(tenant: string): Pick<Range, "gte" | "lt"> {
  return rangeOf([tenant, kinds.auditNode]);
}

function tileKey(tenant: string, level: number, index: number): Uint8Array {
  return pack([tenant, kinds.auditNode, level, index]);
}

const headVersion = 1;
const fixedBytes = 1 + 8 + 8;

/** Stores the head: version byte, size and time in 8 bytes each, big endian, then the peaks. */
export function writeHead(tx: Transaction, tenant: string, { edge, timeNs }: Head): void {
  const bytes = roomFor(fixedBytes + edge.peaks.length * hashBytes);
  bytes[0] = headVersion;
  bytes.writeBigUInt64BE(BigInt(edge.size), 1);
  bytes.writeBigUInt64BE(timeNs, 9);
  let at = fixedBytes;
  for (const peak of edge.peaks) {
    bytes.set(peak, at);
    at += hashBytes;
  }
  tx.put(headKey(tenant), bytes);
}

/** The stored head; that of an empty log where there is none. Throws STORED_DATA_CORRUPT. */
export function readHead(reader: Reader, tenant: string): Head {
  const bytes = reader.get(headKey(tenant));
  if (bytes === undefined) return { edge: emptyEdge, timeNs: 0n };
  if (bytes.length < fixedBytes || bytes[0] !== headVersion) throw fail(Reason.STORED_DATA_CORRUPT);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = Number(view.getBigUint64(1));
  const peaks: Uint8Array[] = [];
  for (let at = fixedBytes; at < bytes.length; at += hashBytes) peaks.push(bytes.subarray(at, at + hashBytes));
  if (bytes.length !== fixedBytes + onesOf(size) * hashBytes) throw fail(Reason.STORED_DATA_CORRUPT);
  return { edge: { size, peaks }, timeNs: view.getBigUint64(9) };
}

function headKey(tenant: string): Uint8Array {
  return pack([tenant, kinds.auditHead]);
}

/** Bits that are set in a safe integer. */
function onesOf(n: number): number {
  let ones = 0;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return ones;
}
