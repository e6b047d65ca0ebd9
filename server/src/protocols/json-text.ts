/** Finds the ends of texts in JSON. */

const quote = 0x22;
const backslash = 0x5c;

/** Index of the quote that ends a text which begins at `from`; -1 if none does. */
export function endOfText(text: string, from: number): number {
  const end = text.indexOf('"', from);
  if (end < 0 || text.charCodeAt(end - 1) !== backslash) return end;
  // One by one: of text that is all escapes, every second character is a quote.
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === backslash) at++;
    else if (code === quote) return at;
  }
  return -1;
}
