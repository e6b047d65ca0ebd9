/** The stored form of a document: its id, and its state: a fixed head with what the caller gave behind it as a Document message. */
import type { Document, Revision } from "@parapet/contract/parapet/document/v1/document_pb";
import { fail, Reason } from "../errors.js";
import { bufferOf, idBytes } from "./collection-keys.js";
import { digestBytes } from "./checksum.js";
import { etagBytes } from "./etag.js";
import { listValueOf, setMeta, type Meta, type MetaEntry } from "./meta.js";
import { timestampOf } from "./times.js";
import { formatUuid } from "./uuid.js";

/**
 * What the server knows of a state. Stored as a head of 71 bytes, numbers big-endian: layout (1 byte, always 1), revision
 * (4), added, updated, expires (6 each, Unix milliseconds), etag (16), digest of the body (32).
 */
export interface Head {
  readonly revision: number;
  readonly addedAtMs: number;
  readonly updatedAtMs: number;
  /** 0: never. */
  readonly expiresAtMs: number;
  readonly etag: Uint8Array;
  readonly digest: Uint8Array;
}

const layout = 1;
const timeBytes = 6;
const at = { layout: 0, revision: 1, added: 5, updated: 11, expires: 17, etag: 23, digest: 23 + etagBytes, body: 23 + etagBytes + digestBytes };

/** Tags of the Document fields that a body holds (field number, wire type 2), in their order. */
const tag = { key: 0x1a, lang: 0x22, meta: 0x2a, contentMd: 0x32 };
/** Tags within a map entry, a ListValue and a Value. */
const inner = { name: 0x0a, list: 0x12, value: 0x0a, text: 0x1a };

/** What a caller gives of a document. */
export interface Content {
  readonly key: string;
  readonly lang: string;
  /** In the order of the names' code points. */
  readonly meta: readonly MetaEntry[];
  readonly contentMd: string;
}

/**
 * The body of a document: a Document message of key, lang, meta and content_md, fields and names in order, so that equal
 * contents are equal bytes.
 */
export function encodeBody({ key, lang, meta, contentMd }: Content): Buffer {
  const lengths: number[] = [];
  const metaBytes = measure(meta, lengths);
  const keyBytes = Buffer.byteLength(key);
  const langBytes = Buffer.byteLength(lang);
  const contentBytes = Buffer.byteLength(contentMd);
  const out = Buffer.allocUnsafe(optional(keyBytes) + optional(langBytes) + metaBytes + optional(contentBytes));
  let to = 0;
  if (keyBytes > 0) to = writeText(out, to, tag.key, key, keyBytes);
  if (langBytes > 0) to = writeText(out, to, tag.lang, lang, langBytes);
  let next = 0;
  for (const { name, values } of meta) {
    const nameBytes = lengths[next++]!;
    const listBytes = lengths[next++]!;
    to = writeHead(out, to, tag.meta, field(nameBytes) + field(listBytes));
    to = writeText(out, to, inner.name, name, nameBytes);
    to = writeHead(out, to, inner.list, listBytes);
    for (const value of values) {
      const valueBytes = lengths[next++]!;
      to = writeHead(out, to, inner.value, field(valueBytes));
      to = writeText(out, to, inner.text, value, valueBytes);
    }
  }
  if (contentBytes > 0) writeText(out, to, tag.contentMd, contentMd, contentBytes);
  return out;
}

/** A document as it is found: its id of 16 bytes, and the row of its state. */
export interface Found {
  readonly id: Uint8Array;
  readonly row: Uint8Array;
}

/** What is stored under a document's key: the id and the row, one behind the other, so that one look-up gives both. */
export function encodeDocument(id: Uint8Array, row: Uint8Array): Uint8Array {
  return Buffer.concat([id, row]);
}

/** Id and row of what is stored under a document's key. Throws STORED_DATA_CORRUPT where there is less than an id. */
export function openDocument(stored: Uint8Array): Found {
  if (stored.length < idBytes) throw fail(Reason.STORED_DATA_CORRUPT);
  return { id: stored.subarray(0, idBytes), row: stored.subarray(idBytes) };
}

/** A row: head and body. */
export function encodeRow(head: Head, body: Uint8Array): Uint8Array {
  const row = Buffer.allocUnsafe(at.body + body.length);
  row[at.layout] = layout;
  row.writeUInt32BE(head.revision, at.revision);
  row.writeUIntBE(head.addedAtMs, at.added, timeBytes);
  row.writeUIntBE(head.updatedAtMs, at.updated, timeBytes);
  row.writeUIntBE(head.expiresAtMs, at.expires, timeBytes);
  row.set(head.etag, at.etag);
  row.set(head.digest, at.digest);
  row.set(body, at.body);
  return row;
}

/** The head of a row. Throws STORED_DATA_CORRUPT for a row that is none. */
export function headOf(row: Uint8Array): Head {
  const bytes = opened(row);
  return {
    revision: bytes.readUInt32BE(at.revision),
    addedAtMs: bytes.readUIntBE(at.added, timeBytes),
    updatedAtMs: bytes.readUIntBE(at.updated, timeBytes),
    expiresAtMs: bytes.readUIntBE(at.expires, timeBytes),
    etag: bytes.subarray(at.etag, at.digest),
    digest: bytes.subarray(at.digest, at.body),
  };
}

/** True if the state has ended: it must not be served any more. */
export function isExpired(row: Uint8Array, nowMs: number): boolean {
  const expiresAtMs = opened(row).readUIntBE(at.expires, timeBytes);
  return expiresAtMs !== 0 && expiresAtMs <= nowMs;
}

/** When a state was written, in Unix milliseconds. */
export function updatedAtMsOf(row: Uint8Array): number {
  return opened(row).readUIntBE(at.updated, timeBytes);
}

/** The body of a row. */
export function bodyOf(row: Uint8Array): Uint8Array {
  return opened(row).subarray(at.body);
}

/** What the caller gave, read back. */
export function contentOf(row: Uint8Array): Content {
  const meta: MetaEntry[] = [];
  const content = { key: "", lang: "", meta, contentMd: "" };
  readBody(opened(row), content, (name, values) => meta.push({ name, values }));
  return content;
}

/** Key and language of a row. */
export function nameOf(row: Uint8Array): { key: string; lang: string } {
  const name = { key: "", lang: "", contentMd: undefined };
  readBody(opened(row), name, undefined);
  return name;
}

/** Meta data of a row. */
export function metaOf(row: Uint8Array): MetaEntry[] {
  const meta: MetaEntry[] = [];
  readBody(opened(row), { key: "", lang: "", contentMd: undefined }, (name, values) => meta.push({ name, values }));
  return meta;
}

/** True if two rows hold the same meta data. */
export function isMetaEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(metaBytesOf(opened(a)), metaBytesOf(opened(b))) === 0;
}

/** The document of a row. */
export function documentOf(row: Uint8Array, id: Uint8Array, collection: string): Document {
  const bytes = opened(row);
  const meta: Meta = {};
  const expiresAtMs = bytes.readUIntBE(at.expires, timeBytes);
  const document: Document = {
    $typeName: "parapet.document.v1.Document",
    id: formatUuid(id),
    collection,
    key: "",
    lang: "",
    meta,
    contentMd: "",
    addedAt: timestampOf(bytes.readUIntBE(at.added, timeBytes)),
    updatedAt: timestampOf(bytes.readUIntBE(at.updated, timeBytes)),
    expiresAt: expiresAtMs === 0 ? undefined : timestampOf(expiresAtMs),
    revision: bytes.readUInt32BE(at.revision),
    etag: bytes.toString("base64url", at.etag, at.digest),
  };
  readBody(bytes, document, (name, values) => setMeta(meta, name, listValueOf(values)));
  return document;
}

/** The revision that an earlier state's row stands for. */
export function revisionOf(row: Uint8Array): Revision {
  const bytes = opened(row);
  const meta: Meta = {};
  const content = { key: "", lang: "", contentMd: "" };
  readBody(bytes, content, (name, values) => setMeta(meta, name, listValueOf(values)));
  return {
    $typeName: "parapet.document.v1.Revision",
    revision: bytes.readUInt32BE(at.revision),
    createdAt: timestampOf(bytes.readUIntBE(at.updated, timeBytes)),
    meta,
    contentMd: content.contentMd,
  };
}

function opened(row: Uint8Array): Buffer {
  if (row.length < at.body || row[at.layout] !== layout) throw fail(Reason.STORED_DATA_CORRUPT);
  return bufferOf(row);
}

/** Lengths of names, lists and values in the order they are written; returns the bytes of all map entries. */
function measure(meta: readonly MetaEntry[], lengths: number[]): number {
  let bytes = 0;
  for (const { name, values } of meta) {
    const nameBytes = Buffer.byteLength(name);
    const list = lengths.push(nameBytes, 0) - 1;
    let listBytes = 0;
    for (const value of values) {
      const valueBytes = Buffer.byteLength(value);
      lengths.push(valueBytes);
      listBytes += field(field(valueBytes));
    }
    lengths[list] = listBytes;
    bytes += field(field(nameBytes) + field(listBytes));
  }
  return bytes;
}

/** Bytes of a field with a one-byte tag and a payload of `length` bytes. */
function field(length: number): number {
  if (length < 0x80) return 2 + length;
  if (length < 0x4000) return 3 + length;
  if (length < 0x20_0000) return 4 + length;
  return (length < 0x1000_0000 ? 5 : 6) + length;
}

/** Bytes of a field that is left out where it is empty. */
function optional(length: number): number {
  return length === 0 ? 0 : field(length);
}

function writeHead(out: Buffer, to: number, tagByte: number, length: number): number {
  out[to++] = tagByte;
  while (length > 0x7f) {
    out[to++] = (length & 0x7f) | 0x80;
    length >>>= 7;
  }
  out[to++] = length;
  return to;
}

function writeText(out: Buffer, to: number, tagByte: number, text: string, length: number): number {
  const start = writeHead(out, to, tagByte, length);
  out.write(text, start);
  return start + length;
}

/** The map entries of a body, which lie side by side. */
function metaBytesOf(bytes: Buffer): Buffer {
  const cursor: Cursor = { bytes, at: at.body };
  let start = bytes.length;
  let end = bytes.length;
  while (cursor.at < bytes.length) {
    const before = cursor.at;
    const tagByte = bytes[cursor.at++]!;
    if (tagByte === tag.meta) start = Math.min(start, before);
    else if (tagByte > tag.meta) {
      end = before;
      break;
    }
    const length = readLength(cursor, bytes.length);
    cursor.at += length;
  }
  return bytes.subarray(Math.min(start, end), end);
}

/** Where the reading of a body has come to. */
interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

/** Reads a body into `into`; its `contentMd` stays if it is undefined, and meta is passed over where nobody takes it. */
function readBody(
  bytes: Buffer,
  into: { key: string; lang: string; contentMd: string | undefined },
  takeMeta: ((name: string, values: string[]) => void) | undefined,
): void {
  const cursor: Cursor = { bytes, at: at.body };
  while (cursor.at < bytes.length) {
    const tagByte = bytes[cursor.at++];
    const length = readLength(cursor, bytes.length);
    const start = cursor.at;
    const end = start + length;
    if (tagByte === tag.key) into.key = bytes.toString("utf8", start, end);
    else if (tagByte === tag.lang) into.lang = bytes.toString("utf8", start, end);
    else if (tagByte === tag.meta) {
      if (takeMeta !== undefined) readMeta(cursor, end, takeMeta);
    } else if (tagByte === tag.contentMd) {
      if (into.contentMd !== undefined) into.contentMd = bytes.toString("utf8", start, end);
    } else throw fail(Reason.STORED_DATA_CORRUPT);
    cursor.at = end;
  }
}

function readMeta(cursor: Cursor, end: number, take: (name: string, values: string[]) => void): void {
  const name = readText(cursor, inner.name, end);
  const listEnd = enter(cursor, inner.list, end);
  const values: string[] = [];
  while (cursor.at < listEnd) {
    const valueEnd = enter(cursor, inner.value, listEnd);
    values.push(readText(cursor, inner.text, valueEnd));
  }
  take(name, values);
}

function readText(cursor: Cursor, tagByte: number, end: number): string {
  const textEnd = enter(cursor, tagByte, end);
  const text = cursor.bytes.toString("utf8", cursor.at, textEnd);
  cursor.at = textEnd;
  return text;
}

function enter(cursor: Cursor, tagByte: number, end: number): number {
  if (cursor.bytes[cursor.at++] !== tagByte) throw fail(Reason.STORED_DATA_CORRUPT);
  return readLength(cursor, end) + cursor.at;
}

function readLength(cursor: Cursor, end: number): number {
  let length = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = cursor.bytes[cursor.at++];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) {
      if (cursor.at + length > end) break;
      return length;
    }
  }
  throw fail(Reason.STORED_DATA_CORRUPT);
}
