/** Prints JSON values as TypeScript literals. */
import type { Json, JsonObject } from "../model.js";

/** Longest run of one character that is printed as it is. */
const runMax = 40;
/** Objects and lists up to this length stay on one line, in characters. */
const inlineMax = 120;

/** A literal of a JSON value; texts that only repeat one character become `"a".repeat(n)`. */
export function tsLiteral(value: Json, indent = ""): string {
  if (typeof value === "string") return textLiteral(value);
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const deeper = `${indent}  `;
  const isList = Array.isArray(value);
  const parts = isList
    ? (value as readonly Json[]).map((item) => tsLiteral(item, deeper))
    : Object.entries(value as JsonObject).map(([key, item]) => `${keyLiteral(key)}: ${tsLiteral(item, deeper)}`);
  const [open, close] = isList ? "[]" : "{}";
  if (parts.length === 0) return `${open}${close}`;
  // Long lists are many characters, which nobody joins to count them.
  const length = parts.reduce((sum, part) => sum + part.length + 2, isList ? 0 : 2);
  if (length <= inlineMax && !parts.some((part) => part.includes("\n"))) return isList ? `[${parts.join(", ")}]` : `{ ${parts.join(", ")} }`;
  return `${open}\n${parts.map((part) => `${deeper}${part},\n`).join("")}${indent}${close}`;
}

function textLiteral(text: string): string {
  if (text.length <= runMax || text !== text[0]!.repeat(text.length)) return JSON.stringify(text);
  return `${JSON.stringify(text[0])}.repeat(${text.length})`;
}

function keyLiteral(key: string): string {
  if (key.length > runMax && key === key[0]!.repeat(key.length)) return `[${textLiteral(key)}]`;
  // Only a computed key makes a property of this name.
  if (key === "__proto__") return '["__proto__"]';
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
}
