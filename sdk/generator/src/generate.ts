/** Runs targets over a contract: from a folder of protos, or its image, to the files they want written. */
import { posix } from "node:path";
import { buildModel } from "./build/build-model.js";
import { buildImage, type ContractChoice, type Image } from "./image.js";
import type { Model, OutputFile, Target } from "./model.js";
import { targets as allTargets } from "./targets/index.js";

/** A target with the folder it writes to and its options. */
export interface TargetChoice {
  readonly target: Target;
  /** Relative to the output folder, with forward slashes. */
  readonly folder: string;
  readonly options: Readonly<Record<string, string>>;
}

/** What a run makes. */
export interface Generated {
  readonly model: Model;
  /** Paths relative to the output folder. */
  readonly files: readonly OutputFile[];
  /** Own proto files with the SHA-256 of their descriptors, comments included. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** Every target into a folder of its own name. */
export const defaultChoices: readonly TargetChoice[] = allTargets.map((target) => ({ target, folder: target.name, options: {} }));

/**
 * Generates from a folder of protos.
 * @throws GeneratorError with every problem of the contract
 */
export async function generate(protoDir: string, choices: readonly TargetChoice[], contract?: ContractChoice): Promise<Generated> {
  return generateFrom(await buildImage(protoDir, contract), choices);
}

/**
 * Generates from an image.
 * @throws GeneratorError with every problem of the contract
 */
export function generateFrom(image: Image, choices: readonly TargetChoice[]): Generated {
  const model = buildModel(image);
  const files = choices.flatMap(({ target, folder, options }) => filesIn(folder, target.emit(model, options, image)));
  return { model, files, inputs: image.inputs };
}

/** Files of a target in the folder that was chosen for it. */
export function filesIn(folder: string, files: readonly OutputFile[]): OutputFile[] {
  return files.map((file) => ({ ...file, path: posix.join(folder, file.path) }));
}
