/** Path, query and body to one request message (google.api.http). */
import { create, ScalarType, type DescField, type DescMessage, type DescService, type JsonObject, type JsonValue, type Message } from "@bufbuild/protobuf";
import type { RestRoute } from "@parapet/contract/rest/routes";
import { fail, Reason } from "../../errors.js";
import { byFields, hasOwnForm } from "../../codec/by-fields.js";
import { codecsOf } from "../../codec/codec.js";
import { unknownParameter } from "../query.js";

/** Turns parts of an HTTP request into a message; compiled once a route. */
export interface Decoder {
  /** True if the body is raw bytes (google.api.HttpBody) and not JSON. */
  readonly raw: boolean;
  /** Throws REQUEST_MALFORMED and QUERY_PARAMETER_UNKNOWN. `body` is parsed JSON; undefined if there is none, or if it is raw. */
  decode(variables: readonly (readonly [field: string, value: string])[], query: string, body: JsonValue | undefined, raw?: RawBody): Message;
}

/** A body that is not JSON. */
export interface RawBody {
  readonly contentType: string;
  readonly data: Uint8Array;
}

/** True if the body of a route is raw bytes: it is a google.api.HttpBody, or the request is one. */
export function isRawBody(route: RestRoute, input: DescMessage): boolean {
  const body = route.body === "*" ? input : input.fields.find((field) => field.name === route.body && field.fieldKind === "message")?.message;
  return body?.typeName === "google.api.HttpBody";
}

/**
 * Compiles the decoder of a route; `service` is what declares its method. A request with a JSON form of its own is that form in a body that is the whole of it.
 * Where path, query or body hold fields of it, it is an object of these.
 */
export function createDecoder(route: RestRoute, input: DescMessage, service: DescService): Decoder {
  if (hasOwnForm(input)) {
    const twin = byFields(input);
    const byField = decoderOf(route, twin.desc, codecsOf(twin.desc).readJson);
    const { readJson } = codecsOf(input, service);
    return {
      raw: false,
      decode(variables, query, body) {
        if (route.body !== "*" || route.variables.length > 0 || body === undefined) return twin.from(byField.decode(variables, query, body));
        for (const [name] of queryPairs(query)) throw unknownParameter(name);
        return fitting(input, () => readJson(body));
      },
    };
  }
  return decoderOf(route, input, codecsOf(input, service).readJson);
}

function decoderOf(route: RestRoute, input: DescMessage, readJson: (json: JsonValue) => Message): Decoder {
  const inPath = new Set(route.variables.map((variable) => variable.field));
  const parameters = route.body === "*" ? new Map<string, DescField[]>() : queryParameters(input, inPath, route.body);
  const bodyField = route.body === "" || route.body === "*" ? undefined : input.fields.find((field) => field.name === route.body)!;
  const paths = new Map(route.variables.map(({ field }) => [field, fieldsOf(input, field)] as const));
  const raw = isRawBody(route, input);
  return {
    raw,
    decode(variables, query, body, rawBody) {
      let json: JsonObject = {};
      if (route.body === "*" && body !== undefined) json = objectOf(body, route.variables.length > 0);
      else if (bodyField !== undefined && body !== undefined) json[bodyField.jsonName] = body;
      for (const [name, value] of queryPairs(query)) {
        const fields = parameters.get(name);
        if (fields === undefined) throw unknownParameter(name);
        place(json, fields, value, name);
      }
      // The path names the object: whatever the body says of the same field, under either of its names, gives way.
      for (const [field, value] of variables) place(json, paths.get(field)!, value, field, true);
      const message = fitting(input, () => readJson(json));
      return rawBody === undefined ? message : withRaw(message, bodyField, rawBody);
    },
  };
}

/** What is read, or REQUEST_MALFORMED. */
function fitting(input: DescMessage, read: () => Message): Message {
  try {
    return read();
  } catch (cause) {
    throw fail(Reason.REQUEST_MALFORMED, {}, { message: `the request does not fit ${input.name}: ${plainReason(cause)}`, cause });
  }
}

/** Puts raw bytes where they belong: into a field, or as the message itself. */
function withRaw(message: Message, field: DescField | undefined, { contentType, data }: RawBody): Message {
  const holder = message as unknown as Record<string, unknown>;
  if (field?.message === undefined) return Object.assign(message, { contentType, data });
  const value = create(field.message, { contentType, data } as never);
  if (field.oneof === undefined) holder[field.localName] = value;
  else holder[field.oneof.localName] = { case: field.localName, value };
  return message;
}

/** The body as an object; a copy where the path is going to write into it. */
function objectOf(body: JsonValue, copied: boolean): JsonObject {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return copied ? { ...body } : body;
  throw fail(Reason.REQUEST_MALFORMED, {}, { message: "the body must be a JSON object" });
}

/** Says which field did not fit, never what was in it. */
function plainReason(cause: unknown): string {
  const match = /^cannot decode (?:field |message |enum )?([\w.]+) from JSON/.exec(cause instanceof Error ? cause.message : "");
  return match === null ? "a value has the wrong type" : `${match[1]} has the wrong type`;
}

function fieldsOf(desc: DescMessage, path: string): DescField[] {
  const fields: DescField[] = [];
  let at: DescMessage | undefined = desc;
  for (const name of path.split(".")) {
    const field: DescField = at!.fields.find((candidate) => candidate.name === name)!;
    fields.push(field);
    at = field.message;
  }
  return fields;
}

/** Well-known messages that are one value in JSON. */
const scalarMessages = new Set([
  "google.protobuf.Timestamp",
  "google.protobuf.Duration",
  "google.protobuf.FieldMask",
  "google.protobuf.StringValue",
  "google.protobuf.BytesValue",
  "google.protobuf.BoolValue",
  "google.protobuf.Int32Value",
  "google.protobuf.UInt32Value",
  "google.protobuf.Int64Value",
  "google.protobuf.UInt64Value",
  "google.protobuf.FloatValue",
  "google.protobuf.DoubleValue",
]);

/** Names of query parameters, both spellings, nested ones dotted; what the path or the body holds is not among them. */
function queryParameters(input: DescMessage, inPath: ReadonlySet<string>, body: string): Map<string, DescField[]> {
  const found = new Map<string, DescField[]>();
  const isElsewhere = (path: string): boolean => path === body || [...inPath].some((other) => other === path || other.startsWith(`${path}.`));
  const visit = (desc: DescMessage, above: readonly DescField[], types: readonly DescMessage[]): void => {
    const at = (field: DescField): string => [...above, field].map((part) => part.name).join(".");
    // Of a oneof there is one: where the path or the body has it, the others cannot be there.
    const decided = new Set(desc.fields.flatMap((field) => (field.oneof !== undefined && isElsewhere(at(field)) ? field.oneof : [])));
    for (const field of desc.fields) {
      const fields = [...above, field];
      const path = at(field);
      if (inPath.has(path) || path === body || field.fieldKind === "map" || (field.oneof !== undefined && decided.has(field.oneof))) continue;
      if (field.message !== undefined && !scalarMessages.has(field.message.typeName)) {
        const isPart = field.fieldKind === "message" && !field.message.typeName.startsWith("google.protobuf.") && !types.includes(field.message);
        if (isPart) visit(field.message, fields, [...types, field.message]);
        continue;
      }
      found.set(path, fields);
      found.set(fields.map((part) => part.jsonName).join("."), fields);
    }
  };
  visit(input, [], [input]);
  return found;
}

function* queryPairs(query: string): Generator<readonly [string, string]> {
  if (query === "") return;
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    try {
      yield [decode(equals < 0 ? pair : pair.slice(0, equals)), equals < 0 ? "" : decode(pair.slice(equals + 1))];
    } catch {
      throw fail(Reason.REQUEST_MALFORMED, {}, { message: "the query string is not valid percent-encoding" });
    }
  }
}

function decode(text: string): string {
  return decodeURIComponent(text.replaceAll("+", " "));
}

function place(json: JsonObject, fields: readonly DescField[], text: string, name: string, replace = false): void {
  let at = json;
  for (const field of fields.slice(0, -1)) {
    const next = at[field.jsonName] ?? {};
    if (typeof next !== "object" || Array.isArray(next)) throw fail(Reason.REQUEST_MALFORMED, { parameter: name }, { message: `${field.name} must be an object` });
    at = at[field.jsonName] = next;
  }
  const field = fields.at(-1)!;
  const value = jsonOf(field, text, name);
  if (replace) {
    delete at[field.name];
    at[field.jsonName] = value;
  } else if (field.fieldKind === "list") {
    const list = at[field.jsonName];
    at[field.jsonName] = Array.isArray(list) ? [...list, value] : [value];
  } else if (at[field.jsonName] !== undefined) {
    throw fail(Reason.REQUEST_MALFORMED, { parameter: name }, { message: `${name} is given twice` });
  } else at[field.jsonName] = value;
}

/** Numbers and enums are text in a query; fromJson takes both as text, booleans it does not. */
function jsonOf(field: DescField, text: string, name: string): JsonValue {
  const isBoolean = (field.fieldKind === "scalar" || field.fieldKind === "list") && "scalar" in field && field.scalar === 8;
  const isBooleanValue = field.message?.typeName === "google.protobuf.BoolValue";
  if (isBoolean || isBooleanValue) {
    if (text === "true" || text === "false") return text === "true";
    throw fail(Reason.REQUEST_MALFORMED, { parameter: name }, { message: `${name} must be true or false` });
  }
  if (field.enum !== undefined) {
    if (/^(?:0|-?[1-9]\d*)$/.test(text)) return Number(text);
    // A name that nobody knows would be left out of a body, as an unknown field is; here it is the whole of what was asked.
    if (!field.enum.values.some((value) => value.name === text || value.jsonName === text)) throw fail(Reason.REQUEST_MALFORMED, { parameter: name }, { message: `${name} must be one of the values of ${field.enum.name}` });
  }
  if (isNumeric(field) && !/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) {
    throw fail(Reason.REQUEST_MALFORMED, { parameter: name }, { message: `${name} must be a number` });
  }
  return text;
}

/** Numbers that have no other form: `Infinity` and `NaN` are values of float and double. */
function isNumeric(field: DescField): boolean {
  if (!((field.fieldKind === "scalar" || field.fieldKind === "list") && "scalar" in field && field.scalar !== undefined)) return false;
  return ![ScalarType.STRING, ScalarType.BYTES, ScalarType.BOOL, ScalarType.FLOAT, ScalarType.DOUBLE].includes(field.scalar);
}
