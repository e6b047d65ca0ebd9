/** Path templates of google.api.http: their grammar, and which of them match the same paths. */
import type { Template, TemplateVariable } from "./model.js";

/** A template that does not follow the grammar. */
export interface TemplateFault {
  /** What is wrong and where, counted from 1. */
  readonly fault: string;
}

const literalChar = /[A-Za-z0-9\-._~!$&'()+,;@]/;
const ident = /[A-Za-z_][A-Za-z0-9_]*/y;

/**
 * Parses a template by the grammar in google/api/http.proto:
 * `Template = "/" Segments [":" LITERAL]`, segments are `*`, `**`, literals and `{field.path=segments}`.
 * `**` stands last; literals are unreserved characters and sub-delimiters of RFC 3986 without `*`, `=` and `:`.
 */
export function parseTemplate(template: string): Template | TemplateFault {
  try {
    return new TemplateReader(template).read();
  } catch (error) {
    if (error instanceof TemplateSyntaxError) return { fault: error.message };
    throw error;
  }
}

class TemplateSyntaxError extends Error {}

class TemplateReader {
  private at = 0;
  private readonly parts: string[] = [];
  private readonly variables: TemplateVariable[] = [];

  constructor(private readonly template: string) {}

  read(): Template {
    this.expect("/", 'a template starts with "/"');
    this.readSegments(false);
    const action = this.take(":") ? this.readLiteral("a custom verb") : "";
    if (this.at < this.template.length) this.refuse(`unexpected "${this.template[this.at]}"`);
    const { template, parts, variables } = this;
    return { template, parts, variables, action };
  }

  private readSegments(inVariable: boolean): void {
    do {
      this.readSegment(inVariable);
    } while (this.take("/"));
  }

  private readSegment(inVariable: boolean): void {
    if (this.parts.at(-1) === "**") this.refuse('nothing but a custom verb may follow "**"');
    if (this.take("**")) this.parts.push("**");
    else if (this.take("*")) this.parts.push("*");
    else if (this.template[this.at] === "{") {
      if (inVariable) this.refuse("a variable holds no other variable");
      this.readVariable();
    } else this.parts.push(this.readLiteral("a segment"));
  }

  private readVariable(): void {
    this.expect("{", "a variable");
    const start = this.at;
    const names = [this.readIdent()];
    while (this.take(".")) names.push(this.readIdent());
    const field = names.join(".");
    if (this.variables.some((variable) => variable.field === field)) this.refuse(`"${field}" is captured twice`, start);
    const from = this.parts.length;
    if (this.take("=")) this.readSegments(true);
    else {
      if (this.parts.at(-1) === "**") this.refuse('nothing but a custom verb may follow "**"', start);
      this.parts.push("*");
    }
    this.expect("}", `variable "${field}" ends with "}"`);
    this.variables.push({ field, from, to: this.parts.length });
  }

  private readIdent(): string {
    ident.lastIndex = this.at;
    const name = ident.exec(this.template)?.[0];
    if (name === undefined) this.refuse("a field name is missing");
    this.at += name.length;
    return name;
  }

  private readLiteral(what: string): string {
    const start = this.at;
    while (this.at < this.template.length && literalChar.test(this.template[this.at]!)) this.at++;
    if (this.at === start) this.refuse(`${what} is empty or has a character that literals do not have`);
    return this.template.slice(start, this.at);
  }

  private take(text: string): boolean {
    if (!this.template.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  private expect(text: string, what: string): void {
    if (!this.take(text)) this.refuse(what);
  }

  private refuse(what: string, at: number = this.at): never {
    throw new TemplateSyntaxError(`${what}, at character ${at + 1} of "${this.template}"`);
  }
}

/** A set of path segments, as one part of a template accepts them. */
interface PartSet {
  /** One literal, any one segment, or any number of them. */
  readonly kind: "literal" | "one" | "many";
  /** The literal; for the others the suffix that the last segment must have: empty, or `:action`. */
  readonly text: string;
}

/** The set of paths that a template matches. */
export type PathSet = readonly PartSet[];

/** The set of paths that a template matches. */
export function pathSetOf({ parts, action }: Template): PathSet {
  return parts.map((part, index) => {
    const suffix = action !== "" && index === parts.length - 1 ? `:${action}` : "";
    if (part === "**") return { kind: "many", text: suffix };
    return part === "*" ? { kind: "one", text: suffix } : { kind: "literal", text: part + suffix };
  });
}

/** True if neither of two sets that share a path lies within the other, so that no order of precedence is natural; or if they are equal. */
export function conflict(a: PathSet, b: PathSet): boolean {
  return overlap(a, b) && covers(a, b) === covers(b, a);
}

/** True if there is a path in both. */
export function overlap(a: PathSet, b: PathSet): boolean {
  for (let at = 0; ; at++) {
    const [left, right] = [a[at], b[at]];
    if (left === undefined && right === undefined) return true;
    if (left?.kind === "many") return left.text === "" || endsSo(b, left.text, at);
    if (right?.kind === "many") return right.text === "" || endsSo(a, right.text, at);
    if (left === undefined || right === undefined || !meet(left, right)) return false;
  }
}

/** True if every path of `narrow` is in `wide`. */
export function covers(wide: PathSet, narrow: PathSet): boolean {
  for (const [at, set] of wide.entries()) {
    // Without a suffix `**` takes anything, also nothing.
    if (set.kind === "many") return set.text === "" || (narrow.length > at && narrow.at(-1)!.text.endsWith(set.text));
    const inner = narrow[at];
    if (inner === undefined) return false;
    if (inner.kind === "many") return inner.text !== "" && isAny(set, "one") && isAny(wide[at + 1], "many");
    if (set.kind === "literal" ? inner.kind !== "literal" || inner.text !== set.text : !inner.text.endsWith(set.text)) return false;
  }
  return narrow.length === wide.length;
}

function isAny(set: PartSet | undefined, kind: PartSet["kind"]): boolean {
  return set?.kind === kind && set.text === "";
}

/** `**:action` needs a last segment that can end so. */
function endsSo(set: PathSet, suffix: string, from: number): boolean {
  const last = set.at(-1)!;
  return set.length > from && meet({ kind: "one", text: suffix }, last.kind === "many" ? { kind: "one", text: last.text } : last);
}

function meet(a: PartSet, b: PartSet): boolean {
  if (a.kind === "literal" && b.kind === "literal") return a.text === b.text;
  if (a.kind === "literal") return a.text.endsWith(b.text);
  if (b.kind === "literal") return b.text.endsWith(a.text);
  return a.text.endsWith(b.text) || b.text.endsWith(a.text);
}
