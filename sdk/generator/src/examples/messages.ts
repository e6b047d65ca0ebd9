/** Sample messages as protobuf-JSON that keep the rules of their fields. */
import type { EnumType, Field, Json, JsonObject, MessageType, Rules } from "../model.js";
import { wellKnownMessage } from "../well-known.js";
import { sampleDuration, sampleScalar, sampleTimestamp } from "./scalars.js";

/** Finds types by full name. */
export interface TypeIndex {
  message(name: string): MessageType | undefined;
  enum(name: string): EnumType | undefined;
}

/** Scalars behind the wrappers of google.protobuf. */
const wrapped = {
  BoolValue: "bool",
  BytesValue: "bytes",
  DoubleValue: "double",
  FloatValue: "float",
  Int32Value: "int32",
  Int64Value: "int64",
  StringValue: "string",
  UInt32Value: "uint32",
  UInt64Value: "uint64",
} as const;

/** Messages whose samples do not come from their fields. */
const special: Readonly<Record<string, (rules: Rules) => Json | undefined>> = {
  "google.protobuf.Timestamp": sampleTimestamp,
  "google.protobuf.Duration": sampleDuration,
  "google.protobuf.Empty": () => ({}),
  "google.protobuf.Struct": () => ({ name: "value" }),
  "google.protobuf.Value": () => "value",
  "google.protobuf.ListValue": () => ["value"],
  // Which paths a mask may name, and what an Any may hold, only the service knows.
  "google.protobuf.FieldMask": () => undefined,
  "google.protobuf.Any": () => undefined,
  "google.api.HttpBody": () => ({ contentType: "text/plain", data: "dGV4dA==" }),
};

/** Longest list or map that is made, in items. */
const itemsMax = 100;

/** Makes samples of one contract. */
export class Sampler {
  constructor(private readonly types: TypeIndex) {}

  /** A whole request or response of google.protobuf, in its own JSON form. `captured`: what paths need of its fields. */
  wellKnown(typeName: string, captured: JsonObject = {}): Json {
    const scalar = wrapped[typeName.replace("google.protobuf.", "") as keyof typeof wrapped];
    if (scalar !== undefined) return captured["value"] ?? sampleScalar(scalar, wellKnownMessage(typeName)!.fields[0]!, {}, 0)!;
    return special[typeName]?.({}) ?? (typeName === "google.protobuf.FieldMask" ? "" : {});
  }

  /** Like `message`, for a whole request or response, which may be one of those with samples of their own. */
  root(typeName: string, wants: (field: Field) => boolean): JsonObject {
    const value = special[typeName]?.({});
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : this.message(typeName, wants);
  }

  /**
   * A message with every field that `wants` accepts and that can be made; of a oneof the first.
   * @param together true to set all fields of which one alone may be set by a rule of the message
   */
  message(typeName: string, wants: (field: Field) => boolean, above: readonly string[] = [], together = false): JsonObject {
    const json: Record<string, Json> = {};
    const oneofs = new Set<string>();
    const excluded = new Set<string>();
    const message = this.types.message(typeName);
    for (const field of message?.fields ?? []) {
      if (!wants(field) || excluded.has(field.name) || field.rules?.ignore === "always" || (field.oneof !== undefined && oneofs.has(field.oneof))) continue;
      const made = this.field(field, wants, [...above, typeName]);
      const value = made === undefined ? emptyOf(field) : made;
      if (value === undefined) continue;
      json[field.jsonName] = value;
      if (field.oneof !== undefined) oneofs.add(field.oneof);
      if (!together) for (const { fields } of message?.choices ?? []) if (fields.includes(field.name)) fields.forEach((name) => excluded.add(name));
    }
    return json;
  }

  /** A value of a field; undefined where it would never end or cannot be made. */
  field(field: Field, wants: (field: Field) => boolean = () => true, above: readonly string[] = []): Json | undefined {
    if (field.type.kind === "message" && above.includes(field.type.name)) return undefined;
    const rules = field.rules ?? {};
    if (field.cardinality === "repeated") return this.list(field, rules, wants, above);
    if (field.cardinality === "map") return this.map(field, rules, wants, above);
    return this.single(field, rules, 0, wants, above);
  }

  private list(field: Field, rules: Rules, wants: (field: Field) => boolean, above: readonly string[]): Json | undefined {
    const length = Math.max(1, rules.minItems ?? 1);
    if (length > itemsMax || rules.maxItems === 0) return undefined;
    const items = Array.from({ length }, (_, variant) => this.single(field, rules.items ?? {}, variant, wants, above));
    return items.every((item) => item !== undefined) ? items : undefined;
  }

  private map(field: Field, rules: Rules, wants: (field: Field) => boolean, above: readonly string[]): Json | undefined {
    const length = Math.max(1, rules.minPairs ?? 1);
    if (length > itemsMax || rules.maxPairs === 0) return undefined;
    const json: Record<string, Json> = {};
    for (let variant = 0; variant < length; variant++) {
      const key = sampleScalar(field.mapKey ?? "string", { ...field, name: "name" }, rules.keys ?? {}, variant);
      const value = this.single(field, rules.values ?? {}, variant, wants, above);
      if (key === undefined || value === undefined) return undefined;
      json[typeof key === "string" ? key : JSON.stringify(key)] = value;
    }
    return json;
  }

  private single(field: Field, rules: Rules, variant: number, wants: (field: Field) => boolean, above: readonly string[]): Json | undefined {
    const { type } = field;
    if (type.kind === "scalar") return sampleScalar(type.scalar, field, rules, variant);
    if (type.kind === "enum") return this.enumValue(type.name, rules, variant);
    const made = special[type.name];
    if (made) return made(rules);
    const scalar = wrapped[type.name.replace("google.protobuf.", "") as keyof typeof wrapped];
    if (scalar !== undefined) return sampleScalar(scalar, field, rules, variant);
    return above.includes(type.name) ? undefined : this.message(type.name, wants, above);
  }

  private enumValue(name: string, rules: Rules, variant: number): Json | undefined {
    if (name === "google.protobuf.NullValue") return null;
    const values = this.types.enum(name)?.values.filter(
      ({ number, alias }) =>
        !alias && !rules.notIn?.includes(number) && (rules.in?.includes(number) ?? true) && (rules.const ?? number) === number,
    );
    if (!values || values.length === 0) return undefined;
    const stated = values.filter(({ number }) => number !== 0);
    return stated.length > 0 ? stated[variant % stated.length]!.name : values[0]!.name;
  }
}

/** What stands for a list or map whose items cannot be made. */
function emptyOf({ cardinality }: Field): Json | undefined {
  if (cardinality === "singular") return undefined;
  return cardinality === "map" ? {} : [];
}
