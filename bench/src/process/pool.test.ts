/** Works run a bounded number at a time, and end with the first failure. */
import { describe, expect, it } from "vitest";
import { forEachAtMost } from "./pool.js";

describe("a pool", () => {
  it("does every work once, never more than so many at a time", async () => {
    let open = 0;
    let most = 0;
    const done: number[] = [];
    await forEachAtMost(3, [1, 2, 3, 4, 5, 6, 7], async (item) => {
      most = Math.max(most, ++open);
      await Promise.resolve();
      open--;
      done.push(item);
    });
    expect(done.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(most).toBe(3);
  });

  it("starts no new work after a failure", async () => {
    const started: number[] = [];
    await expect(
      forEachAtMost(1, [1, 2, 3], async (item) => {
        started.push(item);
        await Promise.resolve();
        if (item === 2) throw new Error("no");
      }),
    ).rejects.toThrow("no");
    expect(started).toEqual([1, 2]);
  });
});
