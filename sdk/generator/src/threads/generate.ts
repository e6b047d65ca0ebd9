/** Generates on two threads where a contract is large enough to pay for the second one. */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { buildModel } from "../build/build-model.js";
import { GeneratorError } from "../errors.js";
import { filesIn, type Generated, type TargetChoice } from "../generate.js";
import type { Image } from "../image.js";
import { type Job, type Outcome, outcomeOf } from "./outcome.js";

/** Methods from which on the second thread is worth its start. */
const methodsMin = 200;
/** What it does: about half. Both targets of OpenAPI print one document, so they stay together. */
const apart: ReadonlySet<string> = new Set(["openapi", "openapi-module"]);

/**
 * Generates from an image with targets that the generator knows: the same files in the same order as on one thread.
 * @throws GeneratorError with every problem of the contract
 */
export async function generateInThreads(image: Image, choices: readonly TargetChoice[]): Promise<Generated> {
  const methods = image.ownFiles.flatMap(({ services }) => services).reduce((sum, service) => sum + service.methods.length, 0);
  const away = choices.filter(({ target }) => apart.has(target.name));
  const pays = methods >= methodsMin && availableParallelism() > 1 && away.length > 0 && away.length < choices.length;
  // It loads while the model is built.
  const worker = pays ? new Worker(new URL("worker.js", import.meta.url)) : undefined;
  const answer = worker && (once(worker, "message") as Promise<[Outcome[]]>);
  // Whoever waits for the answer hears of it.
  answer?.catch(() => undefined);
  try {
    const model = buildModel(image);
    const outcomes = new Map<TargetChoice, Outcome>();
    worker?.postMessage({ model, targets: away.map(({ target, options }) => ({ name: target.name, options })) } satisfies Job);
    for (const choice of choices) if (!worker || !away.includes(choice)) outcomes.set(choice, outcomeOf(choice.target, model, choice.options, image));
    const [others = []] = (await answer) ?? [];
    others.forEach((outcome, index) => outcomes.set(away[index]!, outcome));
    const files = choices.flatMap((choice) => {
      const outcome = outcomes.get(choice)!;
      if ("problems" in outcome) throw new GeneratorError(outcome.problems);
      return filesIn(choice.folder, outcome.files);
    });
    return { model, files, inputs: image.inputs };
  } finally {
    await worker?.terminate();
  }
}
