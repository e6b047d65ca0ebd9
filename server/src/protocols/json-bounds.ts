/** Tells JSON that would take much time and memory for few bytes, before it is parsed. */
import { jsonDepthMax, messageFieldsMax, plainValuesPerField } from "../limits.js";
import { endOfText } from "./json-text.js";

const quote = 0x22;
const comma = 0x2c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/**
 * True if objects and lists lie deeper in one another than the server takes, or there are more of them, of texts and of plain
 * values. The text need not be valid, nor decoded: bytes read as Latin-1 do as well.
 */
export function isUnbounded(text: string): boolean {
  // There is no room for so many.
  if (text.length <= jsonDepthMax) return false;
  let depth = 0;
  let room = messageFieldsMax * plainValuesPerField;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      if ((room -= plainValuesPerField) < 0) return true;
      at = endOfText(text, at + 1);
      // It has no end: not for us to say.
      if (at < 0) return false;
    } else if (code === openBrace || code === openBracket) {
      if (++depth > jsonDepthMax || (room -= plainValuesPerField) < 0) return true;
    } else if (code === closeBrace || code === closeBracket) depth--;
    else if (code === comma && --room < 0) return true;
  }
  return false;
}
