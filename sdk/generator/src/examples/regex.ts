/** Makes a string that a regular expression matches. */

/**
 * A short string that an RE2 pattern matches, or undefined where the pattern uses what this does not know
 * (classes of Unicode, flags in the middle). Alternatives take their first branch, repetitions their least number.
 */
export function sampleOfPattern(pattern: string): string | undefined {
  try {
    const sample = new PatternReader(pattern).read();
    return new RegExp(pattern, "u").test(sample) ? sample : undefined;
  } catch {
    return undefined;
  }
}

const classes: Readonly<Record<string, string>> = { d: "1", w: "a", s: " ", D: "a", W: "-", S: "a" };
const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f", v: "\v" };
/** Assertions take no character. */
const assertions = new Set(["b", "B", "A", "z"]);
/** Tried in this order where a class excludes characters. */
const preferred = "a1-_A0 .:/b2".split("");

class PatternReader {
  private at = 0;
  constructor(private readonly pattern: string) {}

  read(): string {
    const sample = this.readAlternatives();
    if (this.at < this.pattern.length) throw new Error("unbalanced");
    return sample;
  }

  private readAlternatives(): string {
    const first = this.readSequence();
    while (this.take("|")) this.readSequence();
    return first;
  }

  private readSequence(): string {
    let sample = "";
    while (this.at < this.pattern.length && !"|)".includes(this.peek())) sample += this.repeat(this.readAtom());
    return sample;
  }

  private readAtom(): string {
    const char = this.next();
    if (char === "^" || char === "$") return "";
    if (char === ".") return "a";
    if (char === "(") return this.readGroup();
    if (char === "[") return this.readClass();
    return char === "\\" ? this.readEscape() : char;
  }

  private readGroup(): string {
    if (this.take("?") && !this.take(":")) {
      // (?P<name>…) and (?<name>…); flags and look-around are not known.
      this.take("P");
      if (!this.take("<") || "=!".includes(this.peek())) throw new Error("unknown group");
      while (this.next() !== ">");
    }
    const sample = this.readAlternatives();
    if (!this.take(")")) throw new Error("unbalanced");
    return sample;
  }

  private readEscape(): string {
    const char = this.next();
    if (char === "p" || char === "P" || char === "x" || /[1-9]/.test(char)) throw new Error("unknown escape");
    return assertions.has(char) ? "" : (classes[char] ?? escapes[char] ?? char);
  }

  private readClass(): string {
    const start = this.at - 1;
    const negated = this.take("^");
    let sample: string | undefined;
    for (let first = true; first || this.peek() !== "]"; first = false) {
      const char = this.next();
      if (char === "[" && this.peek() === ":") throw new Error("unknown class");
      const member = char === "\\" ? this.readEscape() : char;
      sample ??= member;
    }
    this.next();
    if (!negated) return sample!;
    const matcher = new RegExp(this.pattern.slice(start, this.at), "u");
    const found = preferred.find((candidate) => matcher.test(candidate));
    if (found === undefined) throw new Error("nothing left");
    return found;
  }

  private repeat(atom: string): string {
    let least = 1;
    if (this.take("*") || this.take("?")) least = 0;
    else if (this.peek() === "{") {
      const [text, number] = /^\{(\d+)(?:,\d*)?\}/.exec(this.pattern.slice(this.at)) ?? [];
      if (text !== undefined) {
        this.at += text.length;
        least = Number(number);
      }
    } else this.take("+");
    this.take("?");
    return atom.repeat(least);
  }

  private peek(): string {
    return this.pattern[this.at] ?? "";
  }

  private next(): string {
    const char = this.pattern[this.at++];
    if (char === undefined) throw new Error("ends too early");
    return char;
  }

  private take(char: string): boolean {
    if (this.peek() !== char) return false;
    this.at++;
    return true;
  }
}
