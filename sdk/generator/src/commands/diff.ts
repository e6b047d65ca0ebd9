/** The command `diff`: breaking and weakening changes between two contracts. */
import { readFile, stat } from "node:fs/promises";
import { parseArgs } from "node:util";
import { buildModel } from "../build/build-model.js";
import { type Change, diffModels } from "../diff/diff.js";
import { GeneratorError } from "../errors.js";
import { FileError } from "../files.js";
import { buildImage, type Image, readImage } from "../image.js";
import type { Model } from "../model.js";
import { type Command, UsageError } from "./command.js";

/** Prints changes as text or JSON. Exit status 1 for a major verdict, or a policy that got weaker. */
export const diffCommand: Command = {
  usage: "OLD NEW [--json] [--allow-weaker]",
  summary: "compare two contracts (folders of protos, or images made by buf build): what callers by HTTP see, and policy, with a semver verdict; fail if one breaks or gets weaker",
  async run(args, { out }) {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: { json: { type: "boolean" }, "allow-weaker": { type: "boolean" } } });
    const [old, now, ...more] = positionals;
    if (old === undefined || now === undefined || more.length > 0) throw new UsageError("diff takes two contracts: OLD NEW");
    const found = diffModels(await modelOf(old), await modelOf(now));
    if (values.json) out(JSON.stringify(found, null, 2));
    else {
      found.changes.forEach((change) => out(lineOf(change)));
      const weaker = found.changes.filter(({ policy }) => policy === "weaker").length;
      out(`parapet-generate: ${found.verdict === "none" ? "no change" : `a ${found.verdict} change`}${weaker > 0 ? `; weaker in ${weaker} ${weaker === 1 ? "place" : "places"}` : ""}`);
    }
    return found.verdict === "major" || (!values["allow-weaker"] && found.changes.some(({ policy }) => policy === "weaker")) ? 1 : 0;
  },
};

function lineOf({ bump, policy, element, message }: Change): string {
  return `${bump.padEnd(5)} ${(policy === "same" ? "" : policy).padEnd(8)} ${element}: ${message}`;
}

async function modelOf(path: string): Promise<Model> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new UsageError(`${path}: there is no such folder or image`);
  return buildModel(found.isDirectory() ? await buildImage(path) : imageIn(path, await readFile(path)));
}

function imageIn(path: string, bytes: Uint8Array): Image {
  try {
    return readImage(bytes);
  } catch (error) {
    if (error instanceof GeneratorError) throw error;
    throw new FileError(path, `this is no image as buf build makes it: ${(error as Error).message}`, { cause: error });
  }
}
