/** Finds the rows of documents: by their key and language, and by their id. */
import { fail, Reason } from "../errors.js";
import type { Reader } from "../store/store.js";
import type { CollectionKeys } from "./collection-keys.js";
import { openDocument, type Found } from "./document-row.js";

/** The document of a key and language as `reader` has it, ended or not; one look-up. */
export function findDocument(reader: Reader, keys: CollectionKeys, key: string, lang: string): Found | undefined {
  const stored = reader.get(keys.documentAt(key, lang));
  return stored && openDocument(stored);
}

/** The row of a document that an index names; two look-ups. Throws STORED_DATA_CORRUPT if it is not there. */
export function rowOf(reader: Reader, keys: CollectionKeys, id: Uint8Array): Uint8Array {
  const name = reader.get(keys.additionAt(id));
  const stored = name && reader.get(keys.documentNamed(name));
  if (stored === undefined) throw fail(Reason.STORED_DATA_CORRUPT);
  return openDocument(stored).row;
}
