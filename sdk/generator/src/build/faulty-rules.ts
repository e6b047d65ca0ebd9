/** Finds the rules that protovalidate cannot make sense of: with one of them, every call would fail. */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { CelRule, MessageType, Rules } from "../model.js";
import type { Problems } from "./problems.js";
import type { SourceDesc } from "./source.js";

/** A message that could not be checked, and what protovalidate said. */
export interface Fault {
  readonly messages: readonly DescMessage[];
  readonly said: string;
}

/** Notes each fault at the field or message whose rule it is; where that cannot be told, at the message that was checked. */
export function addFaults(faults: readonly Fault[], message: (name: string) => MessageType | undefined, problems: Problems): void {
  const noted = new Set<string>();
  for (const { messages, said } of faults) {
    const found = [...reached(messages)].flatMap((desc) => placesIn(desc, message(desc.typeName), said));
    const places: readonly SourceDesc[] = found.length > 0 ? found : messages.slice(0, 1);
    for (const at of places) {
      const name = at.kind === "field" ? `${at.parent.typeName}.${at.name}` : at.kind === "message" ? at.typeName : "";
      if (noted.has(`${name} ${said}`)) continue;
      noted.add(`${name} ${said}`);
      problems.add("rule-invalid", at, `a rule of ${name} cannot be evaluated: ${said}`);
    }
  }
}

function placesIn(desc: DescMessage, type: MessageType | undefined, said: string): SourceDesc[] {
  const isOf = (field: DescField): boolean => {
    const rules = type?.fields.find(({ name }) => name === field.name)?.rules;
    return rules !== undefined && (names(said, `${desc.typeName}.${field.name}`) || allOf(rules).some((each) => isCel(each.cel, said) || isPattern(each.pattern, said)));
  };
  const fields = desc.fields.filter(isOf);
  return fields.length === 0 && isCel(type?.cel, said) ? [desc] : fields;
}

/** The rules of a value, and those of what it holds. */
function allOf(rules: Rules): Rules[] {
  return [rules, ...[rules.items, rules.keys, rules.values].flatMap((inner) => (inner ? allOf(inner) : []))];
}

const names = (said: string, field: string): boolean => said.split(/[^\w.]+/).includes(field);
const isCel = (cel: readonly CelRule[] | undefined, said: string): boolean => cel?.some(({ id }) => said.startsWith(`failed to compile ${id}:`)) ?? false;

/** RE2 says what is wrong, not of which pattern; what it cannot read, JavaScript seldom can. */
function isPattern(pattern: string | undefined, said: string): boolean {
  if (pattern === undefined || !said.startsWith(regexpFault)) return false;
  try {
    new RegExp(pattern, "u").test("");
    return false;
  } catch {
    return true;
  }
}

/** How protovalidate begins to speak of a pattern that is none. */
export const regexpFault = "error parsing regexp";

/** Messages and all that they hold. */
function reached(messages: readonly DescMessage[]): Set<DescMessage> {
  const found = new Set<DescMessage>(messages);
  for (const desc of found) for (const { message } of desc.fields) if (message) found.add(message);
  return found;
}
