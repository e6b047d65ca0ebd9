/** Messages and enums as JSON Schemas of their protobuf-JSON. */
import type { EnumType, Field, FieldType, MessageType, Model, Rules, Scalar } from "../../model.js";
import { isRequired } from "../../rules.js";
import { listKeywords, mapKeywords, scalarKeywords, timeKeywords } from "./constraints.js";
import { componentNames } from "./names.js";
import { compact, type Schema } from "./types.js";

/** `in`: what a server reads. `out`: what it writes. Rules hold for what comes in; fields without presence always go out. */
export type Direction = "in" | "out";

const uint32Max = 4_294_967_295;
const longPattern = { int64: "^-?[0-9]{1,19}$", uint64: "^[0-9]{1,20}$" };

const scalars: Readonly<Record<Scalar, Schema>> = {
  double: { type: "number", format: "double" },
  float: { type: "number", format: "float" },
  int32: { type: "integer", format: "int32" },
  sint32: { type: "integer", format: "int32" },
  sfixed32: { type: "integer", format: "int32" },
  uint32: { type: "integer", format: "uint32", minimum: 0, maximum: uint32Max },
  fixed32: { type: "integer", format: "uint32", minimum: 0, maximum: uint32Max },
  int64: { type: "string", format: "int64", pattern: longPattern.int64 },
  sint64: { type: "string", format: "int64", pattern: longPattern.int64 },
  sfixed64: { type: "string", format: "int64", pattern: longPattern.int64 },
  uint64: { type: "string", format: "uint64", pattern: longPattern.uint64 },
  fixed64: { type: "string", format: "uint64", pattern: longPattern.uint64 },
  bool: { type: "boolean" },
  string: { type: "string" },
  bytes: { type: "string", format: "byte", contentEncoding: "base64" },
};

const wrappers: Readonly<Record<string, Scalar>> = {
  BoolValue: "bool",
  BytesValue: "bytes",
  DoubleValue: "double",
  FloatValue: "float",
  Int32Value: "int32",
  Int64Value: "int64",
  StringValue: "string",
  UInt32Value: "uint32",
  UInt64Value: "uint64",
};

/** protobuf.dev/programming-guides/json: messages with a JSON form of their own. */
const special: Readonly<Record<string, Schema>> = {
  Any: { type: "object", properties: { "@type": { type: "string", description: "URL that names the type." } }, required: ["@type"], additionalProperties: true },
  Duration: { type: "string", pattern: "^-?[0-9]{1,12}(\\.[0-9]{1,9})?s$" },
  Empty: { type: "object" },
  FieldMask: { type: "string", description: "Comma-separated JSON names of fields." },
  ListValue: { type: "array", items: {} },
  NullValue: { type: "null" },
  Struct: { type: "object", additionalProperties: true },
  Timestamp: { type: "string", format: "date-time" },
  Value: {},
};

/** CEL rules that a schema can say, by their expression without spaces: what the values of the map are. */
const knownCel: Readonly<Record<string, Schema>> = {
  "this.all(k,this[k].all(v,type(v)==string))": { type: "array", items: { type: "string" } },
};

/** Makes schemas of one contract and remembers which components they refer to. */
export class SchemaBuilder {
  readonly components: Record<string, Schema> = {};
  private readonly names: ReadonlyMap<string, string>;
  private readonly messages: ReadonlyMap<string, MessageType>;
  private readonly enums: ReadonlyMap<string, EnumType>;
  /** Messages whose two directions differ. */
  private readonly twofold: ReadonlySet<string>;
  /** Messages that come in and go out as well. */
  private readonly both: ReadonlySet<string>;

  constructor(model: Model) {
    this.names = componentNames(model);
    this.messages = new Map(model.messages.map((message) => [message.fullName, message]));
    this.enums = new Map(model.enums.map((each) => [each.fullName, each]));
    this.twofold = this.findTwofold(model);
    const methods = model.services.flatMap((service) => service.methods);
    const coming = this.reachable(methods.map(({ request }) => request));
    const going = this.reachable(methods.map(({ response }) => response));
    this.both = new Set([...coming].filter((name) => going.has(name)));
  }

  /** A message by its full name; undefined for those of google.protobuf. */
  message(name: string): MessageType | undefined {
    return this.messages.get(name);
  }

  /** A reference to a message, or its special form. */
  ofMessage(name: string, direction: Direction): Schema {
    const short = name.replace("google.protobuf.", "");
    if (name.startsWith("google.protobuf.") && short in special) return { ...special[short] };
    if (name.startsWith("google.protobuf.") && short in wrappers) return { ...scalars[wrappers[short]!] };
    const message = this.messages.get(name);
    if (message === undefined) return { type: "object" };
    const component = this.names.get(name)! + (direction === "in" && this.both.has(name) && this.twofold.has(name) ? "Input" : "");
    if (!(component in this.components)) {
      this.components[component] = {};
      this.components[component] = this.ofFields(message, direction, []);
    }
    return { $ref: `#/components/schemas/${component}` };
  }

  /** The schema of a message without some fields: dotted proto paths that stand elsewhere in the request. */
  ofFields(message: MessageType, direction: Direction, omitted: readonly string[]): Schema {
    const fields = message.fields.filter(({ name }) => !omitted.includes(name));
    const exclusive = message.oneofs.map((oneof) => ({ ...oneof, members: fields.filter((field) => oneof.fields.includes(field.name)) }));
    // A required oneof becomes variants, one a member; of any other at most one member may be there.
    const variants = exclusive.filter(({ required, members, fields: all }) => direction === "in" && required && members.length === all.length && members.length > 1);
    const inVariants = new Set(variants.flatMap(({ members }) => members));
    const plain = fields.filter((field) => !inVariants.has(field));
    const property = (field: Field): [string, Schema] => {
      const inner = omitted.filter((path) => path.startsWith(`${field.name}.`)).map((path) => path.slice(field.name.length + 1));
      return [field.jsonName, this.ofField(field, direction, inner)];
    };
    const allOf = variants.map(({ members }) => ({
      oneOf: members.map((field) => ({ type: "object", title: field.jsonName, properties: Object.fromEntries([property(field)]), required: [field.jsonName] })),
    }));
    const dependentSchemas = Object.fromEntries(exclusive.filter((each) => !variants.includes(each)).flatMap(({ members }) => exclusions(members)));
    return compact({
      type: "object",
      description: described(message.docs, message.cel.map(({ message: text }) => text)),
      deprecated: message.deprecated || undefined,
      properties: plain.length > 0 ? Object.fromEntries(plain.map(property)) : undefined,
      required: plain.filter((field) => isPresent(field, direction)).map(({ jsonName }) => jsonName),
      allOf,
      dependentSchemas: Object.keys(dependentSchemas).length > 0 ? dependentSchemas : undefined,
    });
  }

  /** The schema of a field's value. */
  ofField(field: Field, direction: Direction, omitted: readonly string[] = []): Schema {
    const rules = (direction === "in" && field.rules?.ignore !== "always" && field.rules) || {};
    const inner = omitted.length > 0 && field.type.kind === "message" ? this.messages.get(field.type.name) : undefined;
    const schema = inner ? this.ofFields(inner, direction, omitted) : this.ofCardinality(field, rules, direction);
    const { description = "", ...keywords } = schema as Schema & { description?: string };
    return compact({
      ...keywords,
      ...(field.redact && field.cardinality === "singular" && keywords.type === "string" && !keywords["format"] ? { format: "password" } : {}),
      description: described(field.docs, [field.docs === "" || !inner ? description : "", ...(rules.cel ?? []).map(({ message }) => message)]),
      deprecated: field.deprecated || undefined,
      readOnly: field.behaviour.includes("output_only") || undefined,
      writeOnly: field.behaviour.includes("input_only") || undefined,
    });
  }

  private ofCardinality(field: Field, rules: Rules, direction: Direction): Schema {
    if (field.cardinality === "singular") return this.ofType(field.type, rules, direction);
    if (field.cardinality === "repeated") return { type: "array", items: this.ofType(field.type, rules.items ?? {}, direction), ...listKeywords(rules) };
    const known = (rules.cel ?? []).map(({ expression }) => knownCel[expression.replace(/\s/g, "")]).find((schema) => schema !== undefined);
    const keys = field.mapKey === "string" ? { ...scalarKeywords("string", rules.keys ?? {}), description: undefined } : scalars[field.mapKey!].type === "boolean" ? { enum: ["true", "false"] } : { pattern: "^-?[0-9]+$" };
    const names = compact(keys);
    return {
      type: "object",
      additionalProperties: known ?? this.ofType(field.type, rules.values ?? {}, direction),
      ...(Object.keys(names).length > 0 ? { propertyNames: names } : {}),
      ...mapKeywords(rules),
    };
  }

  private ofType(type: FieldType, rules: Rules, direction: Direction): Schema {
    if (type.kind === "scalar") return { ...scalars[type.scalar], ...orZero(type.scalar, rules, scalarKeywords(type.scalar, rules)) };
    if (type.kind === "enum") return this.ofEnum(type.name, rules);
    const wrapped = type.name.startsWith("google.protobuf.") ? wrappers[type.name.replace("google.protobuf.", "")] : undefined;
    if (wrapped) return { ...scalars[wrapped], ...scalarKeywords(wrapped, rules) };
    const schema = this.ofMessage(type.name, direction);
    return schema.$ref ? schema : { ...schema, ...timeKeywords(rules) };
  }

  private ofEnum(name: string, rules: Rules): Schema {
    if (name === "google.protobuf.NullValue") return { ...special["NullValue"] };
    const found = this.enums.get(name)!;
    const admitted = found.values.filter(({ number }) => (rules.const ?? number) === number && (rules.in?.includes(number) ?? true) && !rules.notIn?.includes(number));
    if (admitted.length < found.values.length) return { type: "string", enum: admitted.map((value) => value.name) };
    const component = this.names.get(name)!;
    this.components[component] ??= compact({
      type: "string",
      description: described(found.docs, found.values.map((value) => (value.docs ? `\`${value.name}\`: ${value.docs}` : "")), "\n- "),
      deprecated: found.deprecated || undefined,
      enum: found.values.map((value) => value.name),
    });
    return { $ref: `#/components/schemas/${component}` };
  }

  private reachable(roots: readonly string[]): Set<string> {
    const found = new Set<string>();
    const visit = (name: string): void => {
      const message = this.messages.get(name);
      if (message === undefined || found.has(name)) return;
      found.add(name);
      for (const { type } of message.fields) if (type.kind === "message") visit(type.name);
    };
    roots.forEach(visit);
    return found;
  }

  /** Grows until nothing changes, because messages may hold each other. */
  private findTwofold(model: Model): Set<string> {
    const twofold = new Set<string>();
    const differs = (field: Field): boolean =>
      isPresent(field, "in") !== isPresent(field, "out") || field.rules !== undefined || (field.type.kind === "message" && twofold.has(field.type.name));
    for (let size = -1; size !== twofold.size; ) {
      size = twofold.size;
      for (const message of model.messages) if (message.fields.some(differs) || message.cel.length > 0) twofold.add(message.fullName);
    }
    return twofold;
  }
}

/** Rules that do not count for the default value admit it as well. */
function orZero(scalar: Scalar, { ignore }: Rules, keywords: Schema): Schema {
  const { description, ...rules } = keywords as Schema & { description?: string };
  if (ignore !== "if_zero" || Object.keys(rules).length === 0) return keywords;
  const zero = scalar === "bool" ? false : scalars[scalar].type === "string" ? (scalars[scalar].format?.toString().endsWith("64") ? "0" : "") : 0;
  return compact({ anyOf: [{ const: zero }, rules], description });
}

/** True if a valid message always has the property. */
function isPresent(field: Field, direction: Direction): boolean {
  if (direction === "in") return isRequired(field);
  return field.oneof === undefined && (field.presence === "implicit" || field.presence === "required");
}

function described(docs: string, notes: readonly string[], separator = " "): string | undefined {
  const sentences = notes.filter((note) => note !== "").map((note) => (separator === " " && !/[.!?]$/.test(note) ? `${note[0]!.toUpperCase()}${note.slice(1)}.` : note));
  const text = [docs, ...sentences].filter((part) => part !== "").join(separator);
  return text === "" ? undefined : text;
}

/** Each member says that those behind it must not be there as well. */
function exclusions(members: readonly Field[]): [string, Schema][] {
  return members.slice(0, -1).map((member, index) => [
    member.jsonName,
    { propertyNames: { not: { enum: members.slice(index + 1).map(({ jsonName }) => jsonName) } } },
  ]);
}
