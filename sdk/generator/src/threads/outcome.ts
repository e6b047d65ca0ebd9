/** What becomes of one target, in a form that travels between threads. */
import { GeneratorError, type Problem } from "../errors.js";
import type { Image } from "../image.js";
import type { Model, OutputFile, Target } from "../model.js";

/** Its files, or what it cannot express. */
export type Outcome = { readonly files: readonly OutputFile[] } | { readonly problems: readonly Problem[] };

/** Targets for the other thread, named, because functions do not travel. */
export interface Job {
  readonly model: Model;
  readonly targets: readonly { readonly name: string; readonly options: Readonly<Record<string, string>> }[];
}

/** Runs a target. */
export function outcomeOf(target: Target, model: Model, options: Readonly<Record<string, string>>, image: Image): Outcome {
  try {
    return { files: target.emit(model, options, image) };
  } catch (error) {
    if (error instanceof GeneratorError) return { problems: error.problems };
    throw error;
  }
}
