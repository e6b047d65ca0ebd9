/** Entity tags of answers and the conditions that name them (RFC 9110 sections 8.8.3 and 13.1). */
import type { Coding } from "../protocol.js";

/** What a tag says of the coding: the bytes differ, so a strong tag must. No tag of our own has a semicolon. */
const suffixes: readonly string[] = (["gzip", "br"] satisfies Coding[]).map(suffixOf);

function suffixOf(coding: Coding): string {
  return `;${coding}`;
}

/** The tag of an answer in a coding. */
export function taggedAs(etag: string, coding: Coding): string {
  return `${etag.slice(0, -1)}${suffixOf(coding)}"`;
}

/** What a tag says of the state, between its quotes: the same for every coding. */
export function stateOf(opaque: string): string {
  const suffix = suffixes.find((each) => opaque.endsWith(each));
  return suffix === undefined ? opaque : opaque.slice(0, -suffix.length);
}

/**
 * Of the tags that a caller has, the one whose state there is, as the caller wrote it but for its weakness, which does not
 * count here; the tag of this answer for `*`. Undefined: the caller has none, or an older one.
 */
export function knownTag(sent: readonly string[], etag: string): string | undefined {
  for (const list of sent) {
    if (list === etag || list.trim() === "*") return etag;
    const state = stateOf(etag.slice(1, -1));
    for (const tag of list.match(/"[^"]*"/g) ?? []) if (stateOf(tag.slice(1, -1)) === state) return tag;
  }
  return undefined;
}
