/** Messages and enums as JSON Schemas of their protobuf-JSON. */
import type { EnumType, Field, FieldType, MessageType, Model, Rules, Scalar } from "../../model.js";
import { indexOf } from "../../model-index.js";
import { isRequired } from "../../rules.js";
import { plain } from "../docs/markdown.js";
import { celOfField, celOfMessage } from "./cel.js";
import { choiceInWords, choicesOf } from "./choices.js";
import { anyKeywords, exclusion, keyKeywords, listKeywords, mapKeywords, maskKeywords, scalarKeywords, setKeywordsOf, specialNumbers, timeKeywords } from "./constraints.js";
import { componentNames } from "./names.js";
import { compact, type Schema } from "./types.js";

/** `in`: what a server reads. `out`: what it writes. Rules hold for what comes in; fields without presence always go out. */
export type Direction = "in" | "out";

const uint32Max = 4_294_967_295;
const longPattern = { int64: "^(0|-?[1-9][0-9]{0,18})$", uint64: "^(0|[1-9][0-9]{0,19})$" };

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

/** What comes in may be spelled in several ways: both alphabets of base64, offsets of times. What goes out has one. */
const incoming: Readonly<Record<string, Schema>> = {
  bytes: { pattern: "^([A-Za-z0-9+/_-]{4})*([A-Za-z0-9+/_-]{2}(==)?|[A-Za-z0-9+/_-]{3}=?)?$" },
  Timestamp: { pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]\\d{2}:\\d{2})$" },
  FieldMask: { pattern: "^[^_]*$" },
};

/** protobuf.dev/programming-guides/json: messages with a JSON form of their own. */
const special: Readonly<Record<string, Schema>> = {
  Any: {
    type: "object",
    properties: { "@type": { type: "string", description: "URL that names the type." } },
    // Empty, or with its type.
    not: { minProperties: 1, not: { properties: { "@type": {} }, required: ["@type"] } },
    additionalProperties: true,
  },
  Duration: { type: "string", pattern: "^-?[0-9]{1,12}(\\.[0-9]{1,9})?s$" },
  Empty: { type: "object" },
  FieldMask: { type: "string", description: "Comma-separated JSON names of fields." },
  ListValue: { type: "array", items: {} },
  NullValue: { type: "null" },
  Struct: { type: "object", additionalProperties: true },
  Timestamp: { type: "string", format: "date-time" },
  Value: {},
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
    const { messages, enums } = indexOf(model);
    this.messages = messages;
    this.enums = enums;
    this.twofold = this.findTwofold(model);
    const methods = model.services.flatMap((service) => service.methods);
    const coming = this.reachable(methods.map(({ request }) => request));
    const going = this.reachable([...methods.map(({ response }) => response), ...model.webhooks.map(({ payload }) => payload)]);
    this.both = new Set([...coming].filter((name) => going.has(name)));
  }

  /** A message by its full name; undefined for those of google.protobuf. */
  message(name: string): MessageType | undefined {
    return this.messages.get(name);
  }

  /** The component of a message: one of its own for requests where they take another form than responses. */
  componentOf(name: string, direction: Direction): string {
    return this.names.get(name)! + (direction === "in" && this.both.has(name) && this.twofold.has(name) ? "Input" : "");
  }

  /** A reference to a message, or its special form. */
  ofMessage(name: string, direction: Direction): Schema {
    const short = name.replace("google.protobuf.", "");
    if (name.startsWith("google.protobuf.") && short in special) return { ...special[short], ...(direction === "in" ? incoming[short] : {}) };
    if (name.startsWith("google.protobuf.") && short in wrappers) return ofScalar(wrappers[short]!, {}, direction);
    const message = this.messages.get(name);
    if (message === undefined) return { type: "object" };
    const component = this.componentOf(name, direction);
    if (!(component in this.components)) {
      this.components[component] = {};
      this.components[component] = this.ofFields(message, direction, []);
    }
    return { $ref: `#/components/schemas/${component}` };
  }

  /** The schema of a message without some fields: dotted proto paths that stand elsewhere in the request. */
  ofFields(message: MessageType, direction: Direction, omitted: readonly string[]): Schema {
    // Of a oneof there is one: where a part of it stands elsewhere, the others cannot be here.
    const isElsewhere = (name: string): boolean => omitted.some((path) => path === name || path.startsWith(`${name}.`));
    const decided = new Set(message.oneofs.flatMap((oneof) => (oneof.fields.some(isElsewhere) ? oneof.fields.filter((name) => !isElsewhere(name)) : [])));
    const barred = message.fields.filter(({ name }) => decided.has(name)).map(({ jsonName }) => jsonName);
    const fields = message.fields.filter(({ name }) => !omitted.includes(name) && !decided.has(name));
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
    const dependentSchemas = Object.fromEntries(exclusive.flatMap(({ members }) => exclusions(members)));
    const cel = direction === "in" ? celOfMessage(message, isElsewhere) : {};
    const choices = direction === "in" ? choicesOf(message, isElsewhere, (name) => this.enums.get(name)!.values[0]!.name) : {};
    return compact({
      type: "object",
      description: described(message.docs, [...(message.choices ?? []).map((choice) => choiceInWords(choice, message)), ...message.cel.map(({ message: text }) => text)]),
      deprecated: message.deprecated || undefined,
      properties: plain.length > 0 ? Object.fromEntries(plain.map(property)) : undefined,
      required: plain.filter((field) => isPresent(field, direction)).map(({ jsonName }) => jsonName),
      allOf,
      dependentSchemas: Object.keys(dependentSchemas).length > 0 ? dependentSchemas : undefined,
      propertyNames: barred.length > 0 ? { not: { enum: barred } } : undefined,
      not: exclusion([...(cel.excluded ?? []), ...(choices.excluded ?? [])]),
      "x-cel": cel.unsaid || choices.unsaid ? [...(cel.unsaid ?? []), ...(choices.unsaid ?? [])] : undefined,
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
    const set = direction === "in" && mustBeSet(field);
    const { description, ...keywords } = this.ofValue(field, set && field.type.kind === "enum" ? { ...rules, notIn: [...(rules.notIn ?? []), 0] } : rules, direction) as Schema & { description?: string };
    const more = set ? setKeywordsOf(field) : {};
    // A keyword that a rule has brought says as much, or something else.
    const added = "not" in more && "not" in keywords ? { allOf: [more] } : Object.fromEntries(Object.entries(more).filter(([keyword]) => !(keyword in keywords)));
    return compact({ ...keywords, ...added, "x-cel": celOfField(field, rules).unsaid, description });
  }

  private ofValue(field: Field, rules: Rules, direction: Direction): Schema {
    if (field.cardinality === "singular") return this.ofType(field.type, rules, direction);
    if (field.cardinality === "repeated") return orEmpty(rules, { type: "array", items: this.ofType(field.type, rules.items ?? {}, direction) }, listKeywords(rules));
    const { values } = celOfField(field, rules);
    const names = compact(this.ofKeys(field.mapKey!, rules.keys ?? {}));
    const type = {
      type: "object",
      additionalProperties: values ?? this.ofType(field.type, rules.values ?? {}, direction),
      ...(Object.keys(names).length > 0 ? { propertyNames: names } : {}),
    };
    return orEmpty(rules, type, mapKeywords(rules));
  }

  private ofKeys(key: Scalar, rules: Rules): Schema {
    if (key === "string") return { ...scalarKeywords("string", rules), description: undefined };
    return key === "bool" ? { enum: rules.const === undefined ? ["true", "false"] : [String(rules.const)] } : keyKeywords(key, rules);
  }

  private ofType(type: FieldType, rules: Rules, direction: Direction): Schema {
    if (type.kind === "scalar") return ofScalar(type.scalar, rules, direction);
    if (type.kind === "enum") return this.ofEnum(type.name, rules);
    const short = type.name.startsWith("google.protobuf.") ? type.name.slice("google.protobuf.".length) : "";
    const wrapped = wrappers[short];
    if (wrapped) return ofScalar(wrapped, rules, direction);
    const schema = this.ofMessage(type.name, direction);
    if (short === "Any") return { ...schema, ...anyKeywords(rules) };
    if (short === "FieldMask") return { ...schema, ...maskKeywords(rules) };
    return short === "Timestamp" || short === "Duration" ? { ...schema, ...orDefault(short === "Duration" ? "0s" : "1970-01-01T00:00:00Z", rules, timeKeywords(rules)) } : schema;
  }

  private ofEnum(name: string, rules: Rules): Schema {
    if (name === "google.protobuf.NullValue") return { ...special["NullValue"] };
    const found = this.enums.get(name)!;
    const admitted = found.values.filter(({ number }) => (number === found.values[0]?.number && rules.ignore === "if_zero") || ((rules.const ?? number) === number && (rules.in?.includes(number) ?? true) && !rules.notIn?.includes(number)));
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
      isPresent(field, "in") !== isPresent(field, "out") || field.rules !== undefined || isSpelled(field) || (field.type.kind === "message" && twofold.has(field.type.name));
    for (let size = -1; size !== twofold.size; ) {
      size = twofold.size;
      for (const message of model.messages) if (message.fields.some(differs) || message.cel.length > 0 || message.choices !== undefined) twofold.add(message.fullName);
    }
    return twofold;
  }
}

/** True if what comes in may be spelled otherwise than what goes out. */
function isSpelled({ type }: Field): boolean {
  if (type.kind === "scalar") return type.scalar in incoming;
  const short = type.name.replace("google.protobuf.", "");
  return short in incoming || short === "BytesValue";
}

/** A scalar in JSON. */
function ofScalar(scalar: Scalar, rules: Rules, direction: Direction): Schema {
  // Bytes are counted as their encoding says, beside the keyword that counts them.
  const keywords = orDefault(defaults[scalar] ?? 0, rules, scalarKeywords(scalar, rules), scalar === "bytes" ? { contentEncoding: "base64" } : {});
  const schema = { ...scalars[scalar], ...(direction === "in" ? incoming[scalar] : {}) };
  if (scalar !== "double" && scalar !== "float") return { ...withoutWider(schema, keywords), ...keywords };
  const names = specialNumbers(rules);
  const { description, ...bounds } = keywords as Schema & { description?: string };
  return names.length > 0 ? compact({ anyOf: [{ ...schema, ...bounds }, { type: "string", enum: names }], description }) : { ...schema, ...keywords };
}

/** The bounds of a type go where a rule has narrower ones that exclude their end: of one side a schema has one bound. */
function withoutWider({ minimum, maximum, ...schema }: Schema, keywords: Schema): Schema {
  return compact({ ...schema, minimum: "exclusiveMinimum" in keywords ? undefined : minimum, maximum: "exclusiveMaximum" in keywords ? undefined : maximum });
}

/** Default values in JSON, where they are not 0. */
const defaults: Readonly<Partial<Record<Scalar, string | boolean>>> = { string: "", bytes: "", bool: false, int64: "0", sint64: "0", sfixed64: "0", uint64: "0", fixed64: "0" };

/** Rules that do not count for the default value admit it as well. */
function orDefault(value: unknown, { ignore }: Rules, keywords: Schema, beside: Schema = {}): Schema {
  const { description, ...rules } = keywords as Schema & { description?: string };
  if (ignore !== "if_zero" || Object.keys(rules).length === 0) return keywords;
  return compact({ anyOf: [{ const: value }, { ...beside, ...rules }], description });
}

/** As orDefault, for lists and maps: rules that do not count for an empty one. */
function orEmpty({ ignore }: Rules, type: Schema, keywords: Schema): Schema {
  const empty = type.type === "array" ? { maxItems: 0 } : { maxProperties: 0 };
  return ignore === "if_zero" && Object.keys(keywords).length > 0 ? { ...type, anyOf: [empty, keywords] } : { ...type, ...keywords };
}

/** True if a field without presence must not have its default value: as a rule says, or AIP-203. */
function mustBeSet({ rules = {}, behaviour, presence }: Field): boolean {
  return presence === "implicit" && rules.ignore !== "always" && (rules.required === true || behaviour.includes("required"));
}

/** True if a valid message always has the property. */
function isPresent(field: Field, direction: Direction): boolean {
  if (direction === "in") return isRequired(field);
  // What is only sent does not come back.
  return field.oneof === undefined && !field.behaviour.includes("input_only") && (field.presence === "implicit" || field.presence === "required");
}

function described(docs: string, notes: readonly string[], separator = " "): string | undefined {
  const sentences = notes.filter((note) => note !== "").map((note) => (separator === " " && !/[.!?]$/.test(note) ? `${note[0]!.toUpperCase()}${note.slice(1)}.` : note));
  // What is of several lines may end in a list or in code, which a sentence must not go on.
  const text = [docs, ...sentences].filter((part) => part !== "").join(separator === " " && docs.includes("\n") ? "\n\n" : separator);
  return text === "" ? undefined : plain(text);
}

/** Each member says that those behind it must not be there as well. */
function exclusions(members: readonly Field[]): [string, Schema][] {
  return members.slice(0, -1).map((member, index) => [
    member.jsonName,
    { propertyNames: { not: { enum: members.slice(index + 1).map(({ jsonName }) => jsonName) } } },
  ]);
}
