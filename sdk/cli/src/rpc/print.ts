/** Prints messages as tables, JSON or lines of JSON, and picks rows. */
import type { JsonObject, JsonValue } from "@parapet/sdk/runtime";
import { UsageError } from "./command-line.js";

/** Forms of output. */
export const outputs = ["table", "json", "ndjson"] as const;

/** Name of a form. */
export type Output = (typeof outputs)[number];

/** Widest cell of a table, in characters. */
const cellCharsMax = 60;

type Row = JsonObject;
type Keep = (row: Row) => boolean;

const comparisons: readonly (readonly [operator: string, make: (wanted: string) => (text: string) => boolean])[] = [
  ["!=", (wanted) => (text) => text !== wanted],
  ["~", (wanted) => { const pattern = regexOf(wanted); return (text) => pattern.test(text); }],
  ["=", (wanted) => (text) => text === wanted],
];

/** A test that all filters must pass: `NAME=VALUE`, `NAME!=VALUE`, `NAME~REGEX`; NAME may be a dotted path, and a list passes if an item does. Throws a UsageError. */
export function filterOf(filters: readonly string[]): Keep {
  const tests = filters.map((filter): Keep => {
    const found = comparisons
      .map(([operator, make]) => ({ at: filter.indexOf(operator), operator, make }))
      .filter(({ at }) => at > 0)
      .sort((a, b) => a.at - b.at)[0];
    if (found === undefined) throw new UsageError(`--filter ${JSON.stringify(filter)}: wanted NAME=VALUE, NAME!=VALUE or NAME~REGEX`);
    const { at, operator, make } = found;
    const [path, test] = [filter.slice(0, at).split("."), make(filter.slice(at + operator.length))];
    return (row) => {
      const texts = textsAt(row, path);
      return operator === "!=" ? texts.every(test) : texts.some(test);
    };
  });
  return (row) => tests.every((test) => test(row));
}

function regexOf(text: string): RegExp {
  try {
    return new RegExp(text, "u");
  } catch {
    throw new UsageError(`--filter: ${JSON.stringify(text)} is no regular expression`);
  }
}

function textsAt(value: JsonValue | undefined, path: readonly string[]): string[] {
  if (Array.isArray(value)) return value.flatMap((item: JsonValue) => textsAt(item, path));
  const [name, ...rest] = path;
  if (name === undefined) return value === undefined ? [] : [plain(value)];
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return [];
  return textsAt((value as JsonObject)[name], rest);
}

/** Rows under their columns; without rows a single line that says so. */
export function tableOf(rows: readonly Row[], columns: readonly string[]): string {
  if (rows.length === 0) return "nothing found\n";
  const shown = columns.length > 0 ? columns : Object.keys(rows[0]!);
  const cells = [shown.map((name) => name.toUpperCase()), ...rows.map((row) => shown.map((name) => cell(textsAt(row, name.split(".")).join(", "))))];
  const widths = shown.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells.map((row) => `${row.map((text, column) => (column === row.length - 1 ? text : text.padEnd(widths[column]!))).join("  ").trimEnd()}\n`).join("");
}

/** One message: a line for each field. A message that only wraps another one is that other one. */
export function recordOf(message: Row): string {
  const [only, ...others] = Object.values(message);
  if (others.length === 0 && typeof only === "object" && only !== null && !Array.isArray(only)) return recordOf(only as Row);
  const entries = Object.entries(message).map(([name, value]): [string, string] => [name, plain(value)]);
  if (entries.length === 0) return "done\n";
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, text]) => `${name.padEnd(width)}  ${visible(text)}\n`).join("");
}

function cell(text: string): string {
  const line = visible(text);
  return line.length > cellCharsMax ? `${line.slice(0, cellCharsMax - 1)}…` : line;
}

/** What a server sends must not move the cursor, recolour the terminal, or read backwards. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) => (character === "\n" ? "⏎" : "�"));
}

function plain(value: JsonValue): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
