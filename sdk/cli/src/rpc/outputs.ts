/** The forms of output; apart from what prints them, which completion does without. */

/** Forms of output. */
export const outputs = ["table", "json", "ndjson"] as const;

/** Name of a form. */
export type Output = (typeof outputs)[number];
