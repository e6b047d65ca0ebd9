/** Requests of google.protobuf whose JSON is no object of their fields (protobuf.dev/programming-guides/json): by their fields, as paths and query strings name them. */
import { type DescMessage, fromJson, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { AnySchema, DurationSchema, FieldMaskSchema, isWrapperDesc, TimestampSchema } from "@bufbuild/protobuf/wkt";

const kinds: Readonly<Record<string, string>> = { number: "numberValue", string: "stringValue", boolean: "boolValue" };

const span = ({ seconds, nanos }: { readonly seconds: bigint; readonly nanos: number }): JsonObject => ({ seconds: String(seconds), nanos });

const forms: Readonly<Record<string, (json: JsonValue) => JsonObject>> = {
  "google.protobuf.Any": (json) => {
    const { typeUrl, value } = fromJson(AnySchema, json);
    return { typeUrl, value: Buffer.from(value).toString("base64") };
  },
  "google.protobuf.Duration": (json) => span(fromJson(DurationSchema, json)),
  "google.protobuf.FieldMask": (json) => ({ paths: fromJson(FieldMaskSchema, json).paths }),
  "google.protobuf.ListValue": (json) => ({ values: json }),
  "google.protobuf.Struct": (json) => ({ fields: json }),
  "google.protobuf.Timestamp": (json) => span(fromJson(TimestampSchema, json)),
  "google.protobuf.Value": (json) => (json === null ? { nullValue: null } : { [Array.isArray(json) ? "listValue" : (kinds[typeof json] ?? "structValue")]: json }),
};

/** True for messages whose JSON is no object of their fields. */
export function hasOwnForm(desc: DescMessage): boolean {
  return isWrapperDesc(desc) || Object.hasOwn(forms, desc.typeName);
}

/** A message as an object of its fields: itself, unless it has a form of its own. */
export function byFields(desc: DescMessage, json: JsonValue): JsonValue {
  return isWrapperDesc(desc) ? { value: json } : (forms[desc.typeName]?.(json) ?? json);
}
