/** Messages and enums as exact types of their JSON (protobuf.dev/programming-guides/json). */
import type { EnumType, Field, MessageType, Model, Oneof, Rules, Scalar } from "../../model.js";
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

  const message = (desc: MessageType, form: Form): string => {
    const name = form === "input" ? names.input(desc.fullName) : names.type(desc.fullName);
    const hidden = form === "input" ? "output_only" : "input_only";
    const fields = desc.fields.filter(({ behaviour }) => !behaviour.includes(hidden));
    const body = fields.filter(({ oneof }) => oneof === undefined).map((field) => line(field, form)).join("");
    const head = jsdoc([desc.docs], { deprecated: desc.deprecated });
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
        ...(reach.requests.has(each.fullName) ? [message(both ? { ...each, docs: `${each.docs} As a request takes it.`.trim() } : each, "input")] : []),
      ];
    });
  const enums = model.enums.filter((each) => each.package === packageName && (reach.requests.has(each.fullName) || reach.responses.has(each.fullName)));
  const body = [...messages, ...enums.map((each) => emitEnum(each, names))].join("\n");
  const runtime = body.includes("rt.") ? `import type * as rt from "@parapet/sdk/runtime";\n` : "";
  const others = [...imports].sort(([a], [b]) => (a < b ? -1 : 1)).map(([from, used]) => `import type { ${[...used].sort().join(", ")} } from "${relative(module, names.typesModule(from))}";\n`);
  const head = runtime + others.join("");
  return `${tsHeader(`Types of ${packageName || "the default package"} as JSON`)}${head === "" ? "" : `${head}`}\n${body}`;
}

function emitEnum(desc: EnumType, names: Names): string {
  const values = desc.values.map((value) => `${jsdoc([value.docs], { deprecated: value.deprecated, indent: "  " })}  | ${JSON.stringify(value.name)}`);
  return `${jsdoc([desc.docs], { deprecated: desc.deprecated })}export type ${names.type(desc.fullName)} =\n${values.join("\n")};\n`;
}

/** True if a request without this field is refused for certain. */
export function mustBeSet({ presence, cardinality, behaviour, oneof, type, rules = {} }: Field): boolean {
  if (oneof !== undefined) return false;
  if (behaviour.includes("required") || presence === "required") return true;
  if (rules.ignore !== undefined) return false;
  if (rules.required) return true;
  if (cardinality === "repeated") return (rules.minItems ?? 0) > 0;
  if (cardinality === "map") return (rules.minPairs ?? 0) > 0;
  return presence === "implicit" && type.kind === "scalar" && refusesDefault(type.scalar, rules);
}

function refusesDefault(scalar: Scalar, rules: Rules): boolean {
  if (scalar === "string" || scalar === "bytes") {
    const least = Math.max(rules.minLen ?? 0, rules.minBytes ?? 0, rules.len ?? 0, rules.lenBytes ?? 0);
    return least > 0 || (rules.in !== undefined && !rules.in.includes("")) || (scalar === "string" && rules.pattern !== undefined && refusesEmpty(rules.pattern));
  }
  if (scalar === "bool") return rules.const === true;
  const { gt, gte, lt, lte } = rules;
  // With both ends and the upper one below, the rule means the values outside.
  if ((gt !== undefined || gte !== undefined) && (lt !== undefined || lte !== undefined)) {
    const low = Number(gt ?? gte);
    const high = Number(lt ?? lte);
    if (low > high) return false;
  }
  return (
    (gt !== undefined && Number(gt) >= 0) ||
    (gte !== undefined && Number(gte) > 0) ||
    (lt !== undefined && Number(lt) <= 0) ||
    (lte !== undefined && Number(lte) < 0) ||
    (rules.in !== undefined && !rules.in.some((value) => Number(value) === 0))
  );
}

function refusesEmpty(pattern: string): boolean {
  try {
    return !new RegExp(pattern, "u").test("");
  } catch {
    // RE2 knows forms that JavaScript does not: no statement.
    return false;
  }
}
