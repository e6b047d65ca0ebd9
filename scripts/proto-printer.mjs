// Prints a protobuf file descriptor as .proto source that compiles back to the same descriptor.

import { getExtension, ScalarType } from "@bufbuild/protobuf";
import { isReflectMessage, protoCamelCase, reflect } from "@bufbuild/protobuf/reflect";
import {
  Edition,
  EnumOptionsSchema,
  EnumValueOptionsSchema,
  ExtensionRangeOptionsSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FieldOptionsSchema,
  FileOptionsSchema,
  MessageOptionsSchema,
  OneofOptionsSchema,
} from "@bufbuild/protobuf/wkt";

const fieldNumberMax = 536_870_911;
const enumNumberMax = 2_147_483_647;

/**
 * Prints one file. Element order is kept within each kind, so a compiler rebuilds the descriptor field by field.
 * Comments are not in descriptors that a code generator embeds, hence not in the result.
 *
 * @param {import("@bufbuild/protobuf/wkt").FileDescriptorProto} file the descriptor to print
 * @param {import("@bufbuild/protobuf").Registry} registry knows every custom option that the file uses
 * @returns {string} the source text
 * @throws {Error} for what it cannot print without loss: services, groups, custom options missing from the registry
 */
export function printProtoFile(file, registry) {
  const syntax = file.syntax === "editions" ? "editions" : file.syntax || "proto2";
  const context = { registry, syntax, package: file.package };
  refuse(file.service.length > 0, `services (${file.name})`);
  const options = optionsOf(file.options, FileOptionsSchema, context);
  const sections = [
    [syntax === "editions" ? `edition = "${Edition[file.edition].slice("EDITION_".length)}";` : `syntax = "${syntax}";`],
    file.package === "" ? [] : [`package ${file.package};`],
    [
      ...file.dependency.map((path, index) => {
        const kind = file.publicDependency.includes(index) ? "public " : file.weakDependency.includes(index) ? "weak " : "";
        return `import ${kind}${quote(path)};`;
      }),
      ...file.optionDependency.map((path) => `import option ${quote(path)};`),
    ],
    options.map((option) => `option ${option};`),
    printExtensions(file.extension, context),
    ...file.messageType.map((message) => printMessage(message, context)),
    ...file.enumType.map((enumeration) => printEnum(enumeration, context)),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join("\n")}\n`)
    .join("\n");
}

function printMessage(message, context) {
  const entries = new Map(
    message.nestedType.filter((nested) => nested.options?.mapEntry).map((nested) => [nested.name, nested]),
  );
  const body = [
    ...optionsOf(message.options, MessageOptionsSchema, context).map((option) => `option ${option};`),
    ...printFields(message, entries, context),
    ...message.extensionRange.flatMap((range) => {
      const options = optionsOf(range.options, ExtensionRangeOptionsSchema, context);
      return printElement(`extensions ${printRange(range.start, range.end - 1, fieldNumberMax)}`, options);
    }),
    ...printReserved(
      message.reservedRange.map((range) => printRange(range.start, range.end - 1, fieldNumberMax)),
      message.reservedName,
      context,
    ),
    ...printExtensions(message.extension, context),
    ...message.nestedType.filter((nested) => !entries.has(nested.name)).flatMap((nested) => printMessage(nested, context)),
    ...message.enumType.flatMap((enumeration) => printEnum(enumeration, context)),
  ];
  return block(`message ${message.name}`, body);
}

function printFields(message, entries, context) {
  const lines = [];
  let open = -1;
  for (const field of message.field) {
    const oneof = hasOneof(field) && !field.proto3Optional ? field.oneofIndex : -1;
    if (oneof !== -1 && oneof === open) continue;
    open = oneof;
    if (oneof === -1) {
      lines.push(...printField(field, entries, context));
      continue;
    }
    const members = message.field.filter((other) => hasOneof(other) && other.oneofIndex === oneof);
    const declaration = message.oneofDecl[oneof];
    lines.push(
      ...block(`oneof ${declaration.name}`, [
        ...optionsOf(declaration.options, OneofOptionsSchema, context).map((option) => `option ${option};`),
        ...members.flatMap((member) => printField(member, entries, context)),
      ]),
    );
  }
  return lines;
}

function printField(field, entries, context) {
  refuse(field.type === Type.GROUP, `groups (${field.name})`);
  const entry = field.type === Type.MESSAGE ? entries.get(field.typeName.split(".").at(-1)) : undefined;
  const type = entry ? `map<${typeOf(entry.field[0])}, ${typeOf(entry.field[1])}>` : `${labelOf(field, context)}${typeOf(field)}`;
  const options = optionsOf(field.options, FieldOptionsSchema, context);
  if (hasOwnValue(field, "defaultValue")) options.unshift(`default = ${printDefault(field)}`);
  if (field.extendee === "" && field.jsonName !== "" && field.jsonName !== protoCamelCase(field.name)) {
    options.unshift(`json_name = ${quote(field.jsonName)}`);
  }
  return printElement(`${type} ${field.name} = ${field.number}`, options);
}

function labelOf(field, context) {
  if (field.label === Label.REPEATED) return "repeated ";
  if (context.syntax === "editions" || (hasOneof(field) && !field.proto3Optional)) return "";
  if (field.label === Label.REQUIRED) return "required ";
  return context.syntax === "proto2" || field.proto3Optional ? "optional " : "";
}

function typeOf(field) {
  return field.typeName === "" ? Type[field.type].toLowerCase() : field.typeName;
}

function printDefault(field) {
  if (field.type === Type.STRING) return quote(field.defaultValue);
  return field.type === Type.BYTES ? `"${field.defaultValue}"` : field.defaultValue;
}

function printExtensions(extensions, context) {
  const lines = [];
  // One block per run of the same extendee keeps the order.
  for (let start = 0, end = 0; start < extensions.length; start = end) {
    const { extendee } = extensions[start];
    for (end = start; extensions[end]?.extendee === extendee; ) end++;
    const fields = extensions.slice(start, end).flatMap((field) => printField(field, new Map(), context));
    lines.push(...block(`extend ${extendee}`, fields));
  }
  return lines;
}

function printEnum(enumeration, context) {
  return block(`enum ${enumeration.name}`, [
    ...optionsOf(enumeration.options, EnumOptionsSchema, context).map((option) => `option ${option};`),
    ...enumeration.value.flatMap((value) =>
      printElement(`${value.name} = ${value.number}`, optionsOf(value.options, EnumValueOptionsSchema, context)),
    ),
    ...printReserved(
      enumeration.reservedRange.map((range) => printRange(range.start, range.end, enumNumberMax)),
      enumeration.reservedName,
      context,
    ),
  ]);
}

function printReserved(ranges, names, context) {
  const words = context.syntax === "editions" ? names : names.map(quote);
  return [ranges, words].filter((list) => list.length > 0).map((list) => `reserved ${list.join(", ")};`);
}

/** Both ends are part of the range. */
function printRange(first, last, max) {
  if (first === last) return String(first);
  return `${first} to ${last >= max ? "max" : last}`;
}

function printElement(declaration, options) {
  if (options.length === 0) return [`${declaration};`];
  const list = options.map((option, index) => `${option}${index < options.length - 1 ? "," : ""}`);
  return [`${declaration} [`, ...indent(list), "];"];
}

/** Options as `name = value` texts: the built-in ones first, then the custom ones, each in field order. */
function optionsOf(message, schema, context) {
  if (message === undefined) return [];
  return entriesOf(message, schema, context).flatMap(({ name, custom, values }) =>
    name === "map_entry" ? [] : values.map((value) => `${custom ? `(${name})` : name} = ${value}`),
  );
}

function entriesOf(message, schema, context) {
  const known = reflect(schema, message);
  const entries = known.fields
    .filter((field) => known.isSet(field))
    .map((field) => {
      refuse(field.fieldKind === "map", `map values in options (${field.name})`);
      const value = known.get(field);
      const values = field.fieldKind === "list" ? Array.from(value) : [value];
      return { name: field.name, custom: false, values: values.map((item) => printValue(item, field, context)) };
    });
  for (const number of new Set((message.$unknown ?? []).map((unknown) => unknown.no))) {
    const extension = context.registry.getExtensionFor(schema, number);
    refuse(extension === undefined, `unknown option ${number} of ${schema.typeName}`);
    const value = getExtension(message, extension);
    const values = extension.fieldKind === "list" ? value : [value];
    entries.push({
      name: extension.typeName,
      custom: true,
      values: values.map((item) => printValue(item, extension, context)),
    });
  }
  return entries;
}

function printValue(value, field, context) {
  if (field.message) return printAggregate(isReflectMessage(value) ? value.message : value, field.message, context);
  if (field.enum) return field.enum.value[value]?.name ?? String(value);
  if (field.scalar === ScalarType.STRING) return quote(value);
  if (field.scalar === ScalarType.BYTES) return quoteBytes(value);
  if (typeof value === "number" && !Number.isFinite(value)) return String(value).replace("Infinity", "inf").replace("NaN", "nan");
  return Object.is(value, -0) ? "-0" : String(value);
}

/** The text-format literal of a message-valued option. */
function printAggregate(message, schema, context) {
  const lines = entriesOf(message, schema, context).flatMap(({ name, custom, values }) =>
    values.map((value) => `${custom ? `[${name}]` : name}: ${value}`),
  );
  return lines.length === 0 ? "{}" : block("", lines).join("\n").trimStart();
}

function block(head, body) {
  return body.length === 0 ? [`${head} {}`] : [`${head} {`, ...indent(body), "}"];
}

function indent(lines) {
  return lines.flatMap((line) => line.split("\n")).map((line) => `  ${line}`);
}

function quote(text) {
  return JSON.stringify(text);
}

function quoteBytes(bytes) {
  return `"${Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("")}"`;
}

function hasOneof(field) {
  return hasOwnValue(field, "oneofIndex");
}

/** Descriptors have explicit presence: an unset field lives on the prototype of the generated message. */
function hasOwnValue(message, name) {
  return Object.hasOwn(message, name);
}

function refuse(condition, what) {
  if (condition) throw new Error(`Cannot print ${what}.`);
}
