/** Reads the parameter of a protoc plugin: `name=value,name=value`. */
import type { Target } from "../model.js";

/** Parameters of a target's plugin, each with one line of help. */
export function parametersOf({ options, scaffolds }: Target): Readonly<Record<string, string>> {
  return {
    ...options,
    policy: "file with policy and REST bindings for protos that are not yours to annotate, as --policy of parapet-generate",
    ...(scaffolds ? { scaffold: "true: also write the files that are yours from then on; a compiler overwrites them, so ask for it once" } : {}),
  };
}

/** What a parameter says. */
export interface Parameters {
  /** Those of the target. */
  readonly options: Readonly<Record<string, string>>;
  /** Name of the policy file; undefined: none. */
  readonly policy: string | undefined;
  readonly scaffold: boolean;
}

/** A parameter that makes no sense. */
export class ParameterError extends Error {}

/**
 * Reads a parameter. A part without `=` belongs to the value before it, so that values may hold commas.
 * @throws ParameterError for names that the target does not know
 */
export function readParameters(text: string, target: Target): Parameters {
  const known = parametersOf(target);
  const values = new Map<string, string>();
  let last = "";
  for (const part of text === "" ? [] : text.split(",")) {
    const at = part.indexOf("=");
    if (at === -1 && last !== "") {
      values.set(last, `${values.get(last)},${part}`);
      continue;
    }
    last = part.slice(0, at === -1 ? undefined : at);
    if (!Object.hasOwn(known, last)) throw new ParameterError(`unknown parameter "${last}"; known: ${Object.keys(known).join(", ")}`);
    if (at === -1) throw new ParameterError(`parameter "${part}" has no value; write ${part}=VALUE`);
    if (values.has(last)) throw new ParameterError(`parameter "${last}" is given twice`);
    values.set(last, part.slice(at + 1));
  }
  const { scaffold = "false", policy, ...options } = Object.fromEntries(values);
  if (scaffold !== "true" && scaffold !== "false") throw new ParameterError(`parameter "scaffold" is true or false, not "${scaffold}"`);
  return { options, policy, scaffold: scaffold === "true" };
}
