/** Generates from a compiled contract, on two threads where there is a second one. */
import { draftModel } from "../build/build-model.js";
import { GeneratorError } from "../errors.js";
import type { TargetChoice } from "../generate.js";
import { readImage } from "../image.js";
import type { MadeFile } from "../made.js";
import type { Model } from "../model.js";
import { type PolicyText, readPolicyText } from "../policy-file/load.js";
import type { SecondThread } from "./second-thread.js";
import { inOrder, makeExamples, Pieces, runTargets } from "./share.js";

/** What a run makes. */
export interface Made {
  readonly model: Model;
  readonly files: readonly MadeFile[];
  /** Own proto files with the SHA-256 of their descriptors, comments included. */
  readonly inputs: Readonly<Record<string, string>>;
}

/**
 * Generates with targets that the generator knows. Who of two threads does what depends on who is free; what is made does not.
 * @param compiled bytes of the image
 * @throws GeneratorError with every problem of the contract
 */
export async function generateInThreads(compiled: Uint8Array, policy: PolicyText | undefined, choices: readonly TargetChoice[], second?: SecondThread): Promise<Made> {
  const [examplePieces, targetPieces] = [new Pieces(), new Pieces()];
  second?.post({
    kind: "job",
    image: compiled,
    policy,
    choices: choices.map(({ target, folder, options }) => ({ name: target.name, folder, options })),
    examplePieces: examplePieces.next,
    targetPieces: targetPieces.next,
  });
  const image = readImage(compiled, await readPolicyText(policy));
  const draft = draftModel(image);
  const examples = makeExamples(draft, examplePieces);
  second?.post({ kind: "examples", examples, contractHash: image.hash });
  // A thread that is late has taken nothing, so nobody waits for it.
  const otherExamples = second && examples.length < draft.methodCount ? await second.answer("examples") : [];
  const model = draft.finish(inOrder(examples, otherExamples));

  const outcomes = runTargets(choices, model, image, targetPieces);
  const otherOutcomes = second && outcomes.length < choices.length ? await second.answer("outcomes") : [];
  const files = inOrder(outcomes, otherOutcomes).flatMap((outcome) => {
    if ("problems" in outcome) throw new GeneratorError(outcome.problems);
    return outcome.files;
  });
  return { model, files, inputs: image.inputs };
}
