/** Reading request fields by the dotted proto paths that policies use. */
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { getOption, hasOption } from "@bufbuild/protobuf";
import { field as fieldPolicy } from "@parapet/contract/parapet/policy/v1/policy_pb";
import type { FieldReader } from "./plan.js";

/** The fields along a dotted path. Throws a RangeError that names the part that does not exist. */
export function fieldsAlong(desc: DescMessage, path: string): DescField[] {
  const fields: DescField[] = [];
  let at: DescMessage | undefined = desc;
  for (const name of path.split(".")) {
    const field: DescField | undefined = at?.fields.find((candidate) => candidate.name === name);
    if (field === undefined) throw new RangeError(`${desc.typeName} has no field ${path}`);
    fields.push(field);
    at = field.fieldKind === "message" ? field.message : undefined;
  }
  return fields;
}

/** Compiles a path to a reader of its text. Undefined for an empty path. */
export function compileReader(desc: DescMessage, path: string): FieldReader | undefined {
  if (path === "") return undefined;
  const names = fieldsAlong(desc, path).map((field) => field.localName);
  const [only] = names;
  if (names.length === 1) return (message) => text((message as unknown as Record<string, unknown>)[only!]);
  return (message) => {
    let value: unknown = message;
    for (const name of names) {
      if (value === undefined || value === null) return undefined;
      value = (value as Record<string, unknown>)[name];
    }
    return text(value);
  };
}

function text(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" ? String(value) : undefined;
}

/** True if the field identifies a person. */
export function isPersonal(field: DescField): boolean {
  return hasOption(field, fieldPolicy) && getOption(field, fieldPolicy).personal;
}

/** True if the field is a secret (`debug_redact`). */
export function isSecret(field: DescField): boolean {
  return field.proto.options?.debugRedact ?? false;
}

/** True if a message holds a secret at any depth. */
export function holdsSecret(desc: DescMessage, seen = new Set<string>()): boolean {
  if (seen.has(desc.typeName)) return false;
  seen.add(desc.typeName);
  return desc.fields.some((field) => isSecret(field) || (field.message !== undefined && holdsSecret(field.message, seen)));
}

/** Names what must not be written down: a keyed HMAC for personal values, a fixed word for secrets. */
export type Pseudonym = (value: string) => string;

/** The request as JSON text without its secrets, personal values as pseudonyms; for audit level `request`. */
export function redactedJson(desc: DescMessage, message: Message, pseudonym: Pseudonym): string {
  return JSON.stringify(redact(desc, message as unknown as Record<string, unknown>, pseudonym), (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}

function redact(desc: DescMessage, message: Record<string, unknown>, pseudonym: Pseudonym): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const field of desc.fields) {
    const value = field.oneof === undefined ? message[field.localName] : oneofValue(message[field.oneof.localName], field.localName);
    if (value === undefined || value === "" || value === false || value === 0 || value === 0n || (Array.isArray(value) && value.length === 0)) continue;
    if (isSecret(field)) out[field.jsonName] = "[redacted]";
    else if (isPersonal(field)) out[field.jsonName] = pseudonym(text(value) ?? "");
    else if (field.fieldKind === "message") out[field.jsonName] = redact(field.message, value as Record<string, unknown>, pseudonym);
    else if (field.fieldKind === "list" && field.message !== undefined) {
      const { message: item } = field;
      out[field.jsonName] = (value as Record<string, unknown>[]).map((entry) => redact(item, entry, pseudonym));
    } else if (field.fieldKind === "map" && field.message !== undefined) {
      const { message: item } = field;
      out[field.jsonName] = Object.fromEntries(Object.entries(value as Record<string, Record<string, unknown>>).map(([key, entry]) => [key, redact(item, entry, pseudonym)]));
    } else if (value instanceof Uint8Array) out[field.jsonName] = `[${value.length} bytes]`;
    else out[field.jsonName] = value;
  }
  return out;
}

function oneofValue(oneof: unknown, name: string): unknown {
  const chosen = oneof as { case?: string; value?: unknown } | undefined;
  return chosen?.case === name ? chosen.value : undefined;
}
