/** Which request fields a REST binding takes from the query string. */
import type { Binding, Field, MessageType } from "./model.js";
import { wellKnownMessage } from "./well-known.js";

/** A request field that stands in the query string. */
export interface QueryParameter {
  /** Dotted proto path. */
  readonly path: string;
  /** Dotted JSON names: what callers write. */
  readonly name: string;
  readonly field: Field;
}

/** The query string of a binding. */
export interface Query {
  readonly parameters: readonly QueryParameter[];
  /** Dotted proto paths of fields that no query string can hold, with why. */
  readonly unfit: readonly { readonly path: string; readonly why: string }[];
}

/** Messages of google.protobuf that are one string or number in JSON. */
const scalarLike: ReadonlySet<string> = new Set(
  [
    "Duration", "FieldMask", "Timestamp",
    "BoolValue", "BytesValue", "DoubleValue", "FloatValue", "Int32Value", "Int64Value", "StringValue", "UInt32Value", "UInt64Value",
  ].map((name) => `google.protobuf.${name}`),
);

/** True if the field can be captured from a path or stand in a query string: one scalar, enum or message that is one string in JSON. */
export function fitsText({ type }: Field): boolean {
  return type.kind !== "message" || scalarLike.has(type.name);
}

/**
 * The query string of a binding: every field that is neither in the path nor in the body (google/api/http.proto).
 * @param message finds a message by its full name
 */
export function queryOf(message: (name: string) => MessageType | undefined, request: string, binding: Binding): Query {
  const parameters: QueryParameter[] = [];
  const unfit: { path: string; why: string }[] = [];
  if (binding.body === "*") return { parameters, unfit };
  const captured = new Set(binding.variables.map(({ field }) => field));

  const walk = (typeName: string, path: readonly string[], names: readonly string[], above: readonly string[]): void => {
    // A request of google.protobuf has fields too; within others it is one value.
    const fields = (message(typeName) ?? (path.length === 0 ? wellKnownMessage(typeName) : undefined))?.fields ?? [];
    const at = (field: Field): string => [...path, field.name].join(".");
    // Of a oneof there is one: where the path or the body has it, the others cannot be there.
    const decided = new Set(fields.flatMap((field) => (field.oneof !== undefined && isElsewhere(at(field), captured, binding) ? field.oneof : [])));
    for (const field of fields) {
      const here = at(field);
      if (captured.has(here) || here === binding.body || (field.oneof !== undefined && decided.has(field.oneof))) continue;
      const jsonNames = [...names, field.jsonName];
      if (field.cardinality === "map") unfit.push({ path: here, why: "is a map" });
      else if (fitsText(field)) parameters.push({ path: here, name: jsonNames.join("."), field });
      else if (field.type.kind !== "message" || field.type.name === "google.protobuf.Empty") continue;
      else if (field.cardinality === "repeated") unfit.push({ path: here, why: "is a repeated message" });
      else if (message(field.type.name) === undefined) unfit.push({ path: here, why: `is a ${field.type.name}` });
      else if ([typeName, ...above].includes(field.type.name)) unfit.push({ path: here, why: "is recursive" });
      else walk(field.type.name, [...path, field.name], jsonNames, [typeName, ...above]);
    }
  };
  walk(request, [], [], []);
  return { parameters, unfit };
}

/** True if a field, or a part of it, stands in the path or is the body. */
function isElsewhere(path: string, captured: ReadonlySet<string>, { body }: Binding): boolean {
  return path === body || [...captured].some((other) => other === path || other.startsWith(`${path}.`));
}
