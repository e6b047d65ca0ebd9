/** Looks things up in a model by their names. */
import type { EnumType, Field, MessageType, Model } from "../../model.js";
import { indexOf } from "../../model-index.js";
import { wellKnownMessage } from "../../well-known.js";

/** Messages and enums of a model. */
export interface Types {
  /** A message by its full name; undefined for those of google.protobuf. */
  message(fullName: string): MessageType | undefined;
  enum(fullName: string): EnumType | undefined;
  /** JSON names along a dotted proto path. */
  jsonPath(message: string, path: string): string[];
  /** Full name of the message that a field holds, by the field's JSON name; empty: it holds none. */
  typeOf(message: string, jsonName: string): string;
  /** Messages and enums that some messages reach through their fields, sorted by full name, themselves left out. */
  reach(roots: readonly string[]): (MessageType | EnumType)[];
}

/** Makes the index. */
export function typesOf(model: Model): Types {
  const { messages, enums } = indexOf(model);
  const fieldsOf = (fullName: string | undefined): readonly Field[] => (fullName === undefined ? [] : ((messages.get(fullName) ?? wellKnownMessage(fullName))?.fields ?? []));
  return {
    message: (fullName) => messages.get(fullName),
    enum: (fullName) => enums.get(fullName),
    jsonPath(message, path) {
      let at: string | undefined = message;
      return path.split(".").map((name) => {
        const field = fieldsOf(at).find((each) => each.name === name);
        at = field?.type.kind === "message" ? field.type.name : undefined;
        return field?.jsonName ?? name;
      });
    },
    typeOf(message, jsonName) {
      const field = fieldsOf(message).find((each) => each.jsonName === jsonName);
      return field?.type.kind === "message" && field.cardinality === "singular" ? field.type.name : "";
    },
    reach(roots) {
      const found = new Set<string>();
      const visit = (name: string): void => {
        for (const { type } of fieldsOf(name)) {
          if (type.kind === "scalar" || found.has(type.name)) continue;
          found.add(type.name);
          visit(type.name);
        }
      };
      roots.forEach(visit);
      return [...found]
        .filter((name) => !roots.includes(name))
        .sort()
        .flatMap((name) => messages.get(name) ?? enums.get(name) ?? []);
    },
  };
}
