/** Comments of generated code. */

/** A JSDoc comment with its line end; empty where there is nothing to say. */
export function jsdoc(paragraphs: readonly string[], { deprecated = false, indent = "" } = {}): string {
  const said = [...paragraphs.map((text) => text.trim()).filter((text) => text !== ""), ...(deprecated ? ["@deprecated"] : [])];
  if (said.length === 0) return "";
  const lines = said
    .map((text) => text.replaceAll("*/", "*\\/"))
    .join("\n\n")
    .split("\n")
    .map((line) => line.trim());
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} *${line === "" ? "" : ` ${line}`}\n`).join("")}${indent} */\n`;
}
