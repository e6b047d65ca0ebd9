/** Connect: unary with protobuf or JSON, unary GET, and streams (connectrpc.com/docs/protocol). */
import type { DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { frame, frames } from "./envelope.js";
import { binaryOf, credentialHeaders, fromBinaryMessage, fromJsonMessage, inflated, jsonOf } from "./messages.js";
import { fromConnectError, isObject, parseJson } from "./status.js";
import { type CallOptions, type Codec, type Decoded, field, type HttpResponse } from "./wire.js";

type Form = "proto" | "json";

const endOfStream = 0x02;

const write: Readonly<Record<Form, (schema: DescMessage, json: JsonValue) => Uint8Array>> = { proto: binaryOf, json: jsonOf };

function read(schema: DescMessage, form: Form, bytes: Uint8Array): JsonObject {
  return form === "proto" ? fromBinaryMessage(schema, bytes) : fromJsonMessage(schema, parseJson(bytes) ?? null);
}

function commonHeaders({ credential, headers = [] }: CallOptions): (readonly [string, string])[] {
  return [...credentialHeaders(credential), ...headers];
}

function decodeUnary(schema: DescMessage, { status, headers, body }: HttpResponse): Decoded {
  if (status !== 200) return { ...fromConnectError(parseJson(body)), messages: [] };
  const form = (field(headers, "content-type") ?? "").startsWith("application/json") ? "json" : "proto";
  return { code: "ok", error: undefined, messages: [read(schema, form, inflated(body, field(headers, "content-encoding") === "gzip"))] };
}

function decodeStream(schema: DescMessage, form: Form, response: HttpResponse): Decoded {
  const isStream = (field(response.headers, "content-type") ?? "").startsWith("application/connect+");
  if (!isStream) return decodeUnary(schema, response);
  const all = frames(response.body);
  const last = all.find(({ flags }) => (flags & endOfStream) !== 0);
  const end = last === undefined ? undefined : parseJson(inflated(last.data, (last.flags & 1) === 1));
  const messages = all.filter(({ flags }) => (flags & endOfStream) === 0).map(({ flags, data }) => read(schema, form, inflated(data, (flags & 1) === 1)));
  if (!isObject(end)) return { code: "none", error: undefined, messages };
  return end["error"] === undefined ? { code: "ok", error: undefined, messages } : { ...fromConnectError(end["error"]), messages };
}

function codec(form: Form): Codec {
  return {
    encode: ({ path, desc }, request, options) => {
      const isUnary = desc.methodKind === "unary";
      const payload = options.payload ?? write[form](desc.input, request);
      return {
        verb: "POST",
        path,
        headers: [
          ["content-type", isUnary ? `application/${form}` : `application/connect+${form}`],
          ["connect-protocol-version", "1"],
          ...(options.gzip ? [[isUnary ? "content-encoding" : "connect-content-encoding", "gzip"] as const] : []),
          ...commonHeaders(options),
        ],
        body: isUnary ? payload : frame(payload, options.gzip ? 1 : 0),
      };
    },
    decode: ({ desc }, response) => (desc.methodKind === "unary" ? decodeUnary(desc.output, response) : decodeStream(desc.output, form, response)),
  };
}

/** Connect with protobuf messages. */
export const connectProto = codec("proto");
/** Connect with JSON messages. */
export const connectJson = codec("json");
/** Connect unary GET with JSON messages (Connect protocol, Unary-Get-Request). */
export const connectGet: Codec = {
  encode: ({ path, desc }, request, options) => {
    const message = Buffer.from(options.payload ?? jsonOf(desc.input, request)).toString("base64url");
    const query = new URLSearchParams({ connect: "v1", encoding: "json", base64: "1", ...(options.gzip ? { compression: "gzip" } : {}), message });
    return { verb: "GET", path: `${path}?${query}`, headers: commonHeaders(options), body: undefined };
  },
  decode: ({ desc }, response) => decodeUnary(desc.output, response),
};
