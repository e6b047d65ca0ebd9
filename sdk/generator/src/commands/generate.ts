/** The commands `generate` and `check`: files from a contract, and whether they still are what they would be. */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { paysForTwo, SecondThread } from "../threads/second-thread.js";
import type { Made } from "../threads/generate.js";
import { type Drift, driftOf, goneOf, isUnfinished, manifestHolds, manifestOf, writeFiles } from "../write.js";
import { type Command, type CommandIo, count, type Output, UsageError } from "./command.js";
import { contractOptions, type ContractValues, openContract } from "./contract.js";

const usage = "--proto DIR --out DIR [options]";

/** Writes. */
export const generateCommand: Command = {
  usage,
  summary: "generate from the protos in --proto, annotated with parapet.policy.v1, into --out",
  run: (args, io) => run("generate", args, io),
};

/** Compares. */
export const checkCommand: Command = {
  usage,
  summary: "write nothing; fail if the files in --out are not what it would write",
  run: (args, io) => run("check", args, io),
};

async function run(command: "generate" | "check", args: readonly string[], output: CommandIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...contractOptions,
      out: { type: "string" },
      target: { type: "string", multiple: true },
      option: { type: "string", multiple: true },
      manifest: { type: "string" },
    },
  });
  if (values.proto === undefined || values.out === undefined) throw new UsageError("--proto and --out are needed");

  const out = resolve(values.out);
  const manifestFile = values.manifest === undefined ? join(out, "manifest.json") : resolve(values.manifest);
  const { model, files, inputs } = await made(values, { targets: values.target, options: values.option });
  const manifest = manifestOf(inputs, files);
  if (command === "check") {
    if (await isUnfinished(manifestFile)) {
      output.err(`${manifestFile}: a run that wrote here was stopped before its end; generate again`);
      return 1;
    }
    const drift = await driftOf(out, manifestFile, files);
    const drifted = report(drift, output);
    if (drifted === 0 && !(await manifestHolds(manifestFile, manifest))) {
      output.err(`changed: ${manifestFile}`);
      return 1;
    }
    // What a generated file is yet to import never was there: it is to be written like any other.
    const due = new Set([...drift.missing, ...drift.changed]);
    const [fresh, gone] = partition(await goneOf(out, files), ({ importedBy }) => due.has(importedBy));
    for (const { path } of fresh) output.err(`missing: ${path}`);
    for (const { path, importedBy } of gone) output.err(`gone: ${path}: it is yours, and ${importedBy} imports it; restore it, or generate to begin anew from samples`);
    if (drifted > 0) output.err(`parapet-generate: ${count(drifted + fresh.length, "file")} to regenerate`);
    return drifted + gone.length > 0 ? 1 : 0;
  }
  const drift = await writeFiles(out, manifestFile, files, manifest);
  if (drift.foreign.length > 0) {
    drift.foreign.forEach((path) => output.err(`${path}: exists and was not generated; move it away`));
    return 1;
  }
  const methods = model.services.reduce((sum, service) => sum + service.methods.length, 0);
  output.out(`parapet-generate: ${count(methods, "method")}, ${count(files.length, "file")}, ${drift.written} written, ${drift.stale.length} stale`);
  return 0;
}

async function made(contract: ContractValues, { targets, options }: { readonly targets: string[] | undefined; readonly options: string[] | undefined }): Promise<Made> {
  const opening = openContract(contract);
  // While this thread loads, buf runs and the other thread loads. What is wrong with the contract is said behind what is wrong with the command line.
  const second = await opening.then(
    async ({ sourceBytes }) => (paysForTwo(await sourceBytes()) ? new SecondThread() : undefined),
    () => undefined,
  );
  try {
    const [{ generateInThreads }, { choicesOf }] = await Promise.all([import("../threads/generate.js"), import("./choices.js")]);
    const choices = choicesOf(targets, options);
    const { image, policy } = await opening;
    return await generateInThreads(await image, await policy, choices, second);
  } finally {
    await second?.stop();
  }
}

/** The items for which something holds, and the others. */
function partition<T>(items: readonly T[], holds: (item: T) => boolean): [T[], T[]] {
  return [items.filter(holds), items.filter((item) => !holds(item))];
}

function report(drift: Drift, output: Output): number {
  const entries = Object.entries(drift) as [keyof Drift, readonly string[]][];
  for (const [kind, paths] of entries) paths.forEach((path) => output.err(`${kind}: ${path}`));
  return entries.reduce((sum, [, paths]) => sum + paths.length, 0);
}
