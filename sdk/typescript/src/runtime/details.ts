/** Typed error details out of their protobuf bytes, without a protobuf runtime. */
import { base64ToBytes } from "./base64.js";

/** One broken rule of a request field (google.rpc.BadRequest.FieldViolation). */
export interface FieldViolation {
  /** Path of the field, e.g. `documents[3].key`. */
  readonly field: string;
  readonly description: string;
  /** Id of the rule, e.g. `string.min_len`; empty where the server names none. */
  readonly rule: string;
}

/** One spent budget (google.rpc.QuotaFailure.Violation). */
export interface QuotaViolation {
  readonly subject: string;
  readonly description: string;
}

/** A detail of an error (google/rpc/error_details.proto); those of other types keep their bytes. */
export type ErrorDetail =
  | { readonly type: "google.rpc.ErrorInfo"; readonly reason: string; readonly domain: string; readonly metadata: Readonly<Record<string, string>> }
  | { readonly type: "google.rpc.BadRequest"; readonly fieldViolations: readonly FieldViolation[] }
  | { readonly type: "google.rpc.RetryInfo"; readonly retryDelayMs: number }
  | { readonly type: "google.rpc.QuotaFailure"; readonly violations: readonly QuotaViolation[] }
  | OtherDetail;

/** A detail of a type that is not known here, or whose bytes do not decode. */
export interface OtherDetail {
  readonly type: "other";
  /** Full name of the message. */
  readonly typeName: string;
  readonly value: Uint8Array;
}

/** The values of each field of a message, by number and in the order of the wire: varints as numbers, all others as bytes. */
type Fields = (number | Uint8Array)[][];

/** Decodes text; what is no UTF-8 becomes U+FFFD. */
export const utf8: TextDecoder = new TextDecoder();

/** Fields of a message (protobuf.dev/programming-guides/encoding). Throws RangeError where the bytes end too early. */
function fieldsOf(bytes: Uint8Array): Fields {
  const fields: Fields = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new RangeError();
    return bytes.subarray(at, (at += length));
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag & 7;
    (fields[tag >>> 3] ??= []).push(wire === 0 ? varint() : take(wire === 2 ? varint() : wire === 1 ? 8 : wire === 5 ? 4 : Infinity));
  }
  return fields;
}

// Of a field that comes twice the last value counts. A varint where text should be throws.
const string = (fields: Fields, number: number): string => utf8.decode(fields[number]?.at(-1) as Uint8Array | undefined);
const integer = (fields: Fields, number: number): number => Number(fields[number]?.at(-1)) || 0;
const messages = (fields: Fields, number: number): Fields[] => (fields[number] ?? []).map((bytes) => fieldsOf(bytes as Uint8Array));

const decoders: Readonly<Record<string, (fields: Fields) => object>> = {
  "google.rpc.ErrorInfo": (fields) => ({
    reason: string(fields, 1),
    domain: string(fields, 2),
    metadata: Object.fromEntries(messages(fields, 3).map((entry) => [string(entry, 1), string(entry, 2)])),
  }),
  "google.rpc.BadRequest": (fields) => ({
    fieldViolations: messages(fields, 1).map((it) => ({ field: string(it, 1), description: string(it, 2), rule: string(it, 3) })),
  }),
  "google.rpc.RetryInfo": (fields) => {
    const delay = messages(fields, 1).at(-1) ?? [];
    return { retryDelayMs: integer(delay, 1) * 1000 + integer(delay, 2) / 1e6 };
  },
  "google.rpc.QuotaFailure": (fields) => ({
    violations: messages(fields, 1).map((it) => ({ subject: string(it, 1), description: string(it, 2) })),
  }),
};

/** A detail from its type and its protobuf bytes. */
export function decodeDetail(typeName: string, value: Uint8Array): ErrorDetail {
  try {
    if (Object.hasOwn(decoders, typeName)) return { type: typeName, ...decoders[typeName]!(fieldsOf(value)) } as ErrorDetail;
  } catch {
    // Bytes that do not decode are kept as they are: an error must not fail because of its details.
  }
  return { type: "other", typeName, value };
}

/** Details of a Connect error (`[{ type, value }]`, value in base64). `debug` is not read; what does not fit is left out. */
export function decodeDetails(details: unknown): ErrorDetail[] {
  return (Array.isArray(details) ? details : []).flatMap((detail: { readonly type: string; readonly value: string }) => {
    try {
      return [decodeDetail(detail.type, base64ToBytes(detail.value))];
    } catch {
      // Not an object, or its value is no base64.
      return [];
    }
  });
}

/** The first detail of a type. */
export function findDetail<T extends ErrorDetail["type"]>(details: readonly ErrorDetail[], type: T): Extract<ErrorDetail, { type: T }> | undefined {
  return details.find((detail): detail is Extract<ErrorDetail, { type: T }> => detail.type === type);
}
