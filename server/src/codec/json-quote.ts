/** Strings as JSON text (RFC 8259 section 7). */

/** Beyond this many UTF-16 units the engine's own quoting is faster. */
const shortMax = 40;

/** What `JSON.stringify` makes of a string. */
export function quote(text: string): string {
  if (text.length > shortMax) return JSON.stringify(text);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // Control characters, quotation mark, backslash, and what may be a lone surrogate.
    if (unit < 0x20 || unit === 0x22 || unit === 0x5c || unit >= 0xd800) return JSON.stringify(text);
  }
  return `"${text}"`;
}
