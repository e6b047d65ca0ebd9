/** Comments of generated code. */

/** A JSDoc comment with its line end; empty where there is nothing to say. */
export function jsdoc(paragraphs: readonly string[], { deprecated = false, indent = "" } = {}): string {
  const said = [...paragraphs.map((text) => withoutTags(text.trim())).filter((text) => text !== ""), ...(deprecated ? ["@deprecated"] : [])];
  if (said.length === 0) return "";
  const lines = said
    .map((text) => text.replaceAll("*/", "*\\/"))
    .join("\n\n")
    .split("\n")
    .map((line) => line.trimEnd());
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} *${line === "" ? "" : ` ${line}`}\n`).join("")}${indent} */\n`;
}

/** A comment of a proto in which no word is a tag: TypeScript takes `@deprecated` or `@internal` for one wherever it stands behind a space. */
function withoutTags(text: string): string {
  return text.includes("@") ? text.replace(/(?<=^|\s)@(?=[A-Za-z_$])/g, "\\@") : text;
}
