/** The orders in which documents are listed, each with the index that holds it. */
import { pack } from "../store/keys.js";
import type { Reader } from "../store/store.js";
import { idBehind, timeBytes, type CollectionKeys, type Span } from "./collection-keys.js";
import { nameOf, openDocument, updatedAtMsOf } from "./document-row.js";

/** An order. A position is what an index key holds behind the collection's prefix, so positions compare byte by byte. */
export interface Order {
  /** The index. */
  readonly span: (keys: CollectionKeys) => Span;
  /** The document that an index key stands for; undefined if it is gone. */
  readonly idOf: (reader: Reader, key: Uint8Array, prefixBytes: number) => Uint8Array | undefined;
  /** The position of a document; `idPart` is its id as a part of a key, and `row` reads it where the id alone does not say. */
  readonly positionOf: (idPart: Uint8Array, row: () => Uint8Array) => Uint8Array;
}

const byAddition: Order = {
  span: (keys) => keys.byAddition,
  idOf: (_reader, key, prefixBytes) => idBehind(key, prefixBytes),
  positionOf: (idPart) => idPart,
};

/** Orders by the name that a search gives. */
export const orders: ReadonlyMap<string, Order> = new Map<string, Order>([
  ["", byAddition],
  ["addedAt", byAddition],
  [
    "updatedAt",
    {
      span: (keys) => keys.byUpdate,
      idOf: (_reader, key, prefixBytes) => idBehind(key, prefixBytes + timeBytes),
      positionOf: (idPart, row) => Buffer.concat([pack([updatedAtMsOf(row())]), idPart]),
    },
  ],
  [
    "key",
    {
      span: (keys) => keys.documents,
      idOf(reader, key) {
        const stored = reader.get(key);
        return stored && openDocument(stored).id;
      },
      positionOf: (_idPart, row) => {
        const { key, lang } = nameOf(row());
        // A search keeps many of them: not together with all the rows they were read from.
        return Uint8Array.from(pack([key, lang]));
      },
    },
  ],
]);
