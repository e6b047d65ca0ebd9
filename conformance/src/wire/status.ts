/** Reads google.rpc details, whichever way a protocol carries them. */
import { create, createRegistry, type DescMessage, fromBinary, fromJson, type JsonObject, type JsonValue, type MessageShape } from "@bufbuild/protobuf";
import { type Any, anyPack, AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import { BadRequestSchema, ErrorInfoSchema, QuotaFailureSchema, RetryInfoSchema } from "@parapet/contract/google/rpc/error_details_pb";
import { StatusSchema } from "@parapet/contract/google/rpc/status_pb";
import { codeNames, type Decoded, field, type Fields, type WireError } from "./wire.js";

const registry = createRegistry(ErrorInfoSchema, BadRequestSchema, QuotaFailureSchema, RetryInfoSchema);
const typePrefix = "type.googleapis.com/";

/** An error with its details. */
export function wireError(message: string, details: readonly Any[]): WireError {
  const infos = detailsOf({ details }, ErrorInfoSchema);
  return {
    message,
    reasons: infos.map(({ reason }) => reason),
    domains: infos.map(({ domain }) => domain),
    metadata: Object.assign({}, ...infos.map(({ metadata }) => metadata)) as Record<string, string>,
    details,
  };
}

/** The details of one type. */
export function detailsOf<Desc extends DescMessage>({ details }: Pick<WireError, "details">, schema: Desc): MessageShape<Desc>[] {
  return details.flatMap((detail) => anyUnpack(detail, schema) ?? []);
}

/** The outcome that gRPC trailers carry (gRPC over HTTP2, Responses). */
export function fromGrpcTrailers(trailers: Fields): Pick<Decoded, "code" | "error"> {
  const status = field(trailers, "grpc-status");
  const code = (status !== undefined && codeNames[Number(status)]) || "none";
  if (code === "ok" || code === "none") return { code, error: undefined };
  const message = percentDecode(field(trailers, "grpc-message") ?? "");
  const binary = field(trailers, "grpc-status-details-bin");
  if (binary === undefined) return { code, error: wireError(message, []) };
  const details = fromBinary(StatusSchema, Buffer.from(binary, "base64")).details;
  return { code, error: wireError(message, details) };
}

/** The outcome that a Connect error carries, as a body or at the end of a stream (Connect protocol, Error End-Stream). */
export function fromConnectError(json: JsonValue | undefined): Pick<Decoded, "code" | "error"> {
  if (!isObject(json)) return { code: "none", error: wireError("", []) };
  const details = (Array.isArray(json["details"]) ? json["details"] : []).flatMap((detail) => {
    if (!isObject(detail)) return [];
    return create(AnySchema, { typeUrl: typePrefix + textOf(detail["type"]), value: Buffer.from(textOf(detail["value"]), "base64") });
  });
  return { code: textOf(json["code"]) || "none", error: wireError(textOf(json["message"]), details) };
}

/** The outcome that an `application/problem+json` body carries (RFC 9457): reason, domain and metadata are members, details are ProtoJSON. */
export function fromProblem(json: JsonValue | undefined): Pick<Decoded, "code" | "error"> {
  if (!isObject(json)) return { code: "none", error: wireError("", []) };
  const listed = (Array.isArray(json["details"]) ? json["details"] : []).flatMap(anyFromJson);
  const own = typeof json["reason"] === "string" ? [errorInfo(json)] : [];
  const details = [...own, ...listed.filter((detail) => own.length === 0 || !detail.typeUrl.endsWith(ErrorInfoSchema.typeName))];
  return { code: textOf(json["code"]) || "none", error: wireError(textOf(json["detail"] ?? json["error"]), details) };
}

function errorInfo(json: JsonObject): Any {
  const info = fromJson(ErrorInfoSchema, { reason: json["reason"] ?? "", domain: json["domain"] ?? "", metadata: json["metadata"] ?? {} });
  return anyPack(ErrorInfoSchema, info);
}

function anyFromJson(json: JsonValue): Any[] {
  if (!isObject(json) || typeof json["@type"] !== "string") return [];
  const schema = registry.getMessage(json["@type"].slice(json["@type"].lastIndexOf("/") + 1));
  return schema === undefined ? [] : [fromJson(AnySchema, json, { registry })];
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** True for a JSON object. */
export function isObject(json: JsonValue | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** Parses JSON; undefined where it is none. */
export function parseJson(body: Uint8Array | string): JsonValue | undefined {
  try {
    return JSON.parse(typeof body === "string" ? body : Buffer.from(body).toString("utf8")) as JsonValue;
  } catch {
    return undefined;
  }
}

/** A JSON scalar as text; anything else is empty. */
export function textOf(json: JsonValue | undefined): string {
  return typeof json === "string" || typeof json === "number" || typeof json === "boolean" ? String(json) : "";
}
