/** Puts the values of one message into an order, as rules between its fields often want it: an end behind its beginning, a most above a least. */
import { isJsonObject, memberOf } from "../json.js";
import type { Field, Json, JsonObject } from "../model.js";
import type { TypeIndex } from "./messages.js";

/** `1`: each value above that of the fields ahead of it. `-1`: the reverse. */
export type Direction = 1 | -1;

/** Both directions, the likelier one first. */
export const directions: readonly Direction[] = [1, -1];

/** How far apart two times are, in milliseconds. */
const stepMs = 86_400_000;

/** The message with values of one type that differ, at every depth. What a field cannot hold is for the caller to find out. */
export function inOrder(json: JsonObject, typeName: string, types: TypeIndex, direction: Direction): Record<string, Json> {
  const fields = types.message(typeName)?.fields ?? [];
  const ordered: Record<string, Json> = { ...json };
  const counts = new Map<string, number>();
  for (const field of direction === 1 ? fields : fields.toReversed()) {
    const value = memberOf(json, field.jsonName);
    if (value === undefined) continue;
    const kind = kindOf(field);
    const step = counts.get(kind) ?? 0;
    counts.set(kind, step + 1);
    ordered[field.jsonName] = field.cardinality === "singular" ? shifted(value, field, step, types, direction) : inner(value, field, types, direction);
  }
  return ordered;
}

const kindOf = ({ type }: Field): string => (type.kind === "scalar" ? type.scalar : type.name);

function shifted(value: Json, field: Field, step: number, types: TypeIndex, direction: Direction): Json {
  if (isJsonObject(value)) return inner(value, field, types, direction);
  const { type } = field;
  if (type.kind === "enum") return value;
  if (typeof value === "number") return value + step;
  if (typeof value !== "string") return value;
  if (type.kind === "message" && type.name === "google.protobuf.Timestamp") return new Date(Date.parse(value) + step * stepMs).toISOString().replace(".000Z", "Z");
  if (type.kind === "message" && type.name === "google.protobuf.Duration") return `${Number.parseFloat(value) + step * 60}s`;
  const isLong = type.kind === "scalar" && type.scalar !== "string" && type.scalar !== "bytes";
  return isLong && /^-?\d+$/.test(value) ? String(BigInt(value) + BigInt(step)) : value;
}

/** The messages within a value. */
function inner(value: Json, field: Field, types: TypeIndex, direction: Direction): Json {
  if (field.type.kind !== "message") return value;
  const { name } = field.type;
  const one = (item: Json): Json => (isJsonObject(item) && types.message(name) !== undefined ? inOrder(item, name, types, direction) : item);
  if (Array.isArray(value)) return value.map(one);
  if (field.cardinality !== "map") return one(value);
  return isJsonObject(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, one(item)])) : value;
}
