/** Tells JSON that would take much memory for few bytes, before it is parsed. */
import { jsonContainersMax, jsonDepthMax } from "../limits.js";

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** True if objects and lists lie deeper in one another, or are more, than the server takes. The text need not be valid. */
export function isUnbounded(text: string): boolean {
  // There is no room for so many.
  if (text.length <= jsonDepthMax) return false;
  let depth = 0;
  let containers = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      at = endOfText(text, at + 1);
      // It has no end: not for us to say.
      if (at < 0) return false;
    } else if (code === openBrace || code === openBracket) {
      if (++depth > jsonDepthMax || ++containers > jsonContainersMax) return true;
    } else if (code === closeBrace || code === closeBracket) depth--;
  }
  return false;
}

/** Index of the quote that ends a text; -1 if none does. */
function endOfText(text: string, from: number): number {
  for (let end = text.indexOf('"', from); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (before >= from && text.charCodeAt(before) === backslash) before--;
    if ((end - before) % 2 === 1) return end;
  }
  return -1;
}
