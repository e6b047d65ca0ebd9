/** The keys of one collection's rows, with what they share packed once. */
import { hash } from "node:crypto";
import { collectionKeysCached, metaIndexValueBytes } from "../limits.js";
import type { MetaEntry } from "./meta.js";
import { after, kinds, pack, unpackBytes, unpackInteger } from "../store/keys.js";

/** All keys that begin with one prefix. */
export interface Span {
  readonly gte: Uint8Array;
  readonly lt: Uint8Array;
}

const integerBytes = 8;
/** Length of an id, in bytes. */
export const idBytes = 16;
/** An id of 16 bytes with every byte escaped, and its end. */
const idBytesMax = 34;
const none: Buffer = Buffer.alloc(0);

/** Names the language in the meta index; no name of meta data is empty, so it meets none. */
const langName = "";

/** Makes the keys of a collection. All of them equal what `pack` gives for the same parts. */
export class CollectionKeys {
  /** The collection's own row. */
  readonly row: Uint8Array;
  /** Documents, by key and language. */
  readonly documents: Span;
  /** Their keys and languages, by id: in the order they were added. */
  readonly byAddition: Span;
  /** Documents in the order they were last changed. */
  readonly byUpdate: Span;
  /** Documents that end, in that order. */
  readonly byExpiry: Span;
  readonly #document: Buffer;
  readonly #byAddition: Buffer;
  readonly #byMeta: Buffer;
  readonly #byUpdate: Buffer;
  readonly #byExpiry: Buffer;
  readonly #revision: Buffer;

  constructor(
    readonly tenant: string,
    readonly collection: string,
  ) {
    // Kept for long, so in memory of their own.
    const prefix = (kind: number): Buffer => bufferOf(Uint8Array.from(pack([tenant, kind, collection])));
    this.row = prefix(kinds.collection);
    this.#document = prefix(kinds.document);
    this.#byAddition = prefix(kinds.documentByAddition);
    this.#byMeta = prefix(kinds.documentByMeta);
    this.#byUpdate = prefix(kinds.documentByUpdate);
    this.#byExpiry = prefix(kinds.documentByExpiry);
    this.#revision = prefix(kinds.revision);
    this.documents = spanOf(this.#document);
    this.byAddition = spanOf(this.#byAddition);
    this.byUpdate = spanOf(this.#byUpdate);
    this.byExpiry = spanOf(this.#byExpiry);
  }

  /** The row of a document. */
  documentAt(key: string, lang: string): Uint8Array {
    const out = Buffer.allocUnsafe(this.#document.length + 3 * (key.length + lang.length) + 4);
    out.set(this.#document);
    return out.subarray(0, writeText(out, writeText(out, this.#document.length, key), lang));
  }

  /** The row of the document of a name: what `nameBehind` gave for it. */
  documentNamed(name: Uint8Array): Uint8Array {
    return Buffer.concat([this.#document, name]);
  }

  /** The name of a document within its row's key: key and language as parts. */
  nameBehind(documentKey: Uint8Array): Uint8Array {
    return documentKey.subarray(this.#document.length);
  }

  /** The row that leads from an id to the document's name, in the order of additions. */
  additionAt(id: Uint8Array): Uint8Array {
    return joined(this.#byAddition, none, id);
  }

  /** The row in the order of changes. */
  updateAt(updatedAtMs: number, id: Uint8Array): Uint8Array {
    return joined(this.#byUpdate, integer(updatedAtMs), id);
  }

  /** The row in the order of expiry. */
  expiryAt(expiresAtMs: number, id: Uint8Array): Uint8Array {
    return joined(this.#byExpiry, integer(expiresAtMs), id);
  }

  /** Documents that have ended by a time. */
  expiredBy(nowMs: number): Span {
    return { gte: this.#byExpiry, lt: Buffer.concat([this.#byExpiry, integer(nowMs + 1)]) };
  }

  /** A row of the meta index; `head` is made by `metaHead` or `langHead`. */
  metaAt(head: Uint8Array, id: Uint8Array): Uint8Array {
    return joined(this.#byMeta, head, id);
  }

  /** The rows of the meta index of a document; a value that stands twice under its name gives its row twice. */
  metaRows(meta: readonly MetaEntry[], id: Uint8Array): Buffer[] {
    const end = joined(none, none, id);
    const rows: Buffer[] = [];
    for (const { name, values } of meta) {
      const head = Buffer.concat([this.#byMeta, pack([name])]);
      for (const value of values) {
        if (isCut(value)) {
          rows.push(Buffer.concat([head, pack([cut(value)]), end]));
          continue;
        }
        const row = Buffer.allocUnsafe(head.length + 3 * value.length + 2 + end.length);
        row.set(head);
        const to = writeText(row, head.length, value);
        row.set(end, to);
        rows.push(row.subarray(0, to + end.length));
      }
    }
    return rows;
  }

  /** Documents with one name and value. */
  metaSpan(head: Uint8Array): Span {
    return spanOf(Buffer.concat([this.#byMeta, head]));
  }

  /** An earlier state of a document. */
  revisionAt(id: Uint8Array, revision: number): Uint8Array {
    const key = joined(this.#revision, none, id, integerBytes);
    integer(revision).copy(key, key.length - integerBytes);
    return key;
  }

  /** All earlier states of a document, the earliest first. */
  revisions(id: Uint8Array): Span {
    return spanOf(joined(this.#revision, none, id));
  }
}

/** The keys of any collection; those of the last ones asked for stay computed. */
export function createCollectionKeys(): (tenant: string, collection: string) => CollectionKeys {
  const tenants = new Map<string, Map<string, CollectionKeys>>();
  let count = 0;
  return (tenant, collection) => {
    let collections = tenants.get(tenant);
    const known = collections?.get(collection);
    if (known !== undefined) return known;
    if (count === collectionKeysCached) {
      tenants.clear();
      collections = undefined;
      count = 0;
    }
    if (collections === undefined) tenants.set(tenant, (collections = new Map()));
    const keys = new CollectionKeys(tenant, collection);
    collections.set(collection, keys);
    count++;
    return keys;
  };
}

/** The first parts of a meta index row: a name and a value, long values cut. */
export function metaHead(name: string, value: string): Uint8Array {
  return pack([name, isCut(value) ? cut(value) : value]);
}

/** The first parts of the index rows of a language. */
export function langHead(lang: string): Uint8Array {
  return pack([langName, lang]);
}

/** True if the index holds only the beginning and the digest of a value, so that a hit must be compared with the document. */
export function isCut(value: string): boolean {
  return value.length * 3 > metaIndexValueBytes && Buffer.byteLength(value) > metaIndexValueBytes;
}

/** Longer than any value that is held whole, so that the two never meet. */
function cut(value: string): Uint8Array {
  const bytes = Buffer.from(value);
  return Buffer.concat([bytes.subarray(0, metaIndexValueBytes), hash("sha256", bytes, "buffer")]);
}

/** The id that ends an index key, whose first `prefixBytes` bytes are something else. */
export function idBehind(key: Uint8Array, prefixBytes: number): Uint8Array {
  // Most ids hold no zero byte, so that nothing in them is escaped.
  return key.length - prefixBytes === idBytes + 2 ? key.subarray(prefixBytes, prefixBytes + idBytes) : unpackBytes(key, prefixBytes).value;
}

/** The time that stands behind the first `prefixBytes` bytes of an index key, in Unix milliseconds. */
export function timeBehind(key: Uint8Array, prefixBytes: number): number {
  return Number(unpackInteger(key, prefixBytes));
}

/** Length of a time in an index key, in bytes. */
export const timeBytes = integerBytes;

/** The same bytes as a Buffer. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function spanOf(prefix: Uint8Array): Span {
  return { gte: prefix, lt: after(prefix) };
}

function integer(value: number): Buffer {
  const out = Buffer.allocUnsafe(integerBytes);
  out.writeUInt32BE(Math.floor(value / 0x1_0000_0000), 0);
  out.writeUInt32BE(value % 0x1_0000_0000, 4);
  return out;
}

/** prefix ‖ middle ‖ the id as a byte part ‖ `spare` bytes to be filled. */
function joined(prefix: Buffer, middle: Uint8Array, id: Uint8Array, spare = 0): Buffer {
  const out = Buffer.allocUnsafe(prefix.length + middle.length + idBytesMax + spare);
  out.set(prefix);
  out.set(middle, prefix.length);
  let to = prefix.length + middle.length;
  for (let i = 0; i < id.length; i++) {
    const byte = id[i]!;
    out[to++] = byte;
    if (byte === 0) out[to++] = 0xff;
  }
  out[to++] = 0;
  out[to++] = 1;
  return out.subarray(0, to + spare);
}

/** Writes a text part; returns the offset behind it. */
function writeText(out: Buffer, at: number, text: string): number {
  if (text.includes("\0")) {
    const part = pack([text]);
    out.set(part, at);
    return at + part.length;
  }
  const end = at + out.write(text, at);
  out[end] = 0;
  out[end + 1] = 1;
  return end + 2;
}
