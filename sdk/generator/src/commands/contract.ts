/** The options by which commands name a contract, and how it is read. */
import { type Compilation, startCompile } from "../compile.js";
import type { Image } from "../image.js";
import { loadPolicyText, type PolicyText, readPolicyText } from "../policy-file/load.js";
import { UsageError } from "./command.js";

/** Options for `parseArgs`. */
export const contractOptions = {
  proto: { type: "string" },
  path: { type: "string", multiple: true },
  policy: { type: "string" },
} as const;

/** The same in words. */
export const contractUsage = "--proto DIR [--path PATH]... [--policy FILE]";

/** What a command line said of them. */
export interface ContractValues {
  readonly proto?: string | undefined;
  readonly path?: string[] | undefined;
  readonly policy?: string | undefined;
}

/** A contract that buf is compiling. */
export interface OpenedContract extends Compilation {
  /** The policy file, as far as one is named. */
  readonly policy: Promise<PolicyText | undefined>;
}

/**
 * Opens the contract that a command line names: when this resolves, buf is running, and the program can load what it
 * needs meanwhile. What is loaded until then is little for that reason.
 * @throws UsageError, GeneratorError
 */
export async function openContract({ proto, path = [], policy }: ContractValues): Promise<OpenedContract> {
  if (proto === undefined) throw new UsageError("--proto is needed");
  const compilation = await startCompile(proto, path);
  const text = policy === undefined ? Promise.resolve(undefined) : loadPolicyText(policy);
  // Whoever waits for them hears of it.
  for (const promise of [compilation.image, text]) promise.catch(() => undefined);
  return { ...compilation, policy: text };
}

/**
 * Reads the contract that a command line names.
 * @throws UsageError, GeneratorError
 */
export async function readContract(values: ContractValues): Promise<Image> {
  const { image, policy } = await openContract(values);
  const { readImage } = await import("../image.js");
  return readImage(await image, await readPolicyText(await policy));
}
