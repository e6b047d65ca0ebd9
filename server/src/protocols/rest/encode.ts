/** A response message to a REST answer: JSON, raw bytes, and the headers that its fields stand for. */
import { toJson, type DescField, type DescMessage, type DescService, type JsonObject, type Message } from "@bufbuild/protobuf";
import type { HttpBody } from "@parapet/contract/google/api/httpbody_pb";
import { byFields, hasOwnForm } from "../../codec/by-fields.js";
import { codecsOf } from "../../codec/codec.js";
import { typesBeside } from "../../codec/types.js";
import { jsonOptions } from "../protocol.js";
import type { HeaderList } from "../exchange.js";

/** One answer, or one part of a streamed one. */
export interface Encoded {
  readonly contentType: string;
  /** JSON text, or raw bytes. */
  readonly body: Buffer | string;
  /** `ETag` and `X-Total-Count`, where the message has such fields. */
  readonly headers: HeaderList;
}

/** Turns messages of one route into answers; compiled once a route. */
export interface Encoder {
  encode(message: Message): Encoded;
  /** True if the answer is raw bytes (google.api.HttpBody), not JSON. */
  readonly raw: boolean;
}

type Fields = Record<string, unknown>;
const httpBody = "google.api.HttpBody";

/** Compiles the encoder of a route; `service` is what declares its method. */
export function createEncoder(output: DescMessage, responseBody: string, service: DescService): Encoder {
  if (responseBody !== "" && hasOwnForm(output)) {
    const twin = byFields(output);
    const { raw, encode } = encoderOf(twin.desc, responseBody, service);
    return { raw, encode: (message) => encode(twin.to(message)) };
  }
  return encoderOf(output, responseBody, service);
}

function encoderOf(output: DescMessage, responseBody: string, service: DescService): Encoder {
  const field = responseBody === "" ? undefined : output.fields.find((candidate) => candidate.name === responseBody);
  const bare: DescMessage | undefined = field === undefined ? output : field.fieldKind === "message" ? field.message : undefined;
  const raw = bare?.typeName === httpBody;
  const etagField = bare?.fields.find((candidate) => candidate.name === "etag" && candidate.scalar !== undefined);
  const totalField = output.fields.find((candidate) => candidate.name === "total_size" && candidate.scalar !== undefined);

  const options = { ...jsonOptions, registry: typesBeside(output) };
  const headersOf = (message: Fields, shown: Fields | undefined): HeaderList => {
    const headers: [string, string][] = [];
    const etag = etagField === undefined ? "" : ((shown?.[etagField.localName] as string | undefined) ?? "");
    if (etag !== "") headers.push(["etag", `"${etag}"`]);
    if (totalField !== undefined) headers.push(["x-total-count", String(message[totalField.localName])]);
    return headers;
  };

  /** The JSON text of what is shown. */
  const text: (message: Message, shown: unknown) => string =
    field === undefined
      ? codecsOf(output, service).writeJson
      : field.fieldKind === "message" && !hasOwnForm(field.message)
        ? shownText(codecsOf(field.message).writeJson)
        : (message) => JSON.stringify((toJson(output, message, options) as JsonObject)[field.jsonName] ?? (field.fieldKind === "list" ? [] : null));

  return {
    raw,
    encode(message) {
      const fields = message as unknown as Fields;
      const shown = field === undefined ? fields : (memberOf(fields, field) as Fields | undefined);
      if (raw) {
        const { contentType, data } = (shown ?? { contentType: "", data: new Uint8Array(0) }) as unknown as HttpBody;
        return { contentType: contentType || "application/octet-stream", body: Buffer.from(data.buffer, data.byteOffset, data.byteLength), headers: [] };
      }
      return { contentType: "application/json", body: text(message, shown), headers: headersOf(fields, shown) };
    },
  };
}

/** What a field of a message holds; protobuf-es keeps the members of a oneof together. */
function memberOf(fields: Fields, { oneof, localName }: DescField): unknown {
  if (oneof === undefined) return fields[localName];
  const { case: name, value } = fields[oneof.localName] as { readonly case?: string; readonly value?: unknown };
  return name === localName ? value : undefined;
}

function shownText(write: (message: Message) => string): (message: Message, shown: unknown) => string {
  return (_message, shown) => (shown === undefined ? "null" : write(shown as Message));
}
