/** REST as the contract's google.api.http bindings say (google/api/http.proto). */
import { type DescField, type DescMessage, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import type { ContractMethod, RestBinding } from "../contract.js";
import { credentialHeaders, fromJsonMessage } from "./messages.js";
import { fromProblem, isObject, parseJson, textOf } from "./status.js";
import { type CallOptions, type Codec, field } from "./wire.js";

/** Encodes a call through one of its bindings: path and query first, the rest in the body. */
function encode(method: ContractMethod, request: JsonValue, options: CallOptions): ReturnType<Codec["encode"]> {
  const binding = method.bindings[options.binding ?? 0];
  if (binding === undefined) throw new Error(`${method.name} has no REST binding ${options.binding ?? 0}`);
  const json = isObject(request) ? request : {};
  const path = expand(binding, method.desc.input, json);
  const bound = new Set(binding.variables.map((name) => jsonNameOf(method.desc.input, name)));
  const rest = Object.fromEntries(Object.entries(json).filter(([name]) => !bound.has(name)));
  const bodyName = binding.body === "" || binding.body === "*" ? undefined : jsonNameOf(method.desc.input, binding.body);
  const inQuery = binding.body === "*" ? {} : Object.fromEntries(Object.entries(rest).filter(([name]) => name !== bodyName));
  const query = new URLSearchParams(flatten(inQuery, "")).toString();
  const headers = [...credentialHeaders(options.credential), ...(options.headers ?? [])];
  const target = query === "" ? path : `${path}?${query}`;
  if (binding.body === "") return { verb: binding.verb, path: target, headers, body: undefined };
  const text = JSON.stringify(bodyName === undefined ? rest : (json[bodyName] ?? {}));
  const isLines = method.desc.methodKind === "client_streaming";
  return {
    verb: binding.verb,
    path: target,
    headers: [["content-type", isLines ? "application/x-ndjson" : "application/json"], ...(options.gzip ? [["content-encoding", "gzip"] as const] : []), ...headers],
    body: options.payload ?? Buffer.from(isLines ? `${text}\n` : text),
  };
}

function expand({ segments }: RestBinding, input: DescMessage, json: JsonObject): string {
  return segments
    .map((segment) => {
      if ("literal" in segment) return segment.literal;
      const value = json[jsonNameOf(input, segment.variable)];
      return encodeURIComponent(typeof value === "string" || typeof value === "number" ? String(value) : "");
    })
    .join("");
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
  return fromJsonMessage(desc.output, { [jsonNameOf(desc.output, binding.responseBody)]: json });
}

/** The codec of the contract's REST bindings. */
export const rest: Codec = {
  encode,
  decode: (method, { status, headers, body }) => {
    const type = field(headers, "content-type") ?? "";
    if (status >= 400 || status === 304) return { ...fromProblem(parseJson(body)), messages: [] };
    const binding = method.bindings[0];
    if (isHttpBody(method, binding)) return { code: "ok", error: undefined, messages: [{ body: { contentType: type, data: Buffer.from(body).toString("base64") } }] };
    const texts = method.desc.methodKind === "server_streaming" ? Buffer.from(body).toString("utf8").split("\n").filter((line) => line.trim() !== "") : [body];
    return { code: "ok", error: undefined, messages: texts.map((text) => wrapped(method, binding, parseJson(text) ?? null)) };
  },
};

function isHttpBody({ desc }: ContractMethod, binding: RestBinding | undefined): boolean {
  const inner: DescField | undefined = desc.output.fields.find(({ name }) => name === binding?.responseBody);
  return inner?.message?.typeName === "google.api.HttpBody";
}
