/** Text as GitHub-flavoured Markdown that means what it says. */

/** A comment as paragraphs: its own Markdown stays; HTML and headings, which no comment means, are shown as they stand. */
export function prose(text: string): string {
  return plain(text.trim())
    .split("\n")
    .map((line) => line.trimEnd().replace(/^( {0,3})(#{1,6}(?:\s|$)|=+$|-+$)/, "$1\\$2"))
    .join("\n");
}

/** A comment on one line, as cells of tables need it. */
export function cell(text: string): string {
  const lines = plain(text.trim()).split("\n");
  return lines.length === 1 ? lines[0]! : lines.map((line) => line.trim()).join("\n").replace(/\n{2,}/g, "<br>").replaceAll("\n", " ");
}

/** Text as it stands, in a fixed width. */
export function code(text: string): string {
  if (!/[`\n]/.test(text)) return `\`${text}\``;
  const longest = Math.max(0, ...Array.from(text.matchAll(/`+/g), ([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  const gap = text.startsWith("`") || text.endsWith("`") ? " " : "";
  return `${fence}${gap}${text.replaceAll("\n", " ")}${gap}${fence}`;
}

/** A table; empty where it has no row. No cell holds a line end; a `|` in one, even in code, ends no cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const line = (cells: readonly string[]): string => `| ${cells.map((text) => (text.includes("|") ? text.replaceAll("|", "\\|") : text)).join(" | ")} |\n`;
  return `${line(head)}|${"---|".repeat(head.length)}\n${rows.map(line).join("")}`;
}

/** A block of code. */
export function fenced(language: string, text: string): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/^`{3,}/gm), ([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}\n`;
}

/** The first sentence of a comment, on one line. */
export function firstSentence(text: string): string {
  const line = text.trim().replace(/\s+/g, " ");
  return /^.*?[.!?](?=\s|$)/.exec(line)?.[0] ?? line;
}

/** `<` and `&` outside of code, which is a span or stands between fences, begin no HTML. */
export function plain(text: string): string {
  if (!/[<&]/.test(text)) return text;
  return text.replace(/^ {0,3}```[^]*?(?:^ {0,3}```|(?![^]))|`+[^`]+`+|&(?=#?\w+;)|</gm, (found) => (found === "<" ? "&lt;" : found === "&" ? "&amp;" : found));
}
