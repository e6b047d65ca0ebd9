/** Messages of google.protobuf by their fields: paths and query strings name these, though the JSON of such a message is none of an object. */
import { create, createFileRegistry, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { FieldDescriptorProtoSchema, DescriptorProtoSchema, FileDescriptorProtoSchema, isWrapperDesc } from "@bufbuild/protobuf/wkt";

const special: ReadonlySet<string> = new Set(["Any", "Duration", "FieldMask", "ListValue", "Struct", "Timestamp", "Value"].map((name) => `google.protobuf.${name}`));

/** True if the JSON of a message is not an object of its fields (protobuf.dev/programming-guides/json). */
export function hasOwnForm(desc: DescMessage): boolean {
  return special.has(desc.typeName) || isWrapperDesc(desc);
}

/** A message type and its twin of the same fields, whose JSON is an object of them. */
export interface ByFields {
  readonly desc: DescMessage;
  /** A message of the twin as one of the type. */
  from(twin: Message): Message;
  /** A message of the type as one of the twin. */
  to(message: Message): Message;
}

const scope = "parapet.byfields";

/** The twin of a message type that has a JSON form of its own. */
export function byFields(type: DescMessage): ByFields {
  const { file, proto } = type;
  const own = `.${type.typeName}.`;
  const field = proto.field.map((each) => create(FieldDescriptorProtoSchema, { ...each, typeName: each.typeName.startsWith(own) ? `.${scope}.${proto.name}.${each.typeName.slice(own.length)}` : each.typeName }));
  const twin = create(FileDescriptorProtoSchema, { name: `${scope}/${proto.name}`, package: scope, syntax: "proto3", dependency: [file.proto.name], messageType: [create(DescriptorProtoSchema, { ...proto, field })] });
  const desc = createFileRegistry(twin, (name) => (name === file.proto.name ? file : undefined)).getMessage(`${scope}.${proto.name}`)!;
  return { desc, from: (message) => fromBinary(type, toBinary(desc, message)), to: (message) => fromBinary(desc, toBinary(type, message)) };
}
