/** Keys sort as their parts do, keep parts apart, and are what they have always been. */
import { describe, expect, it } from "vitest";
import { after, pack, type Part, rangeOf, unpackBytes, unpackInteger } from "./keys.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const parts: Part[] = ["", "\0", "\0\0", "\0\x01", "\0a", "a", "a\0", "a\0\0b", "ab", "é", "日本", "𝄞", "\uffff"];

describe("a key", () => {
  // Stored keys are found again only if these never change.
  it.each<[Part[], string]>([
    [["a", 0x41, "b"], "610001" + "0000000000000041" + "620001"],
    [["a\0b"], "6100ff620001"],
    [["\0\0"], "00ff00ff0001"],
    [["é"], "c3a90001"],
    [["\ud800"], "efbfbd0001"],
    [[Uint8Array.of(0, 1, 0)], "00ff0100ff0001"],
    [[2 ** 53 - 1, 0, 1n, 2n ** 64n - 1n], "001fffffffffffff" + "0000000000000000" + "0000000000000001" + "ffffffffffffffff"],
    [[], ""],
  ])("of parts (%#) is as it was", (list, expected) => {
    expect(hex(pack(list))).toBe(expected);
  });

  it("sorts as its parts do", () => {
    const sorted = parts.map((part) => Buffer.from(part as string)).sort((a, b) => Buffer.compare(a, b));
    for (const [i, one] of sorted.entries()) {
      for (const [j, other] of sorted.entries()) {
        expect(Math.sign(Buffer.compare(pack([one.toString(), 5]), pack([other.toString(), 1])))).toBe(i === j ? 1 : Math.sign(i - j));
      }
    }
    const numbers = [0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 3, 2 ** 53 - 1];
    expect(numbers.map((n) => pack([n])).sort((a, b) => Buffer.compare(a, b)).map((key) => Number(unpackInteger(key, 0)))).toEqual(numbers);
  });

  it("is in the range of what it begins with, and in no other", () => {
    for (const one of parts) {
      const { gte, lt } = rangeOf(["t", 7, one]);
      for (const other of parts) {
        const key = pack(["t", 7, other, "rest"]);
        expect(Buffer.compare(key, gte) >= 0 && Buffer.compare(key, lt) < 0).toBe(one === other);
      }
    }
  });

  it("gives its parts back", () => {
    for (const one of parts) {
      const key = pack([one, 9n]);
      const { value, next } = unpackBytes(key, 0);
      expect(Buffer.from(value).toString()).toBe(one);
      expect(unpackInteger(key, next)).toBe(9n);
    }
  });

  it("takes no number that is not a count", () => {
    for (const number of [-1, 1.5, Number.NaN, 2 ** 53, -1n, 2n ** 64n]) expect(() => pack([number])).toThrow(RangeError);
  });

  it("that follows a prefix is another array", () => {
    const prefix = Uint8Array.of(1, 0xff);
    expect(after(prefix)).toEqual(Uint8Array.of(2));
    expect(prefix).toEqual(Uint8Array.of(1, 0xff));
  });
});
