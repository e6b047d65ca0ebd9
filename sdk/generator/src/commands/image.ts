/** The command `image`: the contract with its policy file applied, for other programs. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { write } from "../files.js";
import { type Command, count, UsageError } from "./command.js";
import { contractOptions, contractUsage, readContract } from "./contract.js";

/** Writes a buf image, once the contract holds together. */
export const imageCommand: Command = {
  usage: `${contractUsage} --out FILE`,
  summary: "write the contract as a buf image with the policy file applied; what `buf generate FILE` makes messages from where --policy is used",
  async run(args, { out }) {
    const { values } = parseArgs({ args: [...args], options: { ...contractOptions, out: { type: "string" } } });
    if (values.proto === undefined || values.out === undefined) throw new UsageError("--proto and --out are needed");
    const image = await readContract(values);
    const [{ imageBytes }, { buildModel }] = await Promise.all([import("../image.js"), import("../build/build-model.js")]);
    buildModel(image);
    await write(resolve(values.out), imageBytes(image));
    out(`parapet-generate: ${count(image.ownFiles.length, "file")} written to ${values.out}`);
    return 0;
  },
};
