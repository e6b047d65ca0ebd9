/** REST as the contract's google.api.http bindings say (google/api/http.proto). */
import { type DescField, type DescMessage, type JsonObject, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import type { ContractMethod, RestBinding } from "../contract.js";
import { blankMessage, credentialHeaders, fromJsonMessage } from "./messages.js";
import { byFields, hasOwnForm } from "./own-form.js";
import { fromProblem, isObject, parseJson, textOf } from "./status.js";
import { type CallOptions, type Codec, field } from "./wire.js";

/** Encodes a call through one of its bindings: path and query first, the rest in the body. */
function encode(method: ContractMethod, message: JsonValue, options: CallOptions): ReturnType<Codec["encode"]> {
  const binding = method.bindings[options.binding ?? 0];
  if (binding === undefined) throw new Error(`${method.name} has no REST binding ${options.binding ?? 0}`);
  const { input } = method.desc;
  // A body that is the whole of a message has its form; anywhere else stand its fields.
  const request = binding.body === "*" && binding.variables.length === 0 ? message : byFields(input, message);
  const path = binding.segments.map((segment) => ("literal" in segment ? segment.literal : written(textAt(input, request, segment.variable) ?? "", segment.pattern))).join("");
  const rest = binding.variables.reduce((json, name) => without(input, json, name.split(".")), request);
  const bodyField = input.fields.find(({ name }) => name === binding.body);
  const inQuery = binding.body === "*" || !isObject(rest) ? {} : Object.fromEntries(Object.entries(rest).filter(([name]) => name !== bodyField?.jsonName));
  const query = new URLSearchParams(flatten(inQuery, "")).toString();
  const headers = [...credentialHeaders(options.credential), ...(options.headers ?? [])];
  const target = query === "" ? path : `${path}?${query}`;
  if (binding.body === "") return { verb: binding.verb, path: target, headers, body: undefined };
  const text = JSON.stringify(bodyField === undefined ? rest : ((isObject(rest) ? rest[bodyField.jsonName] : undefined) ?? blankOf(bodyField)));
  const isLines = method.desc.methodKind === "client_streaming";
  return {
    verb: binding.verb,
    path: target,
    headers: [["content-type", isLines ? "application/x-ndjson" : "application/json"], ...(options.gzip ? [["content-encoding", "gzip"] as const] : []), ...headers],
    body: options.payload ?? Buffer.from(isLines ? `${text}\n` : text),
  };
}

/** True if a request's values fit the path of a binding: a variable may be bound to segments such as `shelves/*`. */
export function fitsPath({ segments }: RestBinding, input: DescMessage, request: JsonValue): boolean {
  const fields = byFields(input, request);
  return segments.every((segment) => "literal" in segment || regexOf(segment.pattern).test(textAt(input, fields, segment.variable) ?? ""));
}

function regexOf(pattern: string): RegExp {
  const parts = pattern.split("/").map((part) => (part === "**" ? ".+" : part === "*" ? "[^/]+" : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
  // A lone variable is one segment, whose slashes are written as %2F.
  return pattern === "*" ? /^[^]+$/ : new RegExp(`^${parts.join("/")}$`, "s");
}

/** A value in a path; of several segments each by itself (google/api/http.proto). */
function written(value: string, pattern: string): string {
  return pattern === "*" ? encodeURIComponent(value) : value.split("/").map(encodeURIComponent).join("/");
}

function textAt(message: DescMessage, json: JsonValue | undefined, path: string): string | undefined {
  const [name = "", ...rest] = path.split(".");
  const desc = message.fields.find((each) => each.name === name);
  const value = isObject(json) ? json[desc?.jsonName ?? name] : undefined;
  if (rest.length > 0) return desc?.message && textAt(desc.message, value, rest.join("."));
  return value === undefined || value === null ? undefined : textOf(value);
}

function without(message: DescMessage, json: JsonValue, [name = "", ...rest]: readonly string[]): JsonValue {
  const desc = message.fields.find((each) => each.name === name);
  if (!isObject(json) || desc === undefined || json[desc.jsonName] === undefined) return json;
  const { [desc.jsonName]: value, ...others } = json;
  return rest.length === 0 || !desc.message ? others : { ...others, [desc.jsonName]: without(desc.message, value!, rest) };
}

/** What an unset field looks like as a body. */
function blankOf(desc: DescField): JsonValue {
  if (desc.fieldKind === "list") return [];
  if (desc.fieldKind === "map") return {};
  if (desc.fieldKind === "message") return blankMessage(desc.message);
  if (desc.fieldKind === "enum") return desc.enum.values[0]!.name;
  return desc.scalar === ScalarType.BOOL ? false : desc.scalar === ScalarType.STRING || desc.scalar === ScalarType.BYTES ? "" : 0;
}

function jsonNameOf(message: DescMessage, name: string): string {
  return message.fields.find((each) => each.name === name)?.jsonName ?? name;
}

function flatten(json: JsonObject, prefix: string): [string, string][] {
  return Object.entries(json).flatMap(([name, value]): [string, string][] => {
    if (Array.isArray(value)) return value.map((each) => [prefix + name, textOf(each)]);
    if (isObject(value)) return flatten(value, `${prefix}${name}.`);
    return [[prefix + name, textOf(value)]];
  });
}

/** Puts what `response_body` took out back into its message, so that results are alike on all protocols. */
function wrapped({ desc }: ContractMethod, binding: RestBinding | undefined, json: JsonValue): JsonObject {
  if (!binding?.responseBody) return fromJsonMessage(desc.output, json);
  // What is left of such a message in one of its fields need not be its form.
  if (hasOwnForm(desc.output)) return { [jsonNameOf(desc.output, binding.responseBody)]: json };
  return fromJsonMessage(desc.output, { [jsonNameOf(desc.output, binding.responseBody)]: json });
}

/** The codec of the contract's REST bindings. */
export const rest: Codec = {
  encode,
  decode: (method, { status, headers, body }) => {
    const type = field(headers, "content-type") ?? "";
    if (status >= 400 || status === 304) return { ...fromProblem(parseJson(body)), messages: [] };
    const binding = method.bindings[0];
    if (isHttpBody(method, binding)) {
      const raw = { contentType: type, data: Buffer.from(body).toString("base64") };
      return { code: "ok", error: undefined, messages: [binding?.responseBody ? { [jsonNameOf(method.desc.output, binding.responseBody)]: raw } : raw] };
    }
    const texts = method.desc.methodKind === "server_streaming" ? Buffer.from(body).toString("utf8").split("\n").filter((line) => line.trim() !== "") : [body];
    return { code: "ok", error: undefined, messages: texts.map((text) => wrapped(method, binding, parseJson(text) ?? null)) };
  },
};

function isHttpBody({ desc }: ContractMethod, binding: RestBinding | undefined): boolean {
  const answer = binding?.responseBody ? desc.output.fields.find(({ name }) => name === binding.responseBody)?.message : desc.output;
  return answer?.typeName === "google.api.HttpBody";
}
