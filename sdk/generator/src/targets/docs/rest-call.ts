/** A request as one of its REST bindings carries it (google/api/http.proto). */
import { byFields } from "../../well-known.js";
import { isJsonObject, memberOf } from "../../json.js";
import type { Binding, Json, JsonObject, Method } from "../../model.js";
import { queryOf } from "../../query.js";
import type { Types } from "./types.js";

/** What goes over the wire. */
export interface RestCall {
  /** Path with its query string. */
  readonly target: string;
  /** JSON, or raw bytes with their type; undefined: no body. */
  readonly body: { readonly json: Json } | { readonly raw: Uint8Array; readonly contentType: string } | undefined;
}

/** Puts a message into path, query string and body. */
export function restCallOf(method: Method, binding: Binding, message: Json, types: Types): RestCall {
  const isWhole = binding.body === "*" && binding.variables.length === 0;
  const request = byFields(method.request, message);
  const captured = binding.variables.map(({ field }) => types.jsonPath(method.request, field));
  const at = (path: readonly string[]): Json | undefined => path.reduce<Json | undefined>((value, name) => memberOf(value as JsonObject | undefined, name), request);
  const rest = captured.reduce<JsonObject>(without, request);
  const bodyName = binding.body === "" || binding.body === "*" ? undefined : types.jsonPath(method.request, binding.body)[0]!;
  const pairs = queryOf((name) => types.message(name), method.request, binding).parameters.flatMap(({ name }) => pairsOf(name, at(name.split("."))));
  const query = new URLSearchParams(pairs).toString();
  const path = pathOf(binding, (field) => at(types.jsonPath(method.request, field)));
  return { target: query === "" ? path : `${path}?${query}`, body: bodyOf() };

  function bodyOf(): RestCall["body"] {
    if (binding.body === "") return undefined;
    if (isWhole && request !== message) return { json: message };
    const json = bodyName === undefined ? rest : memberOf(rest, bodyName);
    const type = bodyName === undefined ? method.request : types.typeOf(method.request, bodyName);
    if (type !== "google.api.HttpBody") return { json: json ?? {} };
    const { contentType, data } = (json ?? {}) as { contentType?: string; data?: string };
    return { raw: Buffer.from(data ?? "", "base64"), contentType: contentType || "application/octet-stream" };
  }
}

function pathOf(binding: Binding, valueOf: (field: string) => Json | undefined): string {
  const parts: string[] = [];
  for (let index = 0; index < binding.parts.length; index++) {
    const variable = binding.variables.find(({ from }) => from === index);
    const value = variable && textOf(valueOf(variable.field));
    if (variable === undefined || !value) {
      parts.push(binding.parts[index]!.replace(/^\*+$/, "any"));
      continue;
    }
    const isOne = variable.to - variable.from === 1 && binding.parts[index] === "*";
    parts.push(isOne ? escape(value) : value.split("/").map(escape).join("/"));
    index = variable.to - 1;
  }
  return `/${parts.join("/")}${binding.action === "" ? "" : `:${binding.action}`}`;
}

/** What `encodeURIComponent` leaves, but a shell or a browser may not. */
function escape(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function pairsOf(name: string, value: Json | undefined): [string, string][] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value.map((item): [string, string] => [name, textOf(item)]) : [[name, textOf(value)]];
}

function textOf(value: Json | undefined): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The object without what a path leads to. */
function without(object: JsonObject, [name, ...inner]: readonly string[]): JsonObject {
  if (name === undefined || !Object.hasOwn(object, name)) return object;
  const { [name]: value, ...others } = object;
  return inner.length > 0 && isJsonObject(value) ? { ...others, [name]: without(value, inner) } : others;
}
