/** What must hold of a collection's rows at any time: every index and count follows from the documents alone. */
import { addDigest, digestOfBody, emptyChecksum } from "../documents/checksum.js";
import { CollectionKeys, langHead, metaHead } from "../documents/collection-keys.js";
import { readCollection } from "../documents/collection-row.js";
import { bodyOf, contentOf, headOf, openDocument } from "../documents/document-row.js";
import { kinds, rangeOf } from "../store/keys.js";
import type { Reader } from "../store/store.js";

/** What is wrong with a collection, in words; empty if nothing is. */
export function faultsOf(reader: Reader, tenant: string, collection: string): string[] {
  const keys = new CollectionKeys(tenant, collection);
  const faults: string[] = [];
  const expected = new Map<string, string>();
  const expect = (key: Uint8Array, value: Uint8Array = new Uint8Array()): void => void expected.set(hex(key), hex(value));
  const checksum = emptyChecksum();
  let [documents, bytes, revisions] = [0, 0, 0];
  for (const { key, value } of reader.range(keys.documents)) {
    const { id, row } = openDocument(value);
    const { key: name, lang, meta } = contentOf(row);
    const head = headOf(row);
    if (hex(key) !== hex(keys.documentAt(name, lang))) faults.push(`${name} in the place of another`);
    expect(keys.additionAt(id), keys.nameBehind(key));
    expect(keys.metaAt(langHead(lang), id));
    expect(keys.updateAt(head.updatedAtMs, id));
    if (head.expiresAtMs !== 0) expect(keys.expiryAt(head.expiresAtMs, id));
    for (const { name: metaName, values } of meta) for (const value of values) expect(keys.metaAt(metaHead(metaName, value), id));
    const numbers = [...reader.range(keys.revisions(id))].map(({ value }) => headOf(value).revision);
    if (numbers.some((number, index) => number !== head.revision - numbers.length + index)) faults.push(`revisions of ${name}: ${numbers.join()} below ${head.revision}`);
    if (hex(digestOfBody(bodyOf(row))) !== hex(head.digest)) faults.push(`digest of ${name}`);
    addDigest(checksum, head.digest);
    documents++;
    bytes += row.length;
    revisions += numbers.length;
  }
  for (const kind of [kinds.documentByAddition, kinds.documentByMeta, kinds.documentByUpdate, kinds.documentByExpiry]) {
    for (const { key, value } of reader.range(rangeOf([tenant, kind, collection]))) {
      if (expected.get(hex(key)) !== hex(value)) faults.push(`stray row ${hex(key)}`);
      expected.delete(hex(key));
    }
  }
  for (const key of expected.keys()) faults.push(`missing row ${key}`);
  const rows = [...reader.keys(rangeOf([tenant, kinds.revision, collection]))].length;
  if (rows !== revisions) faults.push(`${rows} rows of revisions, ${revisions} belong to a document`);
  const state = readCollection(reader, keys);
  if (state === undefined) return documents === 0 ? faults : [...faults, "documents without a collection"];
  const { documents: d, bytes: b, revisions: r } = state;
  if (d !== documents || b !== bytes || r !== revisions) faults.push(`counts ${d} ${b} ${r}, really ${documents} ${bytes} ${revisions}`);
  if (hex(state.checksum) !== hex(checksum)) faults.push("checksum");
  return faults;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
