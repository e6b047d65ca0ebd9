/** Refuses texts that may not be stored: those that UTF-8 cannot hold without a change. */
import { fail, Reason } from "../errors.js";
import { isWellFormed } from "../unicode.js";

/** Throws FIELD_INVALID for the first of these fields, by its path in the request, whose text is not well-formed. */
export function requireWellFormed(fields: Readonly<Record<string, string>>): void {
  for (const [field, text] of Object.entries(fields)) {
    if (!isWellFormed(text)) throw fieldInvalid(field, "must be well-formed Unicode", "string.well_formed");
  }
}

/** The failure of one field: FIELD_INVALID with its violation. */
export function fieldInvalid(field: string, description: string, rule: string) {
  return fail(Reason.FIELD_INVALID, { field }, { message: `${field}: ${description}`, violations: [{ field, description, rule }] });
}
