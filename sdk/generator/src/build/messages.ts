/** Reads messages and enums into the model. */
import { type DescEnum, type DescField, type DescFile, type DescMessage, type DescMethod, getOption, hasOption, isFieldSet, ScalarType, toJson } from "@bufbuild/protobuf";
import { protoCamelCase } from "@bufbuild/protobuf/reflect";
import { FeatureSet_FieldPresence as Presence } from "@bufbuild/protobuf/wkt";
import {
  field as fieldRules,
  FieldRulesSchema,
  message as messageRules,
  MessageRulesSchema,
  oneof as oneofRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { field_behavior, FieldBehavior } from "@parapet/contract/google/api/field_behavior_pb";
import { field as fieldPolicy } from "@parapet/contract/parapet/policy/v1/policy_pb";
import type { EnumType, Field, FieldBehaviour, FieldType, MessageType, Rules, Scalar } from "../model.js";
import { optionKey, optionOf } from "./options.js";
import { celOf, rulesOf } from "./rules.js";
import { docsOf } from "./source.js";
import { wordsOf } from "../words.js";

/** Messages whose protobuf-JSON is not an object of their fields; targets know them by name, so models do not list them. */
export const wellKnownTypes: ReadonlySet<string> = new Set(
  [
    "Any", "Duration", "Empty", "FieldMask", "ListValue", "NullValue", "Struct", "Timestamp", "Value",
    "BoolValue", "BytesValue", "DoubleValue", "FloatValue", "Int32Value", "Int64Value", "StringValue", "UInt32Value", "UInt64Value",
  ].map((name) => `google.protobuf.${name}`),
);

/** Types that own files declare or that methods reach. */
export interface Types {
  readonly messages: readonly DescMessage[];
  readonly enums: readonly DescEnum[];
}

/** Collects the types of a contract, each list sorted by full name. */
export function collectTypes(files: readonly DescFile[], methods: readonly DescMethod[]): Types {
  const found = new Map<string, DescMessage | DescEnum>();
  const visit = (type: DescMessage | DescEnum): void => {
    if (found.has(type.typeName) || wellKnownTypes.has(type.typeName)) return;
    found.set(type.typeName, type);
    if (type.kind === "enum") return;
    for (const field of type.fields) {
      if (field.message) visit(field.message);
      if (field.enum) visit(field.enum);
    }
    type.nestedMessages.forEach(visit);
    type.nestedEnums.forEach(visit);
  };
  for (const file of files) [...file.messages, ...file.enums].forEach(visit);
  for (const method of methods) [method.input, method.output].forEach(visit);
  const all = [...found.values()].sort((a, b) => (a.typeName < b.typeName ? -1 : 1));
  return {
    messages: all.filter((type) => type.kind === "message" && !type.proto.options?.mapEntry) as DescMessage[],
    enums: all.filter((type) => type.kind === "enum"),
  };
}

/** One message. */
export function messageOf(desc: DescMessage, own: boolean): MessageType {
  const rules = optionOf(desc, messageRules);
  return {
    fullName: desc.typeName,
    name: nameInPackage(desc),
    package: desc.file.proto.package,
    docs: docsOf(desc),
    deprecated: desc.deprecated,
    fields: desc.fields.map(fieldOf),
    oneofs: desc.oneofs.map((oneof) => ({
      name: oneof.name,
      jsonName: protoCamelCase(oneof.name),
      docs: docsOf(oneof),
      fields: oneof.fields.map((field) => field.name),
      required: optionOf(oneof, oneofRules)?.required ?? false,
    })),
    cel: rules === undefined ? [] : celOf(toJson(MessageRulesSchema, rules) as Record<string, unknown>),
    ...(rules !== undefined && rules.oneof.length > 0 ? { choices: rules.oneof.map(({ fields: names, required }) => ({ fields: [...names], required })) } : {}),
    own,
  };
}

/** One enum. */
export function enumOf(desc: DescEnum, own: boolean): EnumType {
  const seen = new Set<number>();
  return {
    fullName: desc.typeName,
    name: nameInPackage(desc),
    package: desc.file.proto.package,
    docs: docsOf(desc),
    deprecated: desc.deprecated,
    open: desc.open,
    prefix: sharedPrefix(desc),
    values: desc.values.map((value) => {
      const alias = seen.has(value.number);
      seen.add(value.number);
      return { name: value.name, number: value.number, docs: docsOf(value), deprecated: value.deprecated, alias };
    }),
    own,
  };
}

/** True if the message holds a `debug_redact` field, at any depth. */
export function holdsSecret(desc: DescMessage, seen: Set<DescMessage> = new Set()): boolean {
  if (seen.has(desc)) return false;
  seen.add(desc);
  return desc.fields.some((field) => isSecret(field) || (field.message !== undefined && holdsSecret(field.message, seen)));
}

/** Ends of names that values have which must not be seen. */
const secretName = /(?:^|_)(?:password|passwd|pwd|passphrase|secret|(?:api|private|secret|secret_access|signing)_key|(?:access|api|auth|bearer|id|refresh|session)_token)s?$/;

/** True for a text that is a secret by its name, but not marked as one. */
export function looksSecret(field: DescField): boolean {
  const isText = field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES;
  return isText && secretName.test(field.name.replace(/(?<=[a-z0-9])[A-Z]/g, "_$&").toLowerCase()) && !isSecret(field);
}

/** True if the field is marked `debug_redact`. */
export function isSecret(field: DescField): boolean {
  return field.proto.options?.debugRedact === true;
}

/** Reading options is dear, and bindings ask for fields that messages have asked for already. */
const fields = new WeakMap<DescField, Field>();

/** One field. */
export function fieldOf(desc: DescField): Field {
  const known = fields.get(desc) ?? readField(desc);
  fields.set(desc, known);
  return known;
}

/** Rules by the bytes of their option: most are those of another field of the file too. */
const rulesInFile = new WeakMap<DescFile, Map<string, Rules | undefined>>();

/** The rules of a field; undefined where there are none. Those of equal bytes are read once a file. */
export function fieldRulesOf(desc: DescField): Rules | undefined {
  const key = optionKey(desc, fieldRules);
  if (key === undefined) return undefined;
  const { file } = desc.parent;
  const known = rulesInFile.get(file) ?? new Map<string, Rules | undefined>();
  rulesInFile.set(file, known);
  if (!known.has(key)) known.set(key, rulesOf(optionOf(desc, fieldRules)!));
  return known.get(key);
}

/** The rules of a field as they count there: buf/validate/validate.proto, `Ignore` and `MessageRules.oneof`. */
function countingRules(desc: DescField): Rules | undefined {
  const rules = fieldRulesOf(desc);
  if (presenceOf(desc) !== "implicit") return withoutZero(rules);
  const isChosen = optionOf(desc.parent, messageRules)?.oneof.some(({ fields: names }) => names.includes(desc.name)) === true;
  if (isChosen && !statesIgnore(desc)) return { ...rules, ignore: "if_zero" };
  if (desc.message === undefined || rules === undefined) return rules;
  const [items, values] = [withoutZero(rules.items), withoutZero(rules.values)];
  return { ...rules, ...(items ? { items } : {}), ...(values ? { values } : {}) };
}

/** True where a field says itself when its rules count, be it as usual. */
function statesIgnore(desc: DescField): boolean {
  const rules = optionOf(desc, fieldRules);
  return rules !== undefined && isFieldSet(rules, FieldRulesSchema.field.ignore);
}

/** What has presence is ignored where it is not there, and only there. */
function withoutZero(rules: Rules | undefined): Rules | undefined {
  if (rules?.ignore !== "if_zero") return rules;
  const { ignore: _, ...counting } = rules;
  return Object.keys(counting).length === 0 ? undefined : counting;
}

function readField(desc: DescField): Field {
  const rules = countingRules(desc);
  return {
    name: desc.name,
    jsonName: desc.jsonName,
    number: desc.number,
    type: typeOf(desc),
    cardinality: desc.fieldKind === "list" ? "repeated" : desc.fieldKind === "map" ? "map" : "singular",
    ...(desc.fieldKind === "map" ? { mapKey: scalarName(desc.mapKey) } : {}),
    ...(desc.oneof ? { oneof: desc.oneof.name } : {}),
    presence: presenceOf(desc),
    docs: docsOf(desc),
    deprecated: desc.deprecated,
    redact: isSecret(desc),
    personal: optionOf(desc, fieldPolicy)?.personal ?? false,
    behaviour: (hasOption(desc, field_behavior) ? getOption(desc, field_behavior) : [])
      .filter((behaviour) => behaviour !== FieldBehavior.FIELD_BEHAVIOR_UNSPECIFIED)
      .map((behaviour) => FieldBehavior[behaviour]!.toLowerCase() as FieldBehaviour),
    ...(rules ? { rules } : {}),
  };
}

function typeOf(desc: DescField): FieldType {
  if (desc.message) return { kind: "message", name: desc.message.typeName };
  if (desc.enum) return { kind: "enum", name: desc.enum.typeName };
  return { kind: "scalar", scalar: scalarName(desc.scalar!) };
}

function presenceOf(desc: DescField): Field["presence"] {
  if (desc.fieldKind === "list" || desc.fieldKind === "map") return "implicit";
  if (desc.presence === Presence.LEGACY_REQUIRED) return "required";
  return desc.presence === Presence.EXPLICIT || desc.message ? "explicit" : "implicit";
}

function scalarName(scalar: ScalarType): Scalar {
  return ScalarType[scalar].toLowerCase() as Scalar;
}

function nameInPackage(desc: DescMessage | DescEnum): string {
  const { package: name } = desc.file.proto;
  return name === "" ? desc.typeName : desc.typeName.slice(name.length + 1);
}

function sharedPrefix(desc: DescEnum): string {
  const prefix = `${wordsOf(desc.name).join("_").toUpperCase()}_`;
  return desc.values.every((value) => value.name.startsWith(prefix)) ? prefix : "";
}
