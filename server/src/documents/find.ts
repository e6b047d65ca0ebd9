/** Finds the rows of documents: by the key that they are stored under, and by their id. */
import { fail, Reason } from "../errors.js";
import type { Reader } from "../store/store.js";
import type { CollectionKeys } from "./collection-keys.js";
import { openDocument, type Found } from "./document-row.js";

/** The document stored under `place` (`documentAt` of its key and language) as `reader` has it, ended or not; one look-up. */
export function findDocument(reader: Reader, place: Uint8Array): Found | undefined {
  const stored = reader.get(place);
  return stored && openDocument(stored);
}

/** The row of a document that an index names; two look-ups. Throws STORED_DATA_CORRUPT if it is not there. */
export function rowOf(reader: Reader, keys: CollectionKeys, id: Uint8Array): Uint8Array {
  const name = reader.get(keys.additionAt(id));
  const stored = name && reader.get(keys.documentNamed(name));
  if (stored === undefined) throw fail(Reason.STORED_DATA_CORRUPT);
  return openDocument(stored).row;
}
