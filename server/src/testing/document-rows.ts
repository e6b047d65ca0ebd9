/** Every row that a collection has in a store, as text, to compare states to the byte. */
import { kinds, rangeOf } from "../store/keys.js";
import type { Reader } from "../store/store.js";

const documentKinds = [
  kinds.collection,
  kinds.document,
  kinds.documentByAddition,
  kinds.documentByMeta,
  kinds.documentByUpdate,
  kinds.documentByExpiry,
  kinds.revision,
];

/** Keys with their values in hex, of all kinds of rows. */
export function rowsOf(reader: Reader, tenant: string, collection: string): string[] {
  return documentKinds.flatMap((kind) =>
    [...reader.range(rangeOf([tenant, kind, collection]))].map(({ key, value }) => `${Buffer.from(key).toString("hex")} ${Buffer.from(value).toString("hex")}`),
  );
}
