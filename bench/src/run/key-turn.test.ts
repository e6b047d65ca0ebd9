/** Every document has its turn. */
import { describe, expect, it } from "vitest";
import { strideOf } from "./key-turn.js";

describe("the turn of keys", () => {
  it.each([1, 2, 3, 6, 100, 1000, 999_983])("visits each of %i once before any a second time", (count) => {
    const stride = strideOf(count);
    const seen = new Uint8Array(count);
    for (let n = 0; n < count; n++) seen[(n * stride) % count]! += 1;
    expect(seen.every((times) => times === 1)).toBe(true);
  });

  it("does not read neighbours one after the other", () => expect(strideOf(1_000_000)).toBeGreaterThan(100_000));
});
