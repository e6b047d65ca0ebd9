/** Medians, quartiles and percentiles are those of the textbook. */
import { describe, expect, it } from "vitest";
import { median, percentile, quartiles } from "./statistics.js";

describe("statistics", () => {
  it.each([
    [[3], 3],
    [[9, 1, 5], 5],
    [[4, 1, 3, 2], 2.5],
    [[10, 9, 100], 10],
  ])("the median of %o is %f", (values, expected) => expect(median(values)).toBe(expected));

  it.each([
    [[7], { low: 7, high: 7 }],
    [[5, 1, 4, 2, 3], { low: 2, high: 4 }],
    [[1, 2, 3, 4], { low: 1.75, high: 3.25 }],
  ])("between the quartiles of %o lies its middle half", (values, expected) => expect(quartiles(values)).toEqual(expected));

  it("nothing has no median and no quartiles", () => {
    expect(median([])).toBeNaN();
    expect(quartiles([])).toEqual({ low: NaN, high: NaN });
  });

  it.each([
    [0.5, 50],
    [0.99, 99],
    [1, 100],
    [0, 1],
  ])("the percentile of share %f is the nearest rank", (share, expected) => {
    expect(percentile(Array.from({ length: 100 }, (_, index) => index + 1), share)).toBe(expected);
  });
});
