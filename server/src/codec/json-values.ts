/** Struct, Value and ListValue as JSON (google/protobuf/struct.proto). */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type ListValue, NullValue, type Struct, type Value } from "@bufbuild/protobuf/wkt";
import { isWellFormed } from "../unicode.js";
import { quote } from "./json-quote.js";
import { uncommon } from "./uncommon.js";

/** An object that is neither null nor an array, without a key that JavaScript would take for the prototype. */
function keysOf(json: unknown): string[] {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw uncommon;
  const keys = Object.keys(json);
  for (let i = 0; i < keys.length; i++) if (keys[i] === "__proto__" || !isWellFormed(keys[i]!)) throw uncommon;
  return keys;
}

/** A Value; `room` is how many levels of nesting are left. Throws `uncommon`. */
export function readValue(json: unknown, room: number): Value {
  return { $typeName: "google.protobuf.Value", kind: readKind(json, room) };
}

function readKind(json: unknown, room: number): Value["kind"] {
  if (room === 0) throw uncommon;
  switch (typeof json) {
    case "string":
      if (!isWellFormed(json)) throw uncommon;
      return { case: "stringValue", value: json };
    case "number":
      if (!Number.isFinite(json)) throw uncommon;
      return { case: "numberValue", value: json };
    case "boolean":
      return { case: "boolValue", value: json };
    case "object":
      if (json === null) return { case: "nullValue", value: NullValue.NULL_VALUE };
      if (Array.isArray(json)) return { case: "listValue", value: readListValue(json, room - 1) };
      return { case: "structValue", value: readStruct(json, room - 1) };
    default:
      throw uncommon;
  }
}

/** A ListValue; like `readValue`. */
export function readListValue(json: unknown, room: number): ListValue {
  if (!Array.isArray(json)) throw uncommon;
  const values: Value[] = [];
  for (let i = 0; i < json.length; i++) values.push(readValue(json[i], room));
  return { $typeName: "google.protobuf.ListValue", values };
}

/** A Struct as a message; like `readValue`. */
export function readStruct(json: unknown, room: number): Struct {
  const fields: Record<string, Value> = {};
  for (const key of keysOf(json)) fields[key] = readValue((json as JsonObject)[key], room);
  return { $typeName: "google.protobuf.Struct", fields };
}

/** A Struct as the JSON object that protobuf-es holds in a field: a copy, so that nobody else has a hand on it. */
export function copyObject(json: unknown, room: number): JsonObject {
  if (room === 0) throw uncommon;
  const copy: JsonObject = {};
  for (const key of keysOf(json)) copy[key] = copyValue((json as JsonObject)[key], room - 1);
  return copy;
}

function copyValue(json: unknown, room: number): JsonValue {
  if (typeof json === "string" ? isWellFormed(json) : typeof json === "number" ? Number.isFinite(json) : typeof json === "boolean" || json === null) return json as JsonValue;
  if (room === 0) throw uncommon;
  return Array.isArray(json) ? Array.from(json, (item: unknown) => copyValue(item, room - 1)) : copyObject(json, room);
}

/** JSON text of a Value. Throws `uncommon`. */
export function writeValue({ kind }: Value): string {
  switch (kind.case) {
    case "stringValue":
      if (typeof kind.value === "string") return quote(kind.value);
      break;
    case "numberValue":
      if (Number.isFinite(kind.value)) return String(kind.value);
      break;
    case "boolValue":
      if (typeof kind.value === "boolean") return kind.value ? "true" : "false";
      break;
    case "nullValue":
      return "null";
    case "listValue":
      return writeListValue(kind.value);
    case "structValue":
      return writeStruct(kind.value);
  }
  throw uncommon;
}

/** JSON text of a ListValue; like `writeValue`. */
export function writeListValue({ values }: ListValue): string {
  if (!Array.isArray(values)) throw uncommon;
  if (values.length === 0) return "[]";
  let text = `[${writeValue(values[0]!)}`;
  for (let i = 1; i < values.length; i++) text += `,${writeValue(values[i]!)}`;
  return `${text}]`;
}

/** JSON text of a Struct as a message; like `writeValue`. */
export function writeStruct({ fields }: Struct): string {
  let text = "";
  for (const key of Object.keys(fields)) text += `${text === "" ? "" : ","}${quote(key)}:${writeValue(fields[key]!)}`;
  return `{${text}}`;
}

/** JSON text of a Struct as the JSON object that protobuf-es holds in a field; like `writeValue`. */
export function writeObject(json: unknown): string {
  let text = "";
  for (const key of keysOf(json)) text += `${text === "" ? "" : ","}${quote(key)}:${writeJsonValue((json as JsonObject)[key])}`;
  return `{${text}}`;
}

function writeJsonValue(json: unknown): string {
  if (typeof json === "string") return quote(json);
  if (typeof json === "number" && Number.isFinite(json)) return String(json);
  if (typeof json === "boolean") return json ? "true" : "false";
  if (json === null) return "null";
  if (Array.isArray(json)) return `[${Array.from(json, writeJsonValue).join(",")}]`;
  return writeObject(json);
}
