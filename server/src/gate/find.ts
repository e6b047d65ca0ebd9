/** Finds what is wrong with the fields of messages, at any depth. */
import { type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import type { FieldViolation } from "../errors.js";

/** Adds what is wrong in a message to a list; `path` leads to the message. */
export type Find = (message: Message, path: string, found: FieldViolation[]) => void;

/** Compiles a search of a message type; undefined where there is nothing to look at, which costs nothing then. `ofField` gives how one field is looked at, if it is. */
export function compileFind(desc: DescMessage, ofField: (field: DescField) => Find | undefined): ((message: Message) => readonly FieldViolation[]) | undefined {
  if (!reaches(desc, ofField, new Set())) return undefined;
  const find = finderOf(desc, ofField, new Map());
  return (message) => {
    const found: FieldViolation[] = [];
    find(message, "", found);
    return found;
  };
}

function reaches(desc: DescMessage, ofField: (field: DescField) => Find | undefined, seen: Set<DescMessage>): boolean {
  if (seen.has(desc)) return false;
  seen.add(desc);
  return desc.fields.some((field) => ofField(field) !== undefined || (field.message !== undefined && reaches(field.message, ofField, seen)));
}

function finderOf(desc: DescMessage, ofField: (field: DescField) => Find | undefined, finders: Map<DescMessage, { find: Find }>): Find {
  const known = finders.get(desc);
  // A type that holds itself is compiled by now, or will be before the first message comes.
  if (known !== undefined) return (message, path, found) => known.find(message, path, found);
  const finder: { find: Find } = { find: () => undefined };
  finders.set(desc, finder);
  const checks = desc.fields.flatMap((field): Find[] => {
    const own = ofField(field);
    return [...(own === undefined ? [] : [own]), ...(field.message !== undefined && reaches(field.message, ofField, new Set()) ? [within(field, finderOf(field.message, ofField, finders))] : [])];
  });
  finder.find = (message, path, found) => {
    for (const check of checks) check(message, path, found);
  };
  return finder.find;
}

function within(field: DescField, find: Find): Find {
  return (message, path, found) => {
    const holder = message as unknown as Record<string, unknown>;
    const oneof = field.oneof === undefined ? undefined : (holder[field.oneof.localName] as { case?: string; value?: unknown });
    const value = oneof === undefined ? holder[field.localName] : oneof.case === field.localName ? oneof.value : undefined;
    if (value === undefined || value === null) return;
    const here = `${path}${field.name}`;
    if (field.fieldKind === "list") (value as Message[]).forEach((item, index) => find(item, `${here}[${index}].`, found));
    else if (field.fieldKind === "map") for (const [key, item] of Object.entries(value as Record<string, Message>)) find(item, `${here}[${field.mapKey === ScalarType.STRING ? JSON.stringify(key) : key}].`, found);
    else find(value as Message, `${here}.`, found);
  };
}
