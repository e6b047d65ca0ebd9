/** Messages and enums as exact types of their JSON (protobuf.dev/programming-guides/json). */
import type { EnumType, Field, MessageType, Model, Oneof, Scalar } from "../../model.js";
import { isRequired } from "../../rules.js";
import { tsHeader } from "../mark.js";
import { jsdoc } from "./docs.js";
import { relative } from "./modules.js";
import { type Names, property } from "./names.js";
import type { Reach } from "./reach.js";

/** Which way a message goes: requests may leave out what responses always hold. */
type Form = "input" | "output";

const scalars: Readonly<Record<Scalar, string>> = {
  double: "rt.Float",
  float: "rt.Float",
  int32: "number",
  int64: "rt.Int64",
  uint32: "number",
  uint64: "rt.Int64",
  sint32: "number",
  sint64: "rt.Int64",
  fixed32: "number",
  fixed64: "rt.Int64",
  sfixed32: "number",
  sfixed64: "rt.Int64",
  bool: "boolean",
  string: "string",
  bytes: "rt.Base64",
};

/** Messages with a JSON form of their own. */
const wellKnown: Readonly<Record<string, string>> = {
  Any: "rt.AnyMessage",
  BoolValue: "boolean",
  BytesValue: "rt.Base64",
  DoubleValue: "rt.Float",
  Duration: "rt.Duration",
  Empty: "{ [key: string]: never }",
  FieldMask: "rt.FieldMask",
  FloatValue: "rt.Float",
  Int32Value: "number",
  Int64Value: "rt.Int64",
  ListValue: "rt.JsonValue[]",
  NullValue: "null",
  StringValue: "string",
  Struct: "rt.JsonObject",
  Timestamp: "rt.Timestamp",
  UInt32Value: "number",
  UInt64Value: "rt.Int64",
  Value: "rt.JsonValue",
};

/** Fields that every object has already: without its type, TypeScript would take no object that leaves them out. */
const inherited: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));
const inheritedType = ({ jsonName }: Field): string => (inherited.has(jsonName) && !jsonName.startsWith("__") ? `{}[${JSON.stringify(jsonName)}]` : "");

/** Type of a message that has a JSON form of its own. */
export const wellKnownOf = (fullName: string): string | undefined =>
  fullName.startsWith("google.protobuf.") ? wellKnown[fullName.slice("google.protobuf.".length)] : undefined;

/** Type of a field that holds no message or enum of a contract. */
export function plainTypeOf({ type, cardinality }: Field): string {
  const value = type.kind === "scalar" ? scalars[type.scalar] : wellKnownOf(type.name)!;
  return cardinality === "map" ? `{ [key: string]: ${value} }` : cardinality === "repeated" ? `${value}[]` : value;
}

/** Writes the types of one package. */
export function emitTypes(model: Model, packageName: string, names: Names, reach: Reach): string {
  const module = names.typesModule(packageName);
  const imports = new Map<string, Set<string>>();
  const packages = new Map([...model.messages, ...model.enums].map((type) => [type.fullName, type.package]));

  const refer = (fullName: string, name: string): string => {
    const from = packages.get(fullName)!;
    if (from !== packageName) imports.set(from, (imports.get(from) ?? new Set()).add(name));
    return name;
  };
  const valueType = ({ type }: Field, form: Form): string => {
    if (type.kind === "scalar") return scalars[type.scalar];
    const known = wellKnownOf(type.name);
    if (known !== undefined) return form === "input" && type.name.endsWith(".ListValue") ? `readonly ${known}` : known;
    if (type.kind === "message") return refer(type.name, form === "input" ? names.input(type.name) : names.type(type.name));
    const name = refer(type.name, names.type(type.name));
    // What a newer server names is not known here; a request says only what is.
    return form === "input" ? name : `${name} | rt.UnknownEnum`;
  };
  const typeOf = (field: Field, form: Form): string => {
    const value = valueType(field, form);
    if (field.cardinality === "map") return `{ ${form === "input" ? "readonly " : ""}[key: string]: ${value} }`;
    if (field.cardinality === "singular") return value;
    return `${form === "input" ? "readonly " : ""}${/[ |]/.test(value) ? `(${value})` : value}[]`;
  };
  const line = (field: Field, form: Form): string => {
    const secret = field.redact ? ["Secret."] : [];
    const optional = form === "input" ? !mustBeSet(field) : field.cardinality === "singular" && field.presence === "explicit";
    const inherited = form === "input" && optional ? inheritedType(field) : "";
    return `${jsdoc([field.docs, ...secret], { deprecated: field.deprecated, indent: "  " })}  ${property(field.jsonName)}${optional ? "?" : ""}: ${typeOf(field, form)}${inherited && ` | ${inherited}`};\n`;
  };

  const message = (desc: MessageType, form: Form, both = false): string => {
    const name = form === "input" ? names.input(desc.fullName) : names.type(desc.fullName);
    const hidden = form === "input" ? "output_only" : "input_only";
    const fields = desc.fields.filter(({ behaviour }) => !behaviour.includes(hidden));
    const body = fields.filter(({ oneof }) => oneof === undefined).map((field) => line(field, form)).join("");
    const head = jsdoc(both ? noted(desc.docs, "As a request takes it.") : [desc.docs], { deprecated: desc.deprecated });
    const oneofs = desc.oneofs.map((oneof) => variants(oneof, fields, form)).filter((text) => text !== "");
    if (oneofs.length === 0) return `${head}export interface ${name} {\n${body}}\n`;
    return `${head}export type ${name} = {\n${body}} & ${oneofs.join(" & ")};\n`;
  };
  /** One of the fields and none of the others, or none at all. */
  const variants = (oneof: Oneof, fields: readonly Field[], form: Form): string => {
    const members = fields.filter((field) => field.oneof === oneof.name);
    if (members.length === 0) return "";
    const never = (field: Field): string => `${property(field.jsonName)}?: ${inheritedType(field) || "never"}`;
    const chosen = members.map((field) => {
      const others = members.filter((other) => other !== field).map(never);
      return `  | { ${[`${property(field.jsonName)}: ${typeOf(field, form)}`, ...others].join("; ")} }\n`;
    });
    const none = form === "input" && oneof.required ? [] : [`  | { ${members.map(never).join("; ")} }\n`];
    return `(\n${[...chosen, ...none].join("")})`;
  };

  const messages = model.messages
    .filter((each) => each.package === packageName)
    .flatMap((each) => {
      const both = reach.requests.has(each.fullName) && reach.responses.has(each.fullName);
      return [
        ...(reach.responses.has(each.fullName) ? [message(each, "output")] : []),
        ...(reach.requests.has(each.fullName) ? [message(each, "input", both)] : []),
      ];
    });
  const enums = model.enums.filter((each) => each.package === packageName && (reach.requests.has(each.fullName) || reach.responses.has(each.fullName)));
  const body = [...messages, ...enums.map((each) => emitEnum(each, names))].join("\n");
  const runtime = body.includes("rt.") ? `import type * as rt from "@parapet/sdk/runtime";\n` : "";
  const others = [...imports].sort(([a], [b]) => (a < b ? -1 : 1)).map(([from, used]) => `import type { ${[...used].sort().join(", ")} } from "${relative(module, names.typesModule(from))}";\n`);
  const head = runtime + others.join("");
  return `${tsHeader(`Types of ${packageName || "the default package"} as JSON`)}${head === "" ? "" : `${head}`}\n${body}`;
}

/** A comment with a note: on its line, where it is of one, else below, since it may end in a list or in code. */
function noted(docs: string, note: string): string[] {
  return docs.includes("\n") ? [docs, note] : [`${docs} ${note}`];
}

function emitEnum(desc: EnumType, names: Names): string {
  const values = desc.values.map((value) => `${jsdoc([value.docs], { deprecated: value.deprecated, indent: "  " })}  | ${JSON.stringify(value.name)}`);
  return `${jsdoc([desc.docs], { deprecated: desc.deprecated })}export type ${names.type(desc.fullName)} =\n${values.join("\n")};\n`;
}

/** True if a request without this field is refused for certain. */
export function mustBeSet(field: Field): boolean {
  return field.oneof === undefined && isRequired(field);
}
