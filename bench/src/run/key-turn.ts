/** The order in which documents are read: all over the store, every one as often as any other. */

/** Share of the keys that lies between one and the next; far from any simple fraction, so that neighbours in time are none in the store. */
const goldenShare = 0.6180339887;

/** A distance between keys that has no common divisor with their number, so that all have their turn before one has its second. */
export function strideOf(count: number): number {
  let stride = Math.max(1, Math.round(count * goldenShare));
  while (commonDivisor(stride, count) !== 1) stride++;
  return stride;
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
