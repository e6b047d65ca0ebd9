/** Finds members of one name in JSON objects, which JSON.parse merges without a word. */
import { endOfText } from "./json-text.js";

/** Objects with more members than this are looked up in a set. */
const listedMax = 8;

const quote = 0x22;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const blank = 0x20;

/**
 * True if an object at any depth has two members of one name: what reads the text ahead of us may have believed the other
 * one (RFC 8259 section 4; ProtoJSON refuses it). The text must be valid JSON.
 */
export function namesTwice(text: string): boolean {
  const outer: (string[] | Set<string> | undefined)[] = [];
  let names: string[] | Set<string> | undefined;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = endOfText(text, at + 1);
      let next = end + 1;
      while (text.charCodeAt(next) <= blank) next++;
      // In valid JSON only the name of a member stands before a colon.
      if (text.charCodeAt(next) === colon) {
        const name = nameIn(text, at, end);
        if (Array.isArray(names)) {
          if (names.includes(name)) return true;
          if (names.push(name) > listedMax) names = new Set(names);
        } else {
          if (names!.has(name)) return true;
          names!.add(name);
        }
        at = next;
      } else at = next - 1;
    } else if (code === openBrace || code === openBracket) {
      outer.push(names);
      names = code === openBrace ? [] : undefined;
    } else if (code === closeBrace || code === closeBracket) names = outer.pop();
  }
  return false;
}

/** The name between two quotes; spelled with escapes it is the same name. */
function nameIn(text: string, open: number, end: number): string {
  const name = text.slice(open + 1, end);
  return name.includes("\\") ? (JSON.parse(text.slice(open, end + 1)) as string) : name;
}
