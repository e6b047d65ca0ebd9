/** Reads JSON objects that say each thing once. */

/** The object in a JSON text; undefined if it is anything else or names a member twice (RFC 8725bis; RFC 7519 section 4 leaves that open). */
export function parseObject(text: string): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return namesOf(text).length === Object.keys(value).length ? (value as Record<string, unknown>) : undefined;
}

/** Every member name of the outermost object, repeated ones too. The text is known to be valid. */
function namesOf(text: string): string[] {
  const names: string[] = [];
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"\s*:?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (depth === 1 && token.endsWith(":")) names.push(token);
  }
  return names;
}
