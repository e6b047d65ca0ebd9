/** The stored form of a collection: its counts and checksum, kept by every change, and its configuration. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { CollectionConfigSchema, type CollectionConfig } from "@parapet/contract/parapet/document/v1/document_pb";
import { fail, Reason } from "../errors.js";
import type { Reader, Transaction } from "../store/store.js";
import { digestBytes, emptyChecksum } from "./checksum.js";
import { bufferOf, type CollectionKeys } from "./collection-keys.js";

/**
 * A collection as it is within one transaction; changes count on it and `saveCollection` puts it back. Stored as a head of
 * 57 bytes, numbers big-endian: layout (1 byte, always 1), created (6, Unix milliseconds), documents, revisions, bytes (6
 * each), checksum (32); behind it the CollectionConfig.
 */
export interface CollectionState {
  readonly createdAtMs: number;
  /** Those that expired and were not swept yet included, here and in the other counts. */
  documents: number;
  /** Earlier states, current ones not counted. */
  revisions: number;
  /** Bytes of the current states as stored. */
  bytes: number;
  readonly checksum: Uint8Array;
  config: CollectionConfig;
}

const layout = 1;
const numberBytes = 6;
const at = { layout: 0, created: 1, documents: 7, revisions: 13, bytes: 19, checksum: 25, config: 25 + digestBytes };

/** A collection without documents. */
export function newCollection(nowMs: number): CollectionState {
  return { createdAtMs: nowMs, documents: 0, revisions: 0, bytes: 0, checksum: emptyChecksum(), config: create(CollectionConfigSchema) };
}

/** The row of a collection. */
export function encodeCollection(state: CollectionState): Uint8Array {
  const config = toBinary(CollectionConfigSchema, state.config, { writeUnknownFields: false });
  const row = Buffer.allocUnsafe(at.config + config.length);
  row[at.layout] = layout;
  row.writeUIntBE(state.createdAtMs, at.created, numberBytes);
  row.writeUIntBE(state.documents, at.documents, numberBytes);
  row.writeUIntBE(state.revisions, at.revisions, numberBytes);
  row.writeUIntBE(state.bytes, at.bytes, numberBytes);
  row.set(state.checksum, at.checksum);
  row.set(config, at.config);
  return row;
}

/** A collection from its row. Throws STORED_DATA_CORRUPT for a row that is none. */
export function decodeCollection(row: Uint8Array): CollectionState {
  if (row.length < at.config || row[at.layout] !== layout) throw fail(Reason.STORED_DATA_CORRUPT);
  const bytes = bufferOf(row);
  return {
    createdAtMs: bytes.readUIntBE(at.created, numberBytes),
    documents: bytes.readUIntBE(at.documents, numberBytes),
    revisions: bytes.readUIntBE(at.revisions, numberBytes),
    bytes: bytes.readUIntBE(at.bytes, numberBytes),
    checksum: Uint8Array.from(bytes.subarray(at.checksum, at.config)),
    config: row.length === at.config ? create(CollectionConfigSchema) : fromBinary(CollectionConfigSchema, bytes.subarray(at.config)),
  };
}

/** The collection, or undefined where there is none. */
export function readCollection(reader: Reader, keys: CollectionKeys): CollectionState | undefined {
  const row = reader.get(keys.row);
  return row && decodeCollection(row);
}

/** Puts a collection back. */
export function saveCollection(tx: Transaction, keys: CollectionKeys, state: CollectionState): void {
  tx.put(keys.row, encodeCollection(state));
}
