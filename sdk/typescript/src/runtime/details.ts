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

/** A field off the wire: varints as numbers, length-delimited ones as bytes. */
type WireField = readonly [number: number, value: number | Uint8Array];

const text = new TextDecoder();

/** Fields of a message in the order of the wire (protobuf.dev/programming-guides/encoding). Throws RangeError where the bytes end too early. */
function fieldsOf(bytes: Uint8Array): WireField[] {
  const fields: WireField[] = [];
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
    const value = wire === 0 ? varint() : take(wire === 2 ? varint() : wire === 1 ? 8 : wire === 5 ? 4 : Infinity);
    fields.push([Math.floor(tag / 8), value]);
  }
  return fields;
}

const messages = (fields: readonly WireField[], number: number): WireField[][] =>
  fields.flatMap(([at, value]) => (at === number && typeof value === "object" ? [fieldsOf(value)] : []));

/** The last value of a field, as the encoding wants where one comes twice. */
const last = (fields: readonly WireField[], number: number): WireField[1] | undefined => fields.findLast(([at]) => at === number)?.[1];

const string = (fields: readonly WireField[], number: number): string => {
  const value = last(fields, number);
  return typeof value === "object" ? text.decode(value) : "";
};

const integer = (fields: readonly WireField[], number: number): number => {
  const value = last(fields, number);
  return typeof value === "number" ? value : 0;
};

const decoders: Readonly<Record<string, (fields: WireField[]) => object>> = {
  "google.rpc.ErrorInfo": (fields) => ({
    reason: string(fields, 1),
    domain: string(fields, 2),
    metadata: Object.fromEntries(messages(fields, 3).map((entry) => [string(entry, 1), string(entry, 2)])),
  }),
  "google.rpc.BadRequest": (fields) => ({
    fieldViolations: messages(fields, 1).map((it) => ({ field: string(it, 1), description: string(it, 2), rule: string(it, 3) })),
  }),
  "google.rpc.RetryInfo": (fields) => {
    const delay = messages(fields, 1)[0] ?? [];
    return { retryDelayMs: integer(delay, 1) * 1000 + integer(delay, 2) / 1e6 };
  },
  "google.rpc.QuotaFailure": (fields) => ({
    violations: messages(fields, 1).map((it) => ({ subject: string(it, 1), description: string(it, 2) })),
  }),
};

/** A detail from its type and its protobuf bytes. */
export function decodeDetail(typeName: string, value: Uint8Array): ErrorDetail {
  try {
    const decode = Object.hasOwn(decoders, typeName) ? decoders[typeName] : undefined;
    if (decode) return { type: typeName, ...decode(fieldsOf(value)) } as ErrorDetail;
  } catch {
    // Bytes that do not decode are kept as they are: an error must not fail because of its details.
  }
  return { type: "other", typeName, value };
}

/** Details of a Connect error (`[{ type, value }]`, value in base64). `debug` is not read; what does not fit is left out. */
export function decodeDetails(details: unknown): ErrorDetail[] {
  return (Array.isArray(details) ? details : []).flatMap((detail: { type?: unknown; value?: unknown } | null) => {
    if (typeof detail?.type !== "string" || typeof detail.value !== "string") return [];
    try {
      return [decodeDetail(detail.type, base64ToBytes(detail.value))];
    } catch {
      return [];
    }
  });
}
