/** Messages and enums as tables. */
import type { EnumType, Field, MessageType } from "../../model.js";
import { constraintsOf } from "./constraints.js";
import { cell, code, prose, table } from "./markdown.js";
import type { LinkTo } from "./pages.js";
import type { Types } from "./types.js";

/** Which way a message goes. Rules hold for what comes in; what is only sent never comes back. */
export type Direction = "in" | "out" | "both";

/** The fields of a message; a sentence where it has none. */
export function fieldsTable(message: MessageType, direction: Direction, types: Types, to: LinkTo): string {
  const hidden = direction === "in" ? "output_only" : direction === "out" ? "input_only" : undefined;
  const fields = message.fields.filter(({ behaviour }) => hidden === undefined || !behaviour.includes(hidden));
  if (fields.length === 0) return "No fields.";
  const asked = direction !== "out";
  const rows = fields.map((field) => {
    const values = field.type.kind === "enum" ? types.enum(field.type.name)?.values : undefined;
    const rules = asked ? constraintsOf(field, values) : [];
    return [nameOf(field), typeOf(field, to), ...(asked ? [rules.join("; ")] : []), meaningOf(field, message, direction)];
  });
  return `${table(["field", "type", ...(asked ? ["must be"] : []), "meaning"], rows)}${asked ? rulesOfWhole(message) : ""}`;
}

/** The values of an enum. */
export function valuesTable({ values }: EnumType): string {
  return table(
    ["value", "number", "meaning"],
    values.map(({ name, number, docs, deprecated, alias }) => [code(name), String(number), sentences([cell(docs), alias ? "Another name of the same value." : "", deprecated ? "**Deprecated.**" : ""])]),
  );
}

/** The comment of a type. */
export function introOf({ docs, deprecated }: MessageType | EnumType): string {
  return [deprecated ? "**Deprecated.**" : "", prose(docs)].filter((text) => text !== "").join("\n\n");
}

/** As JSON has it; as the proto has it where that differs. */
function nameOf({ name, jsonName }: Field): string {
  return name === jsonName ? code(name) : `${code(jsonName)}<br>${code(name)}`;
}

function typeOf({ type, cardinality, mapKey }: Field, to: LinkTo): string {
  const value = type.kind === "scalar" ? type.scalar : to(lastOf(type.name), type.name);
  if (cardinality === "map") return `map of ${mapKey} to ${value}`;
  return cardinality === "repeated" ? `list of ${value}` : value;
}

/** Types of google.protobuf are known by their short names. */
function lastOf(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf(".") + 1);
}

function meaningOf(field: Field, message: MessageType, direction: Direction): string {
  const { behaviour, presence, cardinality } = field;
  const oneof = message.oneofs.find(({ name }) => name === field.oneof);
  const notes: readonly (readonly [holds: boolean, note: string])[] = [
    [oneof !== undefined, `One of ${code(oneof?.name ?? "")}.`],
    [oneof === undefined && presence === "explicit" && cardinality === "singular" && field.type.kind !== "message", "Set and unset differ."],
    [field.redact, "Secret: never recorded or logged."],
    [field.personal, "Personal: sealed in audit records."],
    [direction === "both" && behaviour.includes("output_only"), "Set by the server."],
    [direction === "both" && behaviour.includes("input_only"), "Never in an answer."],
    [behaviour.includes("immutable"), "Never changes."],
    [field.deprecated, "**Deprecated.**"],
  ];
  return sentences([cell(field.docs), ...notes.map(([holds, note]) => (holds ? note : ""))]);
}

/** What no single field says. */
function rulesOfWhole({ oneofs, cel, choices = [] }: MessageType): string {
  const lines = [
    ...oneofs.map(({ name, required, fields, docs }) => `- ${required ? "Exactly one" : "At most one"} of ${fields.map(code).join(", ")} (${code(name)})${docs === "" ? "." : `: ${cell(docs)}`}`),
    ...choices.map(({ required, fields }) => `- ${required ? "Exactly one" : "At most one"} of ${fields.map(code).join(", ")}.`),
    ...cel.map(({ message, expression }) => `- ${message === "" ? code(expression) : sentence(cell(message))}`),
  ];
  return lines.length === 0 ? "" : `\n${lines.join("\n")}\n`;
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

function sentences(parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" ");
}
