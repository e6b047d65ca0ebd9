/** Rules that the document names without saying them: formats that are a matter of taste, patterns of RE2, CEL, parts of bytes. */
import type { Field, MessageType, Rules } from "../../sdk/generator/src/model.js";
import type { Subject } from "./agreement.js";
import type { Surface, Violation } from "./surface.js";

/** Whether a violation is of a rule that the document only names. */
export type IsNamed = (subject: Subject, violation: Violation) => boolean;

const ofBytes: ReadonlySet<string> = new Set(["bytes.pattern", "bytes.prefix", "bytes.suffix", "bytes.contains"]);

/** Judges violations by the rules of a contract, and by the CEL rules that its document names. */
export function namedRules({ model, document }: Surface): IsNamed {
  const messages = new Map(model.messages.map((message) => [message.fullName, message]));
  const named = celIn(document);
  return ({ message: request, part }, { field: path, rule }) => {
    // A pattern on bytes that are no text can be neither kept nor broken.
    if (rule === "runtime") return true;
    // No query string has a schema of its own that could say, or name, what its parameters must be together.
    if (part === "query" && messages.get(request)!.cel.some(({ id }) => id === rule)) return true;
    if (named.has(rule)) return true;
    const field = fieldAt(messages, messages.get(request)!, path);
    return field?.rules !== undefined && [field.rules, field.rules.items, field.rules.keys, field.rules.values].some((rules) => rules !== undefined && isNamed(rules, rule));
  };
}

function isNamed(rules: Rules, rule: string): boolean {
  // `string.ip_empty` is `string.ip` on an empty text.
  if (rules.format !== undefined && [`string.${rules.format}`, `bytes.${rules.format}`].includes(rule.replace(/_empty$/, ""))) return true;
  if (rule.startsWith("string.well_known_regex")) return true;
  return ofBytes.has(rule) || (rule === "string.pattern" && !isEcma(rules.pattern ?? ""));
}

function isEcma(pattern: string): boolean {
  try {
    return new RegExp(pattern, "u") instanceof RegExp;
  } catch {
    return false;
  }
}

/** Ids of the rules under `x-cel`. */
function celIn(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value !== "object" || value === null) return found;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "x-cel") (inner as { id: string }[]).forEach(({ id }) => found.add(id));
    else celIn(inner, found);
  }
  return found;
}

/** The field at the end of a path such as `documents[3].key`. */
function fieldAt(messages: ReadonlyMap<string, MessageType>, root: MessageType, path: string): Field | undefined {
  let message: MessageType | undefined = root;
  let field: Field | undefined;
  for (const name of path.replaceAll(/\["(?:[^"\\]|\\.)*"\]|\[[^\]]*\]/g, "").split(".").filter((part) => part !== "")) {
    field = message?.fields.find((each) => each.name === name);
    message = field?.type.kind === "message" ? messages.get(field.type.name) : undefined;
  }
  return field;
}
