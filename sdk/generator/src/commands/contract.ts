/** The options by which commands name a contract, and how it is read. */
import { compile } from "../compile.js";
import type { Image } from "../image.js";
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

/**
 * Reads the contract that a command line names. buf begins to run at once, so that the program can load what it needs
 * meanwhile; what is loaded here is little for that reason.
 * @throws UsageError, GeneratorError
 */
export function openContract({ proto, path = [], policy }: ContractValues): Promise<Image> {
  if (proto === undefined) throw new UsageError("--proto is needed");
  const compiled = compile(proto, path);
  // Whoever waits for the image hears of it.
  compiled.catch(() => undefined);
  const opened = (async () => {
    const [{ readImage }, { loadPolicyFile }] = await Promise.all([import("../image.js"), import("../policy-file/load.js")]);
    const said = policy === undefined ? undefined : await loadPolicyFile(policy);
    return readImage(await compiled, said);
  })();
  opened.catch(() => undefined);
  return opened;
}
