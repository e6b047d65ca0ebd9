/** Reads protovalidate rules into the model's neutral form. */
import { toJson } from "@bufbuild/protobuf";
import { type FieldRules, FieldRulesSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { CelRule, Rules } from "../model.js";

type JsonRules = Record<string, unknown>;

/** Rules whose value is a count: uint64 in the proto, a number in the model. */
const counts = new Set(["len", "minLen", "maxLen", "lenBytes", "minBytes", "maxBytes", "minItems", "maxItems", "minPairs", "maxPairs"]);
/** Rules that the model names as the proto does. */
const plain = new Set([
  "const", "in", "notIn", "gt", "gte", "lt", "lte", "finite", "definedOnly", "unique", "example",
  "within", "pattern", "prefix", "suffix", "contains", "notContains",
]);
/** Rules of bytes count bytes, whatever they are called. */
const bytesNames: Readonly<Record<string, string>> = { len: "lenBytes", minLen: "minBytes", maxLen: "maxBytes" };

/** The rules of a field, or undefined where there are none. */
export function rulesOf(rules: FieldRules): Rules | undefined {
  return fromJson(toJson(FieldRulesSchema, rules) as JsonRules);
}

/** CEL rules, the short form (`cel_expression`) included, whose id is its expression. */
export function celOf(json: JsonRules): CelRule[] {
  const short = (json["celExpression"] ?? []) as string[];
  const long = (json["cel"] ?? []) as Partial<CelRule>[];
  return [
    ...short.map((expression) => ({ id: expression, message: "", expression })),
    ...long.map(({ id = "", message = "", expression = "" }) => ({ id, message, expression })),
  ];
}

function fromJson(json: JsonRules): Rules | undefined {
  const rules: Record<string, unknown> = {};
  if (json["required"] === true) rules["required"] = true;
  if (json["ignore"] === "IGNORE_ALWAYS") rules["ignore"] = "always";
  if (json["ignore"] === "IGNORE_IF_ZERO_VALUE") rules["ignore"] = "if_zero";
  const cel = celOf(json);
  for (const [type, value] of Object.entries(json)) {
    if (value !== null && typeof value === "object" && !Array.isArray(value)) addTyped(rules, type, value as JsonRules);
  }
  if (cel.length > 0) rules["cel"] = cel;
  return Object.keys(rules).length === 0 ? undefined : (rules as Rules);
}

/** Numbers of 32 bits as people write them: the shortest text that means the same one. */
function asFloat(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asFloat);
  if (typeof value !== "number") return value;
  let digits = 1;
  while (Math.fround(Number(value.toPrecision(digits))) !== value && digits < 9) digits++;
  return Number(value.toPrecision(digits));
}

/** `type` is the name of the rules' kind, such as `string` or `repeated`. */
function addTyped(rules: Record<string, unknown>, type: string, json: JsonRules): void {
  for (const [name, value] of Object.entries(json)) {
    if (counts.has(name)) rules[type === "bytes" ? (bytesNames[name] ?? name) : name] = Number(value);
    else if (plain.has(name)) rules[name] = type === "float" ? asFloat(value) : value;
    else if (name === "items" || name === "keys" || name === "values") {
      const nested = fromJson(value as JsonRules);
      if (nested) rules[name] = nested;
    } else if (name === "ltNow") rules["now"] = "before";
    else if (name === "gtNow") rules["now"] = "after";
    else if (name === "wellKnownRegex") rules["format"] = String(value).replace("KNOWN_REGEX_", "").toLowerCase();
    else if (value === true && name !== "strict") rules["format"] = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  }
}
