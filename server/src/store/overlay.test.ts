/** The overlay against a plain model: any interleaving of reads, writes and scans sees what a sorted list would show. */
import { expect, test } from "vitest";
import { Overlay } from "./overlay.js";
import type { Entry } from "./store.js";

function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const keyOf = (n: number): Uint8Array => Uint8Array.of(n >> 4, n & 15);
const order = (a: Entry, b: Entry): number => Buffer.compare(a.key, b.key);

test.each(Array.from({ length: 200 }, (_, seed) => seed))("seed %i", (seed) => {
  const next = numbers(seed + 1);
  const stored = new Map<number, Entry>();
  for (let i = 0; i < 20; i++) {
    const n = next(64);
    stored.set(n, { key: keyOf(n), value: Uint8Array.of(200) });
  }
  const model = new Map(stored);
  const overlay = new Overlay();
  const write = (): void => {
    const n = next(64);
    const value = next(3) === 0 ? undefined : Uint8Array.of(next(100));
    overlay.set(keyOf(n), value);
    if (value === undefined) model.delete(n);
    else model.set(n, { key: keyOf(n), value });
  };
  for (let i = 0; i < 10; i++) write();

  const [a, b] = [next(64), next(64)];
  const range = { gte: keyOf(Math.min(a, b)), lt: keyOf(Math.max(a, b)), reverse: next(2) === 0 };
  const inside = (entries: Iterable<Entry>): Entry[] => {
    const found = [...entries].filter(({ key }) => Buffer.compare(key, range.gte) >= 0 && Buffer.compare(key, range.lt) < 0).sort(order);
    return range.reverse ? found.reverse() : found;
  };
  // Writes come between the steps: each step shows the next entry behind the last one, as the model has it at that moment.
  const scan = overlay.over(range, inside(stored.values())[Symbol.iterator]());
  let last: Uint8Array | undefined;
  for (;;) {
    const expected = inside(model.values()).find(({ key }) => last === undefined || Buffer.compare(key, last) * (range.reverse ? -1 : 1) > 0);
    const step = scan.next();
    expect(step.done === true ? undefined : step.value).toEqual(expected);
    if (step.done === true) return;
    last = step.value.key;
    if (next(2) === 0) write();
  }
});
