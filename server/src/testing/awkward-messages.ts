/** Message types that hold every kind of field and every oddity that descriptors know, for tests of codecs. */
import { createFileRegistry, type DescMessage, fromJson, type JsonObject } from "@bufbuild/protobuf";
import {
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";

const kinds = ["double", "float", "int64", "uint64", "int32", "fixed64", "fixed32", "bool", "string", "bytes", "uint32", "sfixed32", "sfixed64", "sint32", "sint64"];
const keyKinds = kinds.filter((kind) => kind !== "double" && kind !== "float" && kind !== "bytes");
const known = ["Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue", "Any", "Empty", "StringValue", "BytesValue", "BoolValue", "Int32Value", "UInt32Value", "Int64Value", "UInt64Value", "FloatValue", "DoubleValue"];
const imports = [file_google_protobuf_any, file_google_protobuf_duration, file_google_protobuf_empty, file_google_protobuf_field_mask, file_google_protobuf_struct, file_google_protobuf_timestamp, file_google_protobuf_wrappers];

/** Type of a field: a scalar kind, `enum`, `group`, a message of google.protobuf, or a name in the file's own package. */
function typeOf(pkg: string, kind: string): JsonObject {
  if (kinds.includes(kind)) return { type: `TYPE_${kind.toUpperCase()}` };
  if (kind === "enum") return { type: "TYPE_ENUM", typeName: `.${pkg}.Colour` };
  if (kind === "NullValue") return { type: "TYPE_ENUM", typeName: ".google.protobuf.NullValue" };
  if (kind.startsWith("group:")) return { type: "TYPE_GROUP", typeName: `.${pkg}.${kind.slice(6)}` };
  return { type: "TYPE_MESSAGE", typeName: known.includes(kind) ? `.google.protobuf.${kind}` : `.${pkg}.${kind}` };
}

const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Makes one file's worth of fields. */
function writer(pkg: string) {
  const field = (name: string, number: number, kind: string, more: JsonObject = {}): JsonObject => ({ name, number, jsonName: camel(name), label: "LABEL_OPTIONAL", ...typeOf(pkg, kind), ...more });
  const all = (names: readonly string[], more: JsonObject = {}, from = 1): JsonObject[] => names.map((kind, i) => field(`a_${kind.toLowerCase()}`, from + i, kind, more));
  return { field, all };
}

const colours = { name: "Colour", value: [{ name: "COLOUR_UNSPECIFIED", number: 0 }, { name: "RED", number: 1 }, { name: "DARK", number: -1 }, { name: "FAR", number: 2147483647 }] };
const everything = [...kinds, "enum", ...known, "NullValue", "Tree"];

function proto3(): JsonObject {
  const pkg = "awkward3";
  const { field, all } = writer(pkg);
  const entry = (name: string, key: string, value: string): JsonObject => ({ name, field: [field("key", 1, key), field("value", 2, value)], options: { mapEntry: true } });
  const maps = (name: string, pairs: readonly (readonly [string, string])[]): JsonObject => ({
    name,
    field: pairs.map(([key, value], i) => ({ ...field(`m_${key}_${value.toLowerCase()}`, i + 1, "Tree"), label: "LABEL_REPEATED", typeName: `.${pkg}.${name}.E${i}Entry` })),
    nestedType: pairs.map(([key, value], i) => entry(`E${i}Entry`, key, value)),
  });
  return {
    name: "awkward3.proto",
    package: pkg,
    syntax: "proto3",
    dependency: imports.map((file) => `${file.name}.proto`),
    enumType: [colours],
    messageType: [
      { name: "Singular", field: all(everything) },
      { name: "Optional", field: all([...kinds, "enum"]).map((each, i) => ({ ...each, proto3Optional: true, oneofIndex: i })), oneofDecl: [...kinds, "enum"].map((kind) => ({ name: `_a_${kind}` })) },
      { name: "Lists", field: all(everything, { label: "LABEL_REPEATED" }) },
      { name: "Unpacked", field: all([...kinds.filter((kind) => kind !== "string" && kind !== "bytes"), "enum"], { label: "LABEL_REPEATED", options: { packed: false } }) },
      maps("MapsByValue", everything.map((value) => ["string", value] as const)),
      maps("MapsByKey", keyKinds.map((key) => [key, "string"] as const)),
      maps("MapsOfColours", keyKinds.map((key) => [key, "enum"] as const)),
      { name: "Choice", field: [field("before", 90, "string"), ...all(everything, { oneofIndex: 0 }), field("after", 91, "string")], oneofDecl: [{ name: "which_one" }] },
      { name: "Tree", field: [field("value", 1, "string"), field("left", 2, "Tree"), field("leaves", 3, "Tree", { label: "LABEL_REPEATED" }), field("tags", 4, "ListValue")] },
      {
        name: "Names",
        field: [
          field("constructor", 1, "string"),
          field("to_string", 2, "string"),
          field("has_own_property", 3, "string"),
          field("snake_case_name", 4, "string", { jsonName: "Kebab-Name \"quoted\"" }),
          field("one", 5, "string", { jsonName: "two" }),
          field("two", 6, "string", { jsonName: "three" }),
          field("value_of", 7, "Tree"),
          field("message", 8, "Tree"),
        ],
      },
      { name: "NumberedNames", field: [field("b", 1, "string", { jsonName: "2" }), field("a", 2, "string", { jsonName: "1" }), field("c", 3, "string")] },
      { name: "ProtoName", field: [field("__proto__", 1, "string", { jsonName: "__proto__" }), field("x", 2, "string")] },
      { name: "ProtoJsonName", field: [field("p", 1, "string", { jsonName: "__proto__" }), field("x", 2, "string")] },
      { name: "Far", field: [field("near", 15, "string"), field("middle", 255, "string"), field("far", 256, "string")] },
      { name: "Middle", field: [field("b", 255, "string"), field("a", 16, "Tree"), field("c", 17, "sint32", { label: "LABEL_REPEATED" })] },
      { name: "Longs", field: [...all(["int64", "uint64", "sint64", "fixed64", "sfixed64"], { options: { jstype: "JS_STRING" } }), field("more", 9, "int64", { label: "LABEL_REPEATED", options: { jstype: "JS_STRING" } })] },
      { name: "Nothing" },
    ],
  };
}

function proto2(): JsonObject {
  const pkg = "awkward2";
  const { field, all } = writer(pkg);
  return {
    name: "awkward2.proto",
    package: pkg,
    syntax: "proto2",
    enumType: [colours],
    messageType: [
      { name: "Plain", field: [...all([...kinds, "enum"]), field("child", 40, "Plain"), field("in_group", 41, "group:Inner"), field("in_groups", 42, "group:Inner", { label: "LABEL_REPEATED" })] },
      { name: "Inner", field: [field("text", 1, "string"), field("colours", 2, "enum", { label: "LABEL_REPEATED" })] },
      { name: "Defaults", field: [field("text", 1, "string", { defaultValue: "hello" }), field("number", 2, "int32", { defaultValue: "-7" }), field("colour", 3, "enum", { defaultValue: "RED" }), field("on", 4, "bool", { defaultValue: "true" })] },
      { name: "Required", field: [field("must", 1, "string", { label: "LABEL_REQUIRED" }), field("child", 2, "Required")] },
      { name: "Packed", field: all(["int32", "bool", "double", "enum"], { label: "LABEL_REPEATED", options: { packed: true } }) },
      { name: "Choice", field: all(["string", "enum", "Inner"], { oneofIndex: 0 }), oneofDecl: [{ name: "which" }] },
    ],
  };
}

function edition2023(): JsonObject {
  const pkg = "awkward2023";
  const { field, all } = writer(pkg);
  const features = (values: JsonObject): JsonObject => ({ options: { features: values } });
  return {
    name: "awkward2023.proto",
    package: pkg,
    syntax: "editions",
    edition: "EDITION_2023",
    enumType: [colours, { ...colours, name: "Closed", value: colours.value.map((value) => ({ ...value, name: `CLOSED_${value.name}` })), ...features({ enumType: "CLOSED" }) }],
    messageType: [
      { name: "Explicit", field: [...all([...kinds, "enum"]), field("child", 40, "Explicit")] },
      { name: "Implicit", field: all([...kinds, "enum"], features({ fieldPresence: "IMPLICIT" })) },
      { name: "Mixed", field: [field("must", 1, "string", features({ fieldPresence: "LEGACY_REQUIRED" })), field("loose", 2, "string", features({ utf8Validation: "NONE" })), field("spread", 3, "int32", { label: "LABEL_REPEATED", ...features({ repeatedFieldEncoding: "EXPANDED" }) }), field("group", 4, "Implicit", features({ messageEncoding: "DELIMITED" })), field("groups", 5, "Implicit", { label: "LABEL_REPEATED", ...features({ messageEncoding: "DELIMITED" }) }), { ...field("closed", 6, "enum"), typeName: `.${pkg}.Closed` }, { ...field("all_closed", 7, "enum", { label: "LABEL_REPEATED" }), typeName: `.${pkg}.Closed` }] },
    ],
  };
}

/** Without a package, so that types are called as members of every object are. */
function bare(): JsonObject {
  const { field } = writer("");
  return {
    name: "bare.proto",
    syntax: "proto3",
    messageType: ["constructor", "toString", "__proto__"].map((name) => ({ name, field: [field("text", 1, "string"), field("numbers", 2, "int64", { label: "LABEL_REPEATED" })] })),
  };
}

/** The types, made anew with each call. */
export function awkwardMessages(): DescMessage[] {
  const files = [proto3(), proto2(), edition2023(), bare()];
  const set = fromJson(FileDescriptorSetSchema, { file: files });
  set.file.unshift(...imports.map((file) => file.proto));
  const registry = createFileRegistry(set);
  return files.flatMap((file) => registry.getFile(file["name"] as string)!.messages);
}
