/** What rules say about a field as a whole. */
import type { Field, Rules } from "./model.js";

/** Formats that an empty string satisfies. */
const formatsWithEmpty: ReadonlySet<string> = new Set(["uri_ref", "http_header_value"]);

/**
 * True if a request without the field breaks a rule: it must be set, or its default value is refused. Fields with
 * explicit presence are not looked at by their rules while unset (buf/validate/validate.proto, `Ignore`).
 */
export function isRequired(field: Field): boolean {
  const { rules = {}, presence, cardinality, type } = field;
  if (rules.ignore === "always") return false;
  if (rules.required || presence === "required" || field.behaviour.includes("required")) return true;
  if (presence === "explicit" || rules.ignore === "if_zero") return false;
  if (cardinality === "repeated") return (rules.minItems ?? 0) > 0;
  if (cardinality === "map") return (rules.minPairs ?? 0) > 0;
  if (type.kind === "enum") return refusesZero(rules);
  if (type.kind === "message") return false;
  if (type.scalar === "bool") return rules.const === true;
  return type.scalar === "string" || type.scalar === "bytes" ? refusesEmpty(rules) : refusesZero(rules);
}

/** True if an empty string, or no bytes, breaks a rule. */
export function refusesEmpty(rules: Rules): boolean {
  const least = Math.max(rules.minLen ?? 0, rules.len ?? 0, rules.minBytes ?? 0, rules.lenBytes ?? 0);
  return (
    least > 0 ||
    Boolean(rules.prefix || rules.suffix || rules.contains) ||
    (rules.const !== undefined && rules.const !== "") ||
    (rules.in !== undefined && !rules.in.includes("")) ||
    rules.notIn?.includes("") === true ||
    rules.notContains === "" ||
    (rules.format !== undefined && !formatsWithEmpty.has(rules.format)) ||
    (rules.pattern !== undefined && !matchesEmpty(rules.pattern))
  );
}

function refusesZero(rules: Rules): boolean {
  const [gt, gte, lt, lte] = [rules.gt, rules.gte, rules.lt, rules.lte].map((bound) => (bound === undefined ? undefined : Number(bound)));
  const aboveLow = gte === undefined ? gt === undefined || gt < 0 : gte <= 0;
  const belowHigh = lte === undefined ? lt === undefined || lt > 0 : lte >= 0;
  const low = gte ?? gt;
  const high = lte ?? lt;
  // A lower bound above the upper one means: outside of the range between them.
  const outside = low !== undefined && high !== undefined && low > high;
  const inBounds = outside ? (low !== undefined && aboveLow) || (high !== undefined && belowHigh) : aboveLow && belowHigh;
  const isZero = (value: unknown): boolean => Number(value) === 0;
  return (
    !inBounds ||
    (rules.const !== undefined && !isZero(rules.const)) ||
    (rules.in !== undefined && !rules.in.some(isZero)) ||
    rules.notIn?.some(isZero) === true
  );
}

function matchesEmpty(pattern: string): boolean {
  try {
    return new RegExp(pattern, "u").test("");
  } catch {
    return false;
  }
}
