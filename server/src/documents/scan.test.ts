/** Long scans let other work run, see every key once, and stop when nobody waits for them any more. */
import { describe, expect, it } from "vitest";
import { fail, Reason } from "../errors.js";
import { rangeOf, pack, unpackInteger } from "../store/keys.js";
import { createMemoryStore } from "../store/memory.js";
import { keyPortions, scanKeys } from "./scan.js";

const count = 3_500;

async function numbers() {
  const store = createMemoryStore();
  await store.transact((tx) => {
    for (let i = 0; i < count; i++) tx.put(pack([1, i]), new Uint8Array());
  });
  return store;
}
const numberIn = (key: Uint8Array) => Number(unpackInteger(key, 8));
const ascending = Array.from({ length: count }, (_, index) => index);

describe("a long scan", () => {
  it("sees every key once, in either direction", async () => {
    const store = await numbers();
    for (const reverse of [false, true]) {
      const seen: number[] = [];
      await scanKeys(store, { ...rangeOf([1]), reverse }, new AbortController().signal, (key) => seen.push(numberIn(key)) > 0);
      expect(seen).toEqual(reverse ? [...ascending].reverse() : ascending);
      const portions: number[][] = [];
      for await (const keys of keyPortions(store, { ...rangeOf([1]), reverse }, 700, new AbortController().signal)) portions.push(keys.map(numberIn));
      expect(portions.flat()).toEqual(seen);
    }
  });

  it("lets others run after every thousand rows", async () => {
    const store = await numbers();
    let turns = 0;
    let isRunning = true;
    const turn = (): void => {
      turns++;
      if (isRunning) setImmediate(turn);
    };
    setImmediate(turn);
    await scanKeys(store, rangeOf([1]), new AbortController().signal, () => true);
    isRunning = false;
    expect(turns).toBeGreaterThanOrEqual(3);
  });

  it("stops when the call is aborted, with the reason that was given", async () => {
    const store = await numbers();
    for (const [reason, expected] of [[fail(Reason.DEADLINE_PASSED), Reason.DEADLINE_PASSED], [undefined, Reason.CALL_CANCELLED]] as const) {
      const controller = new AbortController();
      let seen = 0;
      const scan = scanKeys(store, rangeOf([1]), controller.signal, () => {
        if (++seen === 10) controller.abort(reason);
        return true;
      });
      await expect(scan).rejects.toMatchObject({ reason: expected });
      expect(seen).toBe(1_000);
    }
  });
});
