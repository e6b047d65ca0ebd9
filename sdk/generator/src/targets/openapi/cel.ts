/** CEL rules as JSON Schema, where one can say the other. */
import type { CelRule, Field, MessageType, Rules } from "../../model.js";
import { setKeywords } from "./constraints.js";
import type { Schema } from "./types.js";

/** What the values of a map are, by the rule of its field without spaces. */
const knownValues: Readonly<Record<string, Schema>> = {
  "this.all(k,this[k].all(v,type(v)==string))": { type: "array", items: { type: "string" } },
};

/** A field of a message compared with its default value. */
const isDefault = /^this\.(\w+)==(?:''|""|0|false)$/;

/** What the rules of a field or message come to. */
export interface SaidCel {
  /** Schema of the values of a map. */
  readonly values?: Schema;
  /** What the message must not be, any of them. */
  readonly excluded?: readonly Schema[];
  /** Rules that no keyword says: `x-cel`. */
  readonly unsaid?: readonly { readonly id: string; readonly expression: string }[];
}

/** The rules of a field. */
export function celOfField({ cardinality }: Field, { cel = [] }: Rules): SaidCel {
  const known = (rule: CelRule): Schema | undefined => (cardinality === "map" ? knownValues[spaceless(rule)] : undefined);
  const values = cel.map(known).find((schema) => schema !== undefined);
  return { ...(values ? { values } : {}), ...keyword(cel.filter((rule) => known(rule) === undefined)) };
}

/**
 * The rules of a message. `a == '' || b == 0` says that the two are not both set.
 * @param isElsewhere true for a field that is not in the schema, because it stands elsewhere in the request
 */
export function celOfMessage(message: MessageType, isElsewhere: (field: string) => boolean): SaidCel {
  const excluded = message.cel.map((rule) => allSet(rule, message, isElsewhere));
  const said = excluded.filter((schema) => schema !== undefined);
  const unsaid = message.cel.filter((_rule, index) => excluded[index] === undefined);
  return { ...(said.length > 0 ? { excluded: said } : {}), ...keyword(unsaid) };
}

/** The message that breaks a rule by which one of several fields has its default value. */
function allSet(rule: CelRule, message: MessageType, isElsewhere: (field: string) => boolean): Schema | undefined {
  const names = spaceless(rule).split("||").map((part) => isDefault.exec(part)?.[1]);
  const fields = names.map((name) => message.fields.find((field) => field.name === name && field.cardinality === "singular"));
  if (fields.some((field) => field?.type.kind !== "scalar" || isElsewhere(field.name))) return undefined;
  return {
    required: fields.map((field) => field!.jsonName),
    properties: Object.fromEntries(fields.map((field) => [field!.jsonName, field!.type.kind === "scalar" ? setKeywords(field!.type.scalar) : {}])),
  };
}

function spaceless({ expression }: CelRule): string {
  return expression.replace(/\s/g, "");
}

function keyword(rules: readonly CelRule[]): SaidCel {
  return rules.length > 0 ? { unsaid: rules.map(({ id, expression }) => ({ id, expression })) } : {};
}
