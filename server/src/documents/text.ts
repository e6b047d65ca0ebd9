/** Text as documents keep it: well-formed Unicode, in the order of its code points. */
import { fail, Reason } from "../errors.js";
import { isWellFormed } from "../unicode.js";

/** Throws FIELD_INVALID if a text has no UTF-8 form: it would be stored as another text than the one that was sent. */
export function requireWellFormed(field: string, text: string): void {
  if (isWellFormed(text)) return;
  throw invalidField(field, "must be well-formed Unicode", "string.well_formed");
}

/** The failure of one field that breaks a rule. */
export function invalidField(field: string, description: string, rule: string): Error {
  return fail(Reason.FIELD_INVALID, { field }, { message: `${field}: ${description}`, violations: [{ field, description, rule }] });
}

/** Compares two texts as their UTF-8 forms compare: negative, zero or positive. Units of UTF-16 alone would sort U+10000 before U+E000. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Lifts surrogates above the rest of the basic plane. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
