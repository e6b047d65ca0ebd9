/** Documents are read all over the store, each as often as any other. */
import { describe, expect, it } from "vitest";
import { turnOf } from "./key-turn.js";

/** Numbers of the keys of one whole turn. */
function keysOf(documents: number): number[] {
  const { count, distance, stride } = turnOf(documents);
  return Array.from({ length: count }, (_, n) => distance * ((n * stride) % count));
}

describe("the turn of keys", () => {
  it.each([1, 2, 3, 6, 100, 1000, 9_973])("has each of %i documents once", (documents) => {
    expect(keysOf(documents).sort((a, b) => a - b)).toEqual(Array.from({ length: documents }, (_, key) => key));
  });

  it.each([10_001, 123_456, 1_000_000])("has thousands of %i documents, evenly apart from the first to the last", (documents) => {
    const keys = keysOf(documents).sort((a, b) => a - b);
    const { distance } = turnOf(documents);
    expect(keys.length).toBeGreaterThanOrEqual(5_000);
    expect(keys.every((key, index) => key === index * distance)).toBe(true);
    expect(keys.at(-1)).toBeLessThan(documents);
    expect(keys.at(-1)).toBeGreaterThanOrEqual(documents - 2 * distance);
  });

  it("does not read neighbours one after the other", () => {
    const keys = keysOf(1_000_000);
    expect(Math.abs(keys[1]! - keys[0]!)).toBeGreaterThan(100_000);
  });
});
