/** The second thread of a run: loads what it needs at once, then does its share of one job. */
import { parentPort } from "node:worker_threads";
import { draftModel } from "../build/build-model.js";
import { GeneratorError } from "../errors.js";
import { readImage } from "../image.js";
import { readPolicyText } from "../policy-file/load.js";
import { targets } from "../targets/index.js";
import type { Answer, FirstExamples, Job } from "./messages.js";
import { inOrder, makeExamples, Pieces, runTargets } from "./share.js";

const byName = new Map(targets.map((target) => [target.name, target]));
const port = parentPort!;

function answer(message: Answer, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

/** Messages in the order in which they come. */
async function* messages(): AsyncGenerator<Job | FirstExamples> {
  const received: (Job | FirstExamples)[] = [];
  let wake: () => void = () => undefined;
  port.on("message", (message: Job | FirstExamples) => {
    received.push(message);
    wake();
  });
  for (;;) {
    if (received.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    yield received.shift()!;
  }
}

async function work(): Promise<void> {
  const incoming = messages();
  const job = (await incoming.next()).value as Job;
  const image = readImage(job.image, await readPolicyText(job.policy), false);
  const draft = draftModel(image);
  const examples = makeExamples(draft, new Pieces(job.examplePieces));
  answer({ kind: "examples", value: examples });
  const first = (await incoming.next()).value as FirstExamples;
  const model = draft.finish(inOrder(examples, first.examples), first.contractHash);
  const choices = job.choices.map(({ name, folder, options }) => ({ target: byName.get(name)!, folder, options }));
  const outcomes = runTargets(choices, model, { ...image, hash: first.contractHash }, new Pieces(job.targetPieces));
  const files = outcomes.flatMap(([, outcome]) => ("files" in outcome ? outcome.files : []));
  answer({ kind: "outcomes", value: outcomes }, files.map(({ bytes }) => bytes.buffer));
  port.close();
}

try {
  await work();
} catch (error) {
  // What is wrong with the contract the first thread finds as well, and tells. Thrown here it could overtake what was answered ahead of it.
  if (!(error instanceof GeneratorError)) throw error;
  port.close();
}
