/** Moves messages between ProtoJSON, which checks speak, and the bytes that a protocol carries. */
import { gunzipSync } from "node:zlib";
import { create, type DescMessage, fromBinary, fromJson, type JsonObject, type JsonValue, toBinary, toJson, toJsonString } from "@bufbuild/protobuf";
import type { Credential } from "./wire.js";

const written = { alwaysEmitImplicit: true } as const;
/** Deployments may be newer than this suite's contract. */
const lenient = { ignoreUnknownFields: true } as const;

/** ProtoJSON as protobuf bytes. */
export function binaryOf(schema: DescMessage, json: JsonValue): Uint8Array {
  return toBinary(schema, fromJson(schema, json));
}

/** ProtoJSON as the compact JSON bytes of the same message. */
export function jsonOf(schema: DescMessage, json: JsonValue): Uint8Array {
  return Buffer.from(toJsonString(schema, fromJson(schema, json)));
}

/** Protobuf bytes as ProtoJSON with all default values. */
export function fromBinaryMessage(schema: DescMessage, bytes: Uint8Array): JsonObject {
  return toJson(schema, fromBinary(schema, bytes), written) as JsonObject;
}

/** Any ProtoJSON of a message as ProtoJSON with all default values. */
export function fromJsonMessage(schema: DescMessage, json: JsonValue): JsonObject {
  return toJson(schema, fromJson(schema, json, lenient), written) as JsonObject;
}

/** A message in which nothing is set, as ProtoJSON; of some well-known types that is no object. */
export function blankMessage(schema: DescMessage): JsonValue {
  // A Value without a kind is none.
  return schema.typeName === "google.protobuf.Value" ? null : toJson(schema, create(schema));
}

/** Bytes of a frame that may be gzip. */
export function inflated(data: Uint8Array, compressed: boolean): Uint8Array {
  return compressed ? gunzipSync(data) : data;
}

/** Header of a credential, the same on every protocol. */
export function credentialHeaders(credential: Credential | undefined): [string, string][] {
  if (credential === undefined) return [];
  return "bearer" in credential ? [["authorization", `Bearer ${credential.bearer}`]] : [["x-api-key", credential.apiKey]];
}
