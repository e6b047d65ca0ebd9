/** Fields that the contract marks as REQUIRED with google.api.field_behavior must be set (AIP-203). */
import { type DescField, type DescMessage, getOption, hasOption, isFieldSet, type Message, ScalarType } from "@bufbuild/protobuf";
import { field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { field_behavior, FieldBehavior } from "@parapet/contract/google/api/field_behavior_pb";
import type { FieldViolation } from "../errors.js";

/** Adds what is missing in a message, at any depth, to a list; `path` leads to the message. */
type Find = (message: Message, path: string, missing: FieldViolation[]) => void;

/** Compiles the search of a message type; undefined where nothing is marked, which costs nothing then. */
export function compileRequired(desc: DescMessage): ((message: Message) => readonly FieldViolation[]) | undefined {
  if (!reachesRequired(desc, new Set())) return undefined;
  const find = finderOf(desc, new Map());
  return (message) => {
    const missing: FieldViolation[] = [];
    find(message, "", missing);
    return missing;
  };
}

/** A field with the rule `required` is protovalidate's to report. */
function isRequired(field: DescField): boolean {
  return hasOption(field, field_behavior) && getOption(field, field_behavior).includes(FieldBehavior.REQUIRED) && !(hasOption(field, fieldRules) && getOption(field, fieldRules).required);
}

function reachesRequired(desc: DescMessage, seen: Set<DescMessage>): boolean {
  if (seen.has(desc)) return false;
  seen.add(desc);
  return desc.fields.some((field) => isRequired(field) || (field.message !== undefined && reachesRequired(field.message, seen)));
}

function finderOf(desc: DescMessage, finders: Map<DescMessage, { find: Find }>): Find {
  const known = finders.get(desc);
  // A type that holds itself is compiled by now, or will be before the first message comes.
  if (known !== undefined) return (message, path, missing) => known.find(message, path, missing);
  const finder: { find: Find } = { find: () => undefined };
  finders.set(desc, finder);
  const checks = desc.fields.flatMap((field): Find[] => [...(isRequired(field) ? [ofField(field)] : []), ...(field.message !== undefined && reachesRequired(field.message, new Set()) ? [within(field, finderOf(field.message, finders))] : [])]);
  finder.find = (message, path, missing) => {
    for (const check of checks) check(message, path, missing);
  };
  return finder.find;
}

function ofField(field: DescField): Find {
  return (message, path, missing) => {
    if (!isFieldSet(message, field)) missing.push({ field: `${path}${field.name}`, description: "value is required", rule: "required" });
  };
}

function within(field: DescField, find: Find): Find {
  return (message, path, missing) => {
    const holder = message as unknown as Record<string, unknown>;
    const oneof = field.oneof === undefined ? undefined : (holder[field.oneof.localName] as { case?: string; value?: unknown });
    const value = oneof === undefined ? holder[field.localName] : oneof.case === field.localName ? oneof.value : undefined;
    if (value === undefined || value === null) return;
    const here = `${path}${field.name}`;
    if (field.fieldKind === "list") (value as Message[]).forEach((item, index) => find(item, `${here}[${index}].`, missing));
    else if (field.fieldKind === "map") for (const [key, item] of Object.entries(value as Record<string, Message>)) find(item, `${here}[${field.mapKey === ScalarType.STRING ? JSON.stringify(key) : key}].`, missing);
    else find(value as Message, `${here}.`, missing);
  };
}
