/** Prints JSON values as YAML 1.2 in block style. */

/** Texts that need no quotes: words that no schema of YAML takes for something else than text. */
const plainText = /^[A-Za-z/$][A-Za-z0-9_./-]*(?:[ ][A-Za-z0-9_./()-]+)*[.]?$/;
/** Words that YAML 1.1 or 1.2 reads as null, truth or a number. */
const reserved = /^(?:null|true|false|yes|no|on|off|y|n|~|nan|inf|\.nan|\.inf|[-+]?[0-9].*)$/i;

/** What a line of a literal block cannot hold: control characters, foreign line ends, spaces at its end. */
const unfitLine = /[\p{Cc}\u2028\u2029\ufeff]|\s$/u;

/** YAML of a JSON value, with a line feed at its end. Texts are plain, double-quoted as JSON, or literal blocks where they have lines. */
export function yamlOf(value: unknown): string {
  const lines: string[] = [];
  if (isNested(value)) printNested(value, "", lines, new Map());
  else lines.push(scalar(value, ""));
  return `${lines.join("\n")}\n`;
}

/** @param keys what was printed of keys: few make up a document */
function printNested(value: object, indent: string, lines: string[], keys: Map<string, string>): void {
  if (Array.isArray(value)) {
    for (const item of value) {
      if (!isNested(item)) {
        lines.push(`${indent}- ${scalar(item, `${indent}  `)}`);
        continue;
      }
      // The first line of a nested collection stands behind the dash.
      const start = lines.length;
      printNested(item, `${indent}  `, lines, keys);
      lines[start] = `${indent}- ${lines[start]!.slice(indent.length + 2)}`;
    }
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const printed = keys.get(key) ?? text(key);
    keys.set(key, printed);
    const name = `${indent}${printed}:`;
    if (!isNested(item)) lines.push(`${name} ${scalar(item, `${indent}  `)}`);
    else {
      lines.push(name);
      printNested(item, `${indent}  `, lines, keys);
    }
  }
}

/** An object or list that has something in it. */
function isNested(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.length > 0;
  for (const name in value) if ((value as Record<string, unknown>)[name] !== undefined) return true;
  return false;
}

function scalar(value: unknown, indent: string): string {
  if (typeof value === "string") return value.includes("\n") ? block(value, indent) : text(value);
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "[]" : "{}";
  return JSON.stringify(value);
}

function text(value: string): string {
  return plainText.test(value) && !reserved.test(value) ? value : JSON.stringify(value);
}

/** A literal block keeps every line; what a block cannot hold is quoted. */
function block(value: string, indent: string): string {
  const body = value.replace(/\n$/, "");
  const lines = body.split("\n");
  if (/^\s/.test(body) || lines.some((line) => unfitLine.test(line)) || lines.at(-1) === "") return JSON.stringify(value);
  const chomp = value.endsWith("\n") ? "" : "-";
  const printed = lines.map((line) => (line === "" ? "" : indent + line));
  return `|${chomp}\n${printed.join("\n")}`;
}
