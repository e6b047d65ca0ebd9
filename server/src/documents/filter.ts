/** Filters of documents by language and meta data, answered from the index. */
import { pack, type Part } from "../store/keys.js";
import type { Reader } from "../store/store.js";
import { filterValuesMax } from "../limits.js";
import { isCut, langHead, metaHead, type CollectionKeys } from "./collection-keys.js";
import { metaOf } from "./document-row.js";
import { metaEntriesOf, type Meta, type MetaEntry } from "./meta.js";
import { requireWellFormed } from "./text.js";

/** One condition: a document must stand in the index under one of these heads. */
export interface Term {
  readonly heads: readonly Uint8Array[];
}

/** What documents must have: every term, and behind hits on values that the index holds cut, those values. */
export interface Filter {
  readonly terms: readonly Term[];
  /** Compares a document that the index named; undefined where the index says all. */
  readonly confirm: ((row: Uint8Array) => boolean) | undefined;
  /** Rows that asking about one document may read. */
  readonly rowsPerDocument: number;
  /** Stands for the filter in page tokens: equal filters, equal bytes. */
  readonly identity: Uint8Array;
}

/** Compiles a filter. Throws FIELD_INVALID for values that are no strings, ill-formed text, and more than `filterValuesMax` values. */
export function compileFilter(filterMeta: Meta, lang: string | undefined): Filter {
  const entries = metaEntriesOf(filterMeta, "filter_meta", filterValuesMax).map(({ name, values }) => ({ name, values: [...new Set(values)].sort() }));
  const terms: Term[] = entries.map(({ name, values }) => ({ heads: values.map((value) => metaHead(name, value)) }));
  const identity: Part[] = entries.flatMap(({ name, values }) => [name, values.length, ...values]);
  if (lang !== undefined) {
    requireWellFormed("lang", lang);
    terms.push({ heads: [langHead(lang)] });
    identity.push(lang);
  }
  const cut = entries.filter(({ values }) => values.some(isCut));
  const confirm = cut.length === 0 ? undefined : (row: Uint8Array) => holds(metaOf(row), cut);
  const rowsPerDocument = 1 + terms.reduce((sum, { heads }) => sum + heads.length, 0);
  return { terms, confirm, rowsPerDocument, identity: pack([entries.length, ...identity]) };
}

/** True if the index has a document under each term but `except`. */
export function isIndexed(reader: Reader, keys: CollectionKeys, terms: readonly Term[], id: Uint8Array, except?: Term): boolean {
  return terms.every((term) => term === except || term.heads.some((head) => reader.get(keys.metaAt(head, id)) !== undefined));
}

function holds(meta: readonly MetaEntry[], wanted: readonly MetaEntry[]): boolean {
  return wanted.every(({ name, values }) => meta.find((entry) => entry.name === name)?.values.some((value) => values.includes(value)) ?? false);
}
