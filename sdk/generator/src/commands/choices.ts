/** Targets and their options as a command line names them. */
import { defaultChoices, type TargetChoice } from "../generate.js";
import { targets } from "../targets/index.js";
import { UsageError } from "./command.js";

/**
 * What `--target NAME[=DIR]` and `--option TARGET.NAME=VALUE` choose; without a name every target, in a folder of its own name.
 * @throws UsageError for names that nobody knows
 */
export function choicesOf(names: readonly string[] | undefined, settings: readonly string[] | undefined): readonly TargetChoice[] {
  const options = optionsOf(settings ?? []);
  const chosen = names?.map(choiceOf) ?? defaultChoices;
  for (const name of options.keys()) {
    if (chosen.every(({ target }) => target.name !== name)) throw new UsageError(`--option for "${name}", which is not among the targets of this run`);
  }
  return chosen.map((choice) => ({ ...choice, options: options.get(choice.target.name) ?? {} }));
}

function choiceOf(text: string): TargetChoice {
  const [name, folder] = splitAt(text, "=");
  const target = targets.find((candidate) => candidate.name === name);
  if (target === undefined) throw new UsageError(`unknown target "${name}"; known: ${targets.map((known) => known.name).join(", ")}`);
  return { target, folder: folder ?? name, options: {} };
}

function optionsOf(settings: readonly string[]): Map<string, Record<string, string>> {
  const options = new Map<string, Record<string, string>>();
  for (const setting of settings) {
    const [path, value] = splitAt(setting, "=");
    const [target, name = ""] = splitAt(path, ".");
    const known = targets.find((candidate) => candidate.name === target)?.options ?? {};
    if (value === undefined || !(name in known)) throw new UsageError(`unknown option "${setting}"; write TARGET.NAME=VALUE`);
    options.set(target, { ...options.get(target), [name]: value });
  }
  return options;
}

function splitAt(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
