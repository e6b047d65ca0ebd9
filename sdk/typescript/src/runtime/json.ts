/** Names for the JSON forms of proto types (protobuf.dev/programming-guides/json). */

/** Any JSON value: google.protobuf.Value. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** A JSON object: google.protobuf.Struct. */
export type JsonObject = { [key: string]: JsonValue };

/** A point in time, RFC 3339 with up to nine digits of a second: google.protobuf.Timestamp. */
export type Timestamp = string;

/** A span of time in seconds with an `s` behind, e.g. `1.5s`: google.protobuf.Duration. */
export type Duration = string;

/** A 64-bit integer in decimal; a JavaScript number would lose digits above 2^53. */
export type Int64 = string;

/** Bytes in base64; see `bytesToBase64` and `base64ToBytes`. */
export type Base64 = string;

/** Paths in lower camel case, joined by commas: google.protobuf.FieldMask. */
export type FieldMask = string;

/** A floating number, or one of the three values JSON has no number for. */
export type Float = number | "NaN" | "Infinity" | "-Infinity";

/** Any message with its type: google.protobuf.Any. */
export type AnyMessage = { "@type": string; [key: string]: JsonValue };

/** A value of an enum that this version of the contract does not name: a newer name, or a number. */
export type UnknownEnum = number | (string & {});
