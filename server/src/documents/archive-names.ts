/** File names of documents in an archive: safe on any file system, and never the same for two documents. */
import { hash } from "node:crypto";

/** Shorter than the 255 bytes that file systems take, with room for a digest. */
const nameCharsMax = 160;
const digestChars = 32;

/** Names that Windows keeps for devices. */
const device = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:[.@]|$)/i;

/**
 * The file of a document: `key@lang.md`, or `key.md` without a language. Letters, digits, `-`, `_` and single inner dots
 * stand for themselves, every other byte of the UTF-8 form is `%XX`. Where that is not enough to tell two documents apart
 * (capital letters, on file systems that ignore case), or is too long, or names a device, `~` and 128 bits of SHA-256 over
 * key and language follow; `~` and `@` are escaped within the key, so these names meet no others.
 */
export function archiveName(key: string, lang: string): string {
  const name = lang === "" ? escaped(key) : `${escaped(key)}@${escaped(lang)}`;
  const isPlain = name.length <= nameCharsMax && !/[A-Z]/.test(name.replaceAll(/%../g, "")) && !device.test(name);
  if (isPlain) return `${name}.md`;
  const digest = (hash("sha256", JSON.stringify([key, lang])) as string).slice(0, digestChars);
  return `${name.slice(0, nameCharsMax)}~${digest}.md`;
}

function escaped(text: string): string {
  const bytes = Buffer.from(text);
  let out = "";
  for (const [index, byte] of bytes.entries()) {
    const char = String.fromCharCode(byte);
    const isInnerDot = char === "." && index > 0 && index < bytes.length - 1 && bytes[index - 1] !== byte;
    out += isInnerDot || /[A-Za-z0-9_-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}
