/** Messages of google.protobuf with a JSON form of their own (protobuf.dev/programming-guides/json): their fields, and what these hold where that form is written. */
import type { Field, FieldType, Json, JsonObject, MessageType, Scalar } from "./model.js";

const prefix = "google.protobuf.";

/** One field: its proto name, its type, and whether it is repeated or a map. */
type Row = readonly [name: string, type: Scalar | `google.protobuf.${string}`, cardinality?: Field["cardinality"]];

const wrapper = (scalar: Scalar): readonly Row[] => [["value", scalar]];
const span: readonly Row[] = [["seconds", "int64"], ["nanos", "int32"]];

const rows: Readonly<Record<string, readonly Row[]>> = {
  Any: [["type_url", "string"], ["value", "bytes"]],
  BoolValue: wrapper("bool"),
  BytesValue: wrapper("bytes"),
  DoubleValue: wrapper("double"),
  Duration: span,
  Empty: [],
  FieldMask: [["paths", "string", "repeated"]],
  FloatValue: wrapper("float"),
  Int32Value: wrapper("int32"),
  Int64Value: wrapper("int64"),
  ListValue: [["values", "google.protobuf.Value", "repeated"]],
  StringValue: wrapper("string"),
  Struct: [["fields", "google.protobuf.Value", "map"]],
  Timestamp: span,
  UInt32Value: wrapper("uint32"),
  UInt64Value: wrapper("uint64"),
  Value: [
    ["null_value", "google.protobuf.NullValue"],
    ["number_value", "double"],
    ["string_value", "string"],
    ["bool_value", "bool"],
    ["struct_value", "google.protobuf.Struct"],
    ["list_value", "google.protobuf.ListValue"],
  ],
};

/** Members of a oneof: those of a Value. */
const oneof = "kind";

function fieldOf([name, of, cardinality = "singular"]: Row, index: number, inOneof: boolean): Field {
  const type: FieldType = !of.startsWith(prefix) ? { kind: "scalar", scalar: of as Scalar } : { kind: of.endsWith(".NullValue") ? "enum" : "message", name: of };
  return {
    name,
    jsonName: name.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase()),
    number: index + 1,
    type,
    cardinality,
    ...(cardinality === "map" ? { mapKey: "string" } : {}),
    ...(inOneof ? { oneof } : {}),
    presence: inOneof ? "explicit" : "implicit",
    docs: "",
    deprecated: false,
    redact: false,
    personal: false,
    behaviour: [],
  };
}

const known: ReadonlyMap<string, MessageType> = new Map(
  Object.entries(rows).map(([name, fields]) => {
    const fullName = `${prefix}${name}`;
    const isValue = name === "Value";
    const oneofs = isValue ? [{ name: oneof, jsonName: oneof, docs: "", fields: fields.map(([field]) => field), required: false }] : [];
    return [fullName, { fullName, name, package: "google.protobuf", docs: "", deprecated: false, fields: fields.map((row, index) => fieldOf(row, index, isValue)), oneofs, cel: [], own: false }];
  }),
);

/** Such a message by its full name, with fields as paths, query strings and bodies name them. Models do not list it. */
export function wellKnownMessage(fullName: string): MessageType | undefined {
  return known.get(fullName);
}

/** True for a message whose JSON may be something else than an object. */
export function isBare(fullName: string): boolean {
  return known.has(fullName) && !["Any", "Empty", "Struct"].includes(fullName.slice(prefix.length));
}

/** A message as an object of its fields: itself, unless its JSON is a form of its own. */
export function byFields(fullName: string, json: Json): JsonObject {
  const name = fullName.slice(prefix.length);
  if (!known.has(fullName) || name === "Empty") return json as JsonObject;
  if (name.endsWith("Value") && name !== "Value" && name !== "ListValue") return { value: json };
  return forms[name]!(json);
}

/** A span or a moment as whole seconds and nanoseconds. */
function secondsOf(whole: bigint, fraction = "", sign = 1): JsonObject {
  const nanos = Number(fraction.padEnd(9, "0"));
  return { ...(whole === 0n ? {} : { seconds: String(BigInt(sign) * whole) }), ...(nanos === 0 ? {} : { nanos: sign * nanos }) };
}

const forms: Readonly<Record<string, (json: Json) => JsonObject>> = {
  // Its value is bytes that only who knows the type can make.
  Any: () => ({}),
  Duration: (json) => {
    const [, sign = "", whole = "0", fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?s$/.exec(json as string) ?? [];
    return secondsOf(BigInt(whole), fraction, sign === "-" ? -1 : 1);
  },
  FieldMask: (json) => ({ paths: (json as string).split(",").filter((path) => path !== "").map((path) => path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)) }),
  ListValue: (json) => ({ values: json }),
  Struct: (json) => ({ fields: json }),
  Timestamp: (json) => secondsOf(BigInt(Math.floor(Date.parse(json as string) / 1000)), /\.(\d+)/.exec(json as string)?.[1]),
  Value: (json): JsonObject => {
    if (json === null) return { nullValue: null };
    if (Array.isArray(json)) return { listValue: json as Json };
    const kinds: Readonly<Record<string, string>> = { number: "numberValue", string: "stringValue", boolean: "boolValue" };
    return { [kinds[typeof json] ?? "structValue"]: json };
  },
};
