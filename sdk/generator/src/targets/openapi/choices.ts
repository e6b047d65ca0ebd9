/** Fields of which at most one may be set, as JSON Schema: `(buf.validate.message).oneof`. */
import type { Choice, Field, MessageType } from "../../model.js";
import type { SaidCel } from "./cel.js";
import { setKeywordsOf } from "./constraints.js";
import type { Schema } from "./types.js";

/** A choice as a sentence. */
export function choiceInWords({ fields, required }: Choice, message: MessageType): string {
  const names = message.fields.filter(({ name }) => fields.includes(name)).map(({ jsonName }) => `\`${jsonName}\``);
  return required ? `Exactly one of ${names.join(", ")} must be set.` : `At most one of ${names.join(", ")} may be set.`;
}

/**
 * The choices of a message, as what it must not be: a schema that excludes is of no type, so that types made from it stay plain.
 * @param isElsewhere true for a field that is not in the schema, because it stands elsewhere in the request
 * @param zeroOf the name of an enum's first value
 */
export function choicesOf(message: MessageType, isElsewhere: (field: string) => boolean, zeroOf: (enumName: string) => string): SaidCel {
  const choices = message.choices ?? [];
  const unsaid = choices.filter(({ fields }) => fields.some(isElsewhere));
  const excluded = choices
    .filter((choice) => !unsaid.includes(choice))
    .map(({ fields, required }) => {
      const sets = message.fields.filter(({ name }) => fields.includes(name)).map((field) => setOf(field, zeroOf));
      if (sets.length === 2 && !required) return { required: sets.flatMap((set) => set.required), properties: Object.assign({}, ...sets.map((set) => set.properties)) as Schema };
      return { not: { oneOf: required ? sets : [...sets, { not: { anyOf: sets } }] } };
    });
  return {
    ...(excluded.length > 0 ? { excluded } : {}),
    ...(unsaid.length > 0 ? { unsaid: unsaid.map(({ fields, required }) => ({ id: "message.oneof", expression: `[${fields.map((name) => `has(this.${name})`).join(", ")}].filter(set, set).size() ${required ? "==" : "<="} 1` })) } : {}),
  };
}

/** A message in which a field is set: there, and other than its default value where it has no presence. */
function setOf(field: Field, zeroOf: (enumName: string) => string): { readonly required: string[]; readonly properties: Schema } {
  const keywords = field.presence !== "implicit" ? {} : field.type.kind === "enum" && field.cardinality === "singular" ? { not: { const: zeroOf(field.type.name) } } : setKeywordsOf(field);
  return { required: [field.jsonName], properties: { [field.jsonName]: keywords } };
}
