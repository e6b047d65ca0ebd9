/** The command `parapet-generate`. */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { formatProblem, GeneratorError } from "./errors.js";
import { defaultChoices, generate, type TargetChoice } from "./generate.js";
import { targets } from "./targets/index.js";
import { type Drift, driftOf, manifestHolds, manifestOf, writeFiles } from "./write.js";

/** Where a command writes. */
export interface Output {
  out(line: string): void;
  err(line: string): void;
}

/** A command line that makes no sense. */
class UsageError extends Error {}

const help = `Usage: parapet-generate [check] --proto DIR --out DIR [options]

Generates from the protos in --proto, annotated with parapet.policy.v1, into --out.
With "check" it writes nothing and fails if the files in --out are not what it would write.

Options:
  --proto DIR                 folder of protos: a buf module, or any other folder
  --out DIR                   folder to write to
  --target NAME[=DIR]         a target, and its folder in --out (default: its name); may be repeated (default: all)
  --option TARGET.NAME=VALUE  an option of a target; may be repeated
  --manifest FILE             what was read and written (default: manifest.json in --out)
  --help                      this text

Targets:
${targets.flatMap(({ name, summary, options = {} }) => [`  ${name.padEnd(16)}  ${summary}`, ...Object.entries(options).map(([option, text]) => `  ${"".padEnd(16)}    ${name}.${option}: ${text}`)]).join("\n")}
`;

/** Runs the command. Returns the exit status: 0 done, 1 the contract or the files are wrong, 2 the command line is. */
export async function main(args: readonly string[], output: Output): Promise<number> {
  try {
    return await run(args, output);
  } catch (error) {
    if (error instanceof GeneratorError) {
      error.problems.forEach((problem) => output.err(formatProblem(problem)));
      output.err(`parapet-generate: ${count(error.problems.length, "problem")}`);
      return 1;
    }
    if (error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS")) {
      output.err(`parapet-generate: ${(error as Error).message}`);
      output.err("Try: parapet-generate --help");
      return 2;
    }
    throw error;
  }
}

async function run(args: readonly string[], output: Output): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      proto: { type: "string" },
      out: { type: "string" },
      target: { type: "string", multiple: true },
      option: { type: "string", multiple: true },
      manifest: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    output.out(help.trimEnd());
    return 0;
  }
  const [command = "generate", ...rest] = positionals;
  if (rest.length > 0 || (command !== "generate" && command !== "check")) throw new UsageError(`unknown command "${positionals.join(" ")}"`);
  if (values.proto === undefined || values.out === undefined) throw new UsageError("--proto and --out are needed");

  const out = resolve(values.out);
  const manifestFile = values.manifest === undefined ? join(out, "manifest.json") : resolve(values.manifest);
  const { files, inputs, model } = await generate(values.proto, choicesOf(values.target, values.option));
  const manifest = manifestOf(inputs, files);
  if (command === "check") {
    const drift = await driftOf(out, manifestFile, files);
    const drifted = report(drift, output);
    if (drifted === 0 && !(await manifestHolds(manifestFile, manifest))) {
      output.err(`changed: ${manifestFile}`);
      return 1;
    }
    if (drifted > 0) output.err(`parapet-generate: ${count(drifted, "file")} to regenerate`);
    return drifted > 0 ? 1 : 0;
  }
  const drift = await writeFiles(out, manifestFile, files, manifest);
  if (drift.foreign.length > 0) {
    drift.foreign.forEach((path) => output.err(`${path}: exists and was not generated; move it away`));
    return 1;
  }
  const methods = model.services.reduce((sum, service) => sum + service.methods.length, 0);
  const written = drift.missing.length + drift.changed.length;
  output.out(`parapet-generate: ${count(methods, "method")}, ${count(files.length, "file")}, ${written} written, ${drift.stale.length} stale`);
  return 0;
}

function report(drift: Drift, output: Output): number {
  const entries = Object.entries(drift) as [keyof Drift, readonly string[]][];
  for (const [kind, paths] of entries) paths.forEach((path) => output.err(`${kind}: ${path}`));
  return entries.reduce((sum, [, paths]) => sum + paths.length, 0);
}

function choicesOf(names: readonly string[] | undefined, settings: readonly string[] | undefined): readonly TargetChoice[] {
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

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
