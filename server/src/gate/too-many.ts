/** Lists and maps with more in them than a rule allows are told as that alone: what is wrong with each of a million items is not looked for. */
import { type DescField, getOption, hasOption, type Message } from "@bufbuild/protobuf";
import { field as fieldRules, Ignore } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { type CompileFind, createFind, type Find } from "./find.js";

/** Compiles the search of a message type, with what protovalidate says of `max_items` and `max_pairs`; undefined where there is no such rule. */
export const compileTooMany: CompileFind = createFind(ofField);

function ofField(field: DescField): Find | undefined {
  if ((field.fieldKind !== "list" && field.fieldKind !== "map") || !hasOption(field, fieldRules)) return undefined;
  const { ignore, type } = getOption(field, fieldRules);
  if (ignore === Ignore.ALWAYS) return undefined;
  const { localName, name } = field;
  if (field.fieldKind === "list" && type.case === "repeated" && type.value.maxItems > 0n) {
    const itemsMax = Number(type.value.maxItems);
    const description = `must contain no more than ${itemsMax} item(s)`;
    return (message, path, found) => {
      if (valueOf<readonly unknown[]>(message, localName).length > itemsMax) found.push({ field: `${path}${name}`, description, rule: "repeated.max_items" });
    };
  }
  if (field.fieldKind === "map" && type.case === "map" && type.value.maxPairs > 0n) {
    const pairsMax = Number(type.value.maxPairs);
    const description = `map must be at most ${pairsMax} entries`;
    return (message, path, found) => {
      if (hasMore(valueOf<object>(message, localName), pairsMax)) found.push({ field: `${path}${name}`, description, rule: "map.max_pairs" });
    };
  }
  return undefined;
}

function valueOf<T>(message: Message, localName: string): T {
  return (message as unknown as Record<string, T>)[localName]!;
}

function hasMore(map: object, pairsMax: number): boolean {
  let pairs = 0;
  // A message holds its maps as plain objects, whose names are all their own.
  for (const _name in map) if (++pairs > pairsMax) return true;
  return false;
}
