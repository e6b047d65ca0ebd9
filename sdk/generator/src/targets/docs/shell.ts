/** Words of a POSIX shell. */

/** A word that the shell hands on as it is. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Bytes as a format of printf. A percent sign is doubled: some shells read the format only after its escapes. */
export function octal(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => (byte === 37 ? "%%" : `\\${byte.toString(8).padStart(3, "0")}`)).join("");
}

/** A command on as many lines as it needs: options that belong together share one. */
export function command(...parts: readonly string[]): string {
  return onLines(parts, "  ");
}

/** A command that reads what another one prints. */
export function piped(source: string, ...parts: readonly string[]): string {
  return `${source} |\n  ${onLines(parts, "    ")}`;
}

function onLines(parts: readonly string[], indent: string): string {
  const flat = parts.join(" ");
  return flat.length <= 110 && !flat.includes("\n") ? flat : parts.join(` \\\n${indent}`);
}
