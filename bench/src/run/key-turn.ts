/** The order in which documents are read: all over the store, each as often as any other. */
import type { Keys } from "../load/job.js";

/** Documents that are read in turn; of a larger store so many that lie evenly apart. */
const turnMax = 10_000;
/** Part of a turn that lies between one and the next; far from any simple fraction, so that neighbours in time are none in the store. */
const goldenShare = 0.6180339887;

/** The turn of a store that holds so many documents. */
export function turnOf(documents: number): Required<Pick<Keys, "count" | "distance" | "stride">> {
  const distance = Math.ceil(documents / turnMax);
  const count = Math.floor(documents / distance);
  let stride = Math.max(1, Math.round(count * goldenShare));
  // Without a common divisor all have their turn before one has its second.
  while (commonDivisor(stride, count) !== 1) stride++;
  return { count, distance, stride };
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
