/** The other thread of a run: does one job, answers with an outcome for each of its targets, and ends. */
import { parentPort } from "node:worker_threads";
import type { Image } from "../image.js";
import { targets } from "../targets/index.js";
import { type Job, outcomeOf } from "./outcome.js";

const byName = new Map(targets.map((target) => [target.name, target]));
/** Descriptors do not travel: a target that needs them does not belong here. */
const noImage = new Proxy({} as Image, {
  get: (_image, name) => {
    throw new Error(`a target on the other thread asks for ${String(name)} of the image`);
  },
});

parentPort!.once("message", ({ model, targets: wanted }: Job) => {
  parentPort!.postMessage(wanted.map(({ name, options }) => outcomeOf(byName.get(name)!, model, options, noImage)));
});
