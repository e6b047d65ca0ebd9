/** JSON values as a test writes them: beside plain values there are tokens that JavaScript has no value for. */

/** A token that is written as it stands: `1e400`, `-0`, `1.0`. */
export class Token {
  constructor(readonly text: string) {}
}

/** An object whose members keep their order, and may repeat a name. */
export class Members {
  constructor(readonly list: { name: string; value: Written }[]) {}

  /** The member of a name, if there is one. */
  get(name: string): Written | undefined {
    return this.list.find((member) => member.name === name)?.value;
  }
}

/** What is written as JSON text. */
export type Written = null | boolean | number | string | Token | Members | Written[];

/** The JSON text. Unpaired surrogates are written as escapes, so that every text is valid UTF-8. */
export function textOf(value: Written): string {
  if (value instanceof Token) return value.text;
  if (value instanceof Members) return `{${value.list.map((member) => `${JSON.stringify(member.name)}:${textOf(member.value)}`).join(",")}}`;
  if (Array.isArray(value)) return `[${value.map(textOf).join(",")}]`;
  return JSON.stringify(value);
}

/** A deep copy. */
export function copyOf<T extends Written>(value: T): T {
  if (value instanceof Members) return new Members(value.list.map((member) => ({ name: member.name, value: copyOf(member.value) }))) as T;
  return (Array.isArray(value) ? value.map(copyOf) : value) as T;
}
