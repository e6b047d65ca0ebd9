/** Finds what is wrong with the fields of messages, at any depth. */
import { type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import type { FieldViolation } from "../errors.js";

/** Adds what is wrong in a message to a list; `path` leads to the message. */
export type Find = (message: Message, path: string, found: FieldViolation[]) => void;

/** Compiles the search of a message type; undefined where there is nothing to look at, which costs nothing then. */
export type CompileFind = (desc: DescMessage) => ((message: Message) => readonly FieldViolation[]) | undefined;

/** Makes a compiler of searches, which compiles each type once; `ofField` gives how one field is looked at, if it is. */
export function createFind(ofField: (field: DescField) => Find | undefined): CompileFind {
  const owns = new Map<DescField, Find | undefined>();
  const own = (field: DescField): Find | undefined => {
    if (!owns.has(field)) owns.set(field, ofField(field));
    return owns.get(field);
  };
  const known = new Map<DescMessage, boolean>();
  const reaches = (desc: DescMessage): boolean => {
    let found = known.get(desc);
    if (found === undefined) known.set(desc, (found = search(desc, new Set())));
    return found;
  };
  const search = (desc: DescMessage, seen: Set<DescMessage>): boolean => {
    if (seen.has(desc)) return false;
    seen.add(desc);
    return known.get(desc) ?? desc.fields.some((field) => own(field) !== undefined || (field.message !== undefined && search(field.message, seen)));
  };
  const finders = new Map<DescMessage, { find: Find }>();
  const finderOf = (desc: DescMessage): Find => {
    const compiled = finders.get(desc);
    // A type that holds itself is compiled by now, or will be before the first message comes.
    if (compiled !== undefined) return (message, path, found) => compiled.find(message, path, found);
    const finder: { find: Find } = { find: () => undefined };
    finders.set(desc, finder);
    const checks = desc.fields.flatMap((field): Find[] => {
      const check = own(field);
      return [...(check === undefined ? [] : [check]), ...(field.message !== undefined && reaches(field.message) ? [within(field, finderOf(field.message))] : [])];
    });
    finder.find = (message, path, found) => {
      for (const check of checks) check(message, path, found);
    };
    return finder.find;
  };
  return (desc) => {
    if (!reaches(desc)) return undefined;
    const find = finderOf(desc);
    let found: FieldViolation[] = [];
    return (message) => {
      find(message, "", found);
      if (found.length === 0) return found;
      const all = found;
      found = [];
      return all;
    };
  };
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
