/** Forms of ProtoJSON that a server reads beside the one that the schema describes, and what it refuses that no keyword says. */
import type { EnumType, Field, FieldType, MessageType, Model, Rules, Scalar } from "../../sdk/generator/src/model.js";
import { wrapped } from "./documents.js";

/**
 * What a ProtoJSON parser takes beside the form that it writes (protobuf.dev/programming-guides/json). The schema describes
 * the written form alone, so that the types made from it stay plain.
 */
export const otherForms = {
  "null": "`null` stands for a field that is not there.",
  "proto-name": "A field may be named as in the proto file: `content_md` for `contentMd`.",
  "number": "A number may be written as a string, and a 64-bit integer as a number; exponents and zero fractions count as well.",
  "enum-number": "An enum value may be written as its number, a number that nobody knows yet included.",
  "unknown-enum-name": "An enum value with an unknown name is ignored, as an unknown field is.",
  "minus-zero": "In a field that must not be 0, or whose rules do not count for 0, a float or double of -0 counts as a value.",
  "spelling": "Where a rule lists values, bytes, times and the types of a google.protobuf.Any count as what they mean, not as how they are spelled.",
  "float": "A `float` counts as the nearest number that 32 bits hold.",
} as const;

/** What the server refuses though no keyword of JSON Schema can say it. */
export const unsaid = {
  "name-twice": "An object that has a name twice, or a field under both of its names.",
  "unpaired-surrogate": "A string that is not valid Unicode.",
  "depth": "More than a hundred messages within each other.",
  "time-range": "A time outside of what google.protobuf.Timestamp and Duration can hold, though well written.",
  "number-range": "A number in a google.protobuf.Value that no double holds, such as 1e400.",
  "together": "Query parameters that go each by themselves, but not together: members of a oneof, rules of a message as a whole.",
  "any-type": "A google.protobuf.Any of a type that the server does not know, or with what is not of its type.",
} as const;

export type OtherForm = keyof typeof otherForms;
export type Unsaid = keyof typeof unsaid;

/** A document in the form that the schema describes. */
export interface Read {
  readonly json: unknown;
  /** Which other forms it had. */
  readonly forms: ReadonlySet<OtherForm>;
  /** What is wrong with it beyond the schema. */
  readonly unsaid: ReadonlySet<Unsaid>;
}

const jsonNumber = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;
const base64 = /^(?:[\w+/-]{4})*(?:[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)?$/;
const levelsMax = 100;
const secondsMax = 315_576_000_000n;

/** The keys of maps that are no text; how large they may be, the schema says. */
const keys: Readonly<Partial<Record<Scalar, RegExp>>> = {
  ...Object.fromEntries(["int32", "int64", "sint32", "sint64", "sfixed32", "sfixed64"].map((scalar) => [scalar, /^(0|-?[1-9][0-9]*)$/])),
  ...Object.fromEntries(["uint32", "uint64", "fixed32", "fixed64"].map((scalar) => [scalar, /^(0|[1-9][0-9]*)$/])),
  bool: /^(true|false)$/,
};

/** Reads documents of one contract. */
export class Reader {
  private readonly messages: ReadonlyMap<string, MessageType>;
  private readonly enums: ReadonlyMap<string, EnumType>;
  private forms = new Set<OtherForm>();
  private faults = new Set<Unsaid>();
  private namesCount = false;

  constructor(model: Model) {
    this.messages = new Map(model.messages.map((message) => [message.fullName, message]));
    this.enums = new Map(model.enums.map((each) => [each.fullName, each]));
  }

  /** A document for a message; fields along `captured` (dotted proto paths) stand in the path, and count for nothing here. */
  message(name: string, json: unknown, captured: readonly string[] = []): Read {
    this.forms = new Set();
    this.faults = new Set();
    return { json: this.messageValue(name, json, 1, captured), forms: this.forms, unsaid: this.faults };
  }

  /** The value of a field. In a query string an enum value with an unknown name is not ignored. */
  parameter(field: Field, json: unknown): Read {
    this.forms = new Set();
    this.faults = new Set();
    this.namesCount = true;
    const read = this.fieldValue(field, json, 1, []);
    this.namesCount = false;
    return { json: read, forms: this.forms, unsaid: this.faults };
  }

  private messageValue(name: string, json: unknown, level: number, captured: readonly string[] = []): unknown {
    if (level > levelsMax) this.faults.add("depth");
    if (name.startsWith("google.protobuf.")) return this.wellKnown(name, json, level);
    const message = this.messages.get(name);
    if (message === undefined || !isObject(json)) return json;
    const seen = new Set<Field>();
    const members: [string, unknown][] = [];
    for (const [key, value] of Object.entries(json)) {
      const field = message.fields.find(({ jsonName }) => jsonName === key) ?? message.fields.find((each) => each.name === key);
      if (field === undefined || captured.includes(field.name)) {
        if (field === undefined) members.push([key, value]);
        continue;
      }
      if (seen.has(field)) this.faults.add("name-twice");
      seen.add(field);
      if (key !== field.jsonName) this.forms.add("proto-name");
      if (value === null && !takesNull(field)) {
        this.forms.add("null");
        continue;
      }
      const inner = captured.filter((path) => path.startsWith(`${field.name}.`)).map((path) => path.slice(field.name.length + 1));
      const read = this.fieldValue(field, value, level, inner);
      if (read !== ignored) members.push([field.jsonName, read]);
    }
    return Object.fromEntries(members);
  }

  private fieldValue(field: Field, json: unknown, level: number, captured: readonly string[]): unknown {
    const rules = field.rules ?? {};
    if (field.cardinality === "repeated") {
      const items = { ...rules.items, ...(rules.unique ? { in: rules.items?.in ?? [] } : {}) };
      if (!Array.isArray(json)) return json;
      // No name stands for a number that nobody knows: that one differs from all others is all that counts.
      const others = rules.unique && field.type.kind === "enum" ? this.strangeNumbers(field.type.name, json) : [];
      return json.filter((item: unknown) => !others.includes(item as number)).map((item: unknown) => this.single(field.type, items, item, level)).filter((item) => item !== ignored);
    }
    if (field.cardinality === "map") {
      if (!isObject(json)) return json;
      if (field.mapKey === "string") Object.keys(json).forEach((key) => this.text(key));
      // An entry that is ignored still has to have a key.
      const isKey = keys[field.mapKey!];
      const entries = Object.entries(json).map(([key, value]) => [key, this.single(field.type, rules.values ?? {}, value, level), value] as const);
      return Object.fromEntries(entries.flatMap(([key, read, value]) => (read !== ignored ? [[key, read]] : isKey === undefined || isKey.test(key) ? [] : [[key, value]])));
    }
    const value = this.single(field.type, rules, json, level, captured);
    const knowsZero = field.presence === "implicit" && (rules.required === true || rules.ignore === "if_zero" || field.behaviour.includes("required"));
    if (!knowsZero || !Object.is(value, -0) || !(field.type.kind === "scalar" && ["float", "double"].includes(field.type.scalar))) return value;
    this.forms.add("minus-zero");
    return Number.MIN_VALUE;
  }

  private single(type: FieldType, rules: Rules, json: unknown, level: number, captured: readonly string[] = []): unknown {
    if (type.kind === "scalar") return this.scalar(type.scalar, rules, json);
    if (type.kind === "enum") return this.enumValue(type.name, rules, json);
    const scalar = wrapped(type.name);
    if (scalar !== undefined) return this.scalar(scalar, rules, json);
    const plain = this.messageValue(type.name, json, level + 1, captured);
    if (type.name === "google.protobuf.Any" && isListed(rules) && isObject(plain) && typeof plain["@type"] === "string") {
      return { ...plain, "@type": this.spelled(plain["@type"], `type.googleapis.com/${plain["@type"].slice(plain["@type"].lastIndexOf("/") + 1)}`) };
    }
    if (typeof plain !== "string" || !isListed(rules)) return plain;
    return this.spelled(plain, type.name === "google.protobuf.Duration" ? plainDuration(plain) : type.name === "google.protobuf.Timestamp" ? plainTime(plain) : plain);
  }

  private scalar(scalar: Scalar, rules: Rules, json: unknown): unknown {
    if (scalar === "string") return typeof json === "string" ? this.text(json) : json;
    if (scalar === "bytes" && typeof json === "string" && isListed(rules) && base64.test(json)) return this.spelled(json, Buffer.from(json, "base64").toString("base64"));
    if (scalar === "bool" || scalar === "bytes") return json;
    if (scalar.endsWith("64")) {
      const plain = typeof json === "number" && Number.isInteger(json) ? String(BigInt(json)) : typeof json === "string" ? (wholeOf(json) ?? json) : json;
      if (plain !== json) this.forms.add("number");
      return plain;
    }
    if (typeof json === "number" && scalar === "float") return this.single32(json);
    if (typeof json !== "string" || !jsonNumber.test(json)) return json;
    const value = Number(json);
    if (!Number.isFinite(value) || (scalar !== "double" && scalar !== "float" && !Number.isInteger(value))) return json;
    this.forms.add("number");
    return scalar === "float" ? this.single32(value) : value;
  }

  /** The number that 32 bits hold, as people write it. */
  private single32(value: number): number {
    const near = Math.fround(value);
    if (!Number.isFinite(near)) return value;
    let digits = 1;
    while (Math.fround(Number(near.toPrecision(digits))) !== near) digits++;
    const short = Number(near.toPrecision(digits));
    if (short !== value) this.forms.add("float");
    return short;
  }

  private spelled(text: string, plain: string): string {
    if (plain !== text) this.forms.add("spelling");
    return plain;
  }

  private text(text: string): string {
    if (/\p{Surrogate}/u.test(text)) this.faults.add("unpaired-surrogate");
    return text;
  }

  private enumValue(name: string, rules: Rules, json: unknown): unknown {
    if (name === "google.protobuf.NullValue") {
      if (typeof json === "string" && json !== "NULL_VALUE") return this.unknownName();
      if (json !== "NULL_VALUE" && !(Number.isInteger(json) && Math.abs((json as number) + 0.5) < 2 ** 31)) return json;
      this.forms.add("enum-number");
      return null;
    }
    const found = this.enums.get(name)!;
    if (typeof json === "string" && !found.values.some((value) => value.name === json)) return this.namesCount ? json : this.unknownName();
    if (typeof json !== "number") return json;
    const known = found.values.find(({ number }) => number === json);
    if (known !== undefined) {
      this.forms.add("enum-number");
      return known.name;
    }
    const admitted = found.open && Number.isInteger(json) && Math.abs(json + 0.5) < 2 ** 31 && !rules.definedOnly && (rules.in?.includes(json) ?? true) && rules.const === undefined && !rules.notIn?.includes(json);
    if (!admitted) return json;
    this.forms.add("enum-number");
    // Any name that the schema lists, but for the default one: what is known of the number is that no rule is against it.
    const listed = found.values.filter(({ number }) => (rules.in?.includes(number) ?? true) && !rules.notIn?.includes(number));
    return (listed.find(({ number }) => number !== 0) ?? listed[0]!).name;
  }

  /** Numbers of an open enum that have no name, unless one stands there twice. */
  private strangeNumbers(name: string, json: readonly unknown[]): readonly number[] {
    const found = this.enums.get(name)!;
    const strange = json.filter((item): item is number => found.open && Number.isInteger(item) && Math.abs((item as number) + 0.5) < 2 ** 31 && !found.values.some(({ number }) => number === item));
    if (strange.length === 0 || new Set(strange).size < strange.length) return [];
    this.forms.add("enum-number");
    return strange;
  }

  private unknownName(): typeof ignored {
    this.forms.add("unknown-enum-name");
    return ignored;
  }

  private wellKnown(name: string, json: unknown, level: number): unknown {
    if (name === "google.protobuf.Timestamp") this.timestamp(json);
    if (name === "google.protobuf.Duration") this.duration(json);
    if (["google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"].includes(name)) this.value(json, level);
    if (name === "google.protobuf.Any" && isObject(json) && !isAny(json)) this.faults.add("any-type");
    return json;
  }

  private value(json: unknown, level: number): void {
    if (level > levelsMax) this.faults.add("depth");
    if (typeof json === "string") this.text(json);
    else if (typeof json === "number" && !Number.isFinite(json)) this.faults.add("number-range");
    else if (typeof json === "object" && json !== null) {
      if (!Array.isArray(json)) Object.keys(json).forEach((key) => this.text(key));
      Object.values(json).forEach((inner) => this.value(inner, level + 1));
    }
  }

  private timestamp(json: unknown): void {
    const ms = typeof json === "string" ? Date.parse(plainTime(json)) : Number.NaN;
    if (ms < Date.parse("0001-01-01T00:00:00Z") || ms >= Date.parse("9999-12-31T23:59:59Z") + 1000) this.faults.add("time-range");
  }

  private duration(json: unknown): void {
    const found = typeof json === "string" ? /^-?(\d+)(?:\.(\d+))?s$/.exec(json) : null;
    if (found !== null && BigInt(found[1]!) > secondsMax) this.faults.add("time-range");
  }
}

/** True if an Any is empty, or holds a message of google.protobuf as ProtoJSON writes it. */
function isAny(json: Record<string, unknown>): boolean {
  if (Object.keys(json).length === 0) return true;
  const type = /^(?:.*\/)?google\.protobuf\.(\w+)$/s.exec(String(json["@type"]))?.[1];
  return type === "Empty" || (type !== undefined && Object.hasOwn(json, "value") && Object.hasOwn(heldByAny, type) && heldByAny[type]!(json["value"]));
}

const inRange = (json: unknown, low: bigint, high: bigint): boolean => {
  const digits = typeof json === "number" && Number.isInteger(json) ? String(BigInt(json)) : typeof json === "string" ? wholeOf(json) : undefined;
  return digits !== undefined && BigInt(digits) >= low && BigInt(digits) <= high;
};

/** What stands under `value` in an Any, by its type. */
const heldByAny: Readonly<Record<string, (json: unknown) => boolean>> = {
  Any: (json) => isObject(json) && isAny(json),
  BoolValue: (json) => typeof json === "boolean",
  BytesValue: (json) => typeof json === "string" && base64.test(json),
  Duration: (json) => typeof json === "string" && /^-?\d{1,12}(?:\.\d{1,9})?s$/.test(json) && Math.abs(Number(json.split(/[.s]/)[0])) <= Number(secondsMax),
  FieldMask: (json) => typeof json === "string" && !json.includes("_"),
  Int32Value: (json) => inRange(json, -(2n ** 31n), 2n ** 31n - 1n),
  ListValue: (json) => Array.isArray(json) && isValue(json),
  StringValue: (json) => typeof json === "string" && !/\p{Surrogate}/u.test(json),
  Struct: (json) => isObject(json) && isValue(json),
  Timestamp: (json) => typeof json === "string" && /^\d{4}-/.test(json) && !Number.isNaN(Date.parse(json)) && json === plainTime(json),
  UInt64Value: (json) => inRange(json, 0n, 2n ** 64n - 1n),
  Value: isValue,
};

/** True for JSON of finite numbers and valid Unicode. */
function isValue(json: unknown): boolean {
  if (typeof json === "string") return !/\p{Surrogate}/u.test(json);
  if (typeof json === "number") return Number.isFinite(json);
  if (typeof json !== "object" || json === null) return true;
  return Object.entries(json).every(([key, value]) => isValue(key) && isValue(value));
}

/** True if an object of a valid JSON text has a name twice: the text then names more members than are left when it is parsed. */
export function hasNameTwice(text: string, parsed: unknown): boolean {
  return text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '"').replaceAll(/\s/g, "").split('":').length - 1 !== membersIn(parsed);
}

function membersIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const inner = Object.values(value).reduce<number>((sum, each) => sum + membersIn(each), 0);
  return Array.isArray(value) ? inner : inner + Object.keys(value).length;
}

/** Stands for an enum value that is read as if it were not there. */
const ignored = Symbol("ignored");

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function takesNull({ type, cardinality }: Field): boolean {
  return cardinality === "singular" && type.kind !== "scalar" && (type.name === "google.protobuf.Value" || type.name === "google.protobuf.NullValue");
}

/** True if a rule compares whole values, so that it matters how they are spelled. */
function isListed({ const: only, in: some, notIn }: Rules): boolean {
  return only !== undefined || some !== undefined || notIn !== undefined;
}

/** Digits of a second as ProtoJSON writes them: none, three, six or nine. */
function plainFraction(digits: string): string {
  const nanos = digits.slice(0, 9).padEnd(9, "0").replace(/(?:000){1,3}$/, "");
  return nanos === "" ? "" : `.${nanos}`;
}

function plainDuration(text: string): string {
  const found = /^(-?)0*(\d+)(?:\.(\d{1,9}))?s$/.exec(text);
  if (found === null || !/^-?\d{1,12}[.s]/.test(text)) return text;
  const plain = `${found[2]!}${plainFraction(found[3] ?? "")}`;
  return `${plain === "0" ? "" : found[1]!}${plain}s`;
}

/** The time in UTC. */
function plainTime(text: string): string {
  const found = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  const ms = found === null ? Number.NaN : Date.parse(`${found[1]!}${found[3]!}`);
  return Number.isNaN(ms) ? text : `${new Date(ms).toISOString().slice(0, -5)}${plainFraction(found![2] ?? "")}Z`;
}

/** The decimal digits of a whole number, however it is written as JSON; undefined for any other text. */
function wholeOf(text: string): string | undefined {
  const found = jsonNumber.exec(text);
  if (found === null) return undefined;
  const [, sign, whole, fraction = "", exponent = "0"] = found;
  const digits = `${whole!}${fraction}`;
  const shift = Number(exponent) - fraction.length;
  if (/^0+$/.test(digits)) return "0";
  if (shift >= 0) return shift > 400 ? undefined : `${sign}${BigInt(digits + "0".repeat(shift))}`;
  const kept = digits.slice(0, shift);
  return /^0*$/.test(digits.slice(shift)) && kept !== "" ? `${sign}${BigInt(kept)}` : undefined;
}
