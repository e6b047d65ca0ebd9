/** Prints messages as tables, JSON or lines of JSON, and picks rows. */
import type { JsonObject, JsonValue } from "@parapet/sdk/runtime";
import stringWidth from "string-width";
import { UsageError } from "./command-line.js";

/** Widest cell of a table, in columns of a terminal. */
const cellColumnsMax = 60;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

type Row = JsonValue;

/** True for a JSON object. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
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
  const widths = shown.map((_, column) => Math.max(...cells.map((row) => stringWidth(row[column]!))));
  return cells.map((row) => `${row.map((text, column) => (column === row.length - 1 ? text : padded(text, widths[column]!))).join("  ").trimEnd()}\n`).join("");
}

/** One message: a line for each field, or one for what is no object. A message that only wraps another one is that other one. */
export function recordOf(message: Row): string {
  if (!isObject(message)) return `${visible(plain(message))}\n`;
  const [only, ...others] = Object.values(message);
  if (others.length === 0 && typeof only === "object" && only !== null && !Array.isArray(only)) return recordOf(only as Row);
  const entries = Object.entries(message).map(([name, value]): [string, string] => [name, plain(value)]);
  if (entries.length === 0) return "done\n";
  const width = Math.max(...entries.map(([name]) => stringWidth(name)));
  return entries.map(([name, text]) => `${padded(name, width)}  ${visible(text)}\n`).join("");
}

function cell(text: string): string {
  const line = visible(text);
  if (stringWidth(line) <= cellColumnsMax) return line;
  let [shown, width] = ["", 0];
  for (const { segment } of graphemes.segment(line)) {
    width += stringWidth(segment);
    if (width >= cellColumnsMax) break;
    shown += segment;
  }
  return `${shown}…`;
}

/** Filled up to a width in columns of a terminal: a character may take none, one or two. */
function padded(text: string, width: number): string {
  return text + " ".repeat(width - stringWidth(text));
}

/** What a server sends must not move the cursor, recolour the terminal, or read backwards. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) => (character === "\n" ? "⏎" : "�"));
}

function plain(value: JsonValue): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
