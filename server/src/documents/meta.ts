/** Meta data of documents: names with lists of strings, checked and in order. */
import type { ListValue, Value } from "@bufbuild/protobuf/wkt";
import { metaValuesMax } from "../limits.js";
import { compareCodePoints, invalidField, requireWellFormed } from "./text.js";

/** Meta data as the contract carries it. */
export type Meta = Record<string, ListValue>;

/** One name with its values, in the order they were given. */
export interface MetaEntry {
  readonly name: string;
  readonly values: readonly string[];
}

/**
 * The entries of a meta map, in the order of their names' code points. `field` names the map in failures, and `valuesMax`
 * bounds the values over all names. Throws FIELD_INVALID for a value that is no string, text that is not well-formed, and
 * too many values.
 */
export function metaEntriesOf(meta: Meta, field: string, valuesMax = metaValuesMax): MetaEntry[] {
  const names = Object.keys(meta);
  if (names.length > 1) names.sort(compareCodePoints);
  let count = 0;
  return names.map((name) => {
    requireWellFormed(`${field} name`, name);
    const values = (meta[name]?.values ?? []).map((value) => textOf(value, field, name));
    count += values.length;
    if (count > valuesMax) throw invalidField(field, `must hold at most ${valuesMax} values`, "meta.values");
    return { name, values };
  });
}

function textOf({ kind }: Value, field: string, name: string): string {
  const path = `${field}[${JSON.stringify(name)}]`;
  if (kind.case !== "stringValue") throw invalidField(path, "every value must be a list of strings", "meta.strings");
  requireWellFormed(path, kind.value);
  return kind.value;
}

/** The values of a name as the contract carries them. */
export function listValueOf(values: readonly string[]): ListValue {
  return { $typeName: "google.protobuf.ListValue", values: values.map(valueOf) };
}

function valueOf(text: string): Value {
  return { $typeName: "google.protobuf.Value", kind: { case: "stringValue", value: text } };
}

/** Sets a name of a meta map; `__proto__` is a name like any other. */
export function setMeta(meta: Meta, name: string, values: ListValue): void {
  if (name === "__proto__") Object.defineProperty(meta, name, { value: values, enumerable: true, configurable: true, writable: true });
  else meta[name] = values;
}
