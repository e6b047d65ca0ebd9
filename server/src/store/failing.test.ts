/** The failing store fails where it is told to, leaves the store whole, and is a store otherwise. */
import { describe, expect, it } from "vitest";
import { Reason } from "../errors.js";
import { storeContract } from "./contract.js";
import { createFailingStore } from "./failing.js";
import { createMemoryStore } from "./memory.js";

storeContract("a failing store without a fault", () => ({ store: createFailingStore(createMemoryStore(), { failAt: 0 }) }));

describe("a failing store", () => {
  const [a, b] = [Uint8Array.of(1), Uint8Array.of(2)];
  const one = Uint8Array.of(1);

  it("fails each call of a scenario once, and the scenario happened or did not", async () => {
    let completed = false;
    let n = 0;
    while (!completed) {
      n++;
      const inner = createMemoryStore();
      const store = createFailingStore(inner, { failAt: n });
      const scenario = store.transact((tx) => {
        if (tx.get(a) === undefined) tx.put(a, one);
        tx.put(b, one);
        tx.remove(a);
        tx.put(a, one);
      });
      completed = await scenario.then(
        () => true,
        (error: unknown) => {
          expect(error).toMatchObject({ reason: Reason.STORE_UNAVAILABLE });
          return false;
        },
      );
      expect([inner.get(a), inner.get(b)]).toEqual(completed ? [one, one] : [undefined, undefined]);
      expect(store.faults).toBe(completed ? 0 : 1);
    }
    expect(n).toBe(8);
  });

  it("may fail for good, and at some operations only", async () => {
    const store = createFailingStore(createMemoryStore(), { failAt: 2, forGood: true, operations: ["put"] });
    const put = (): Promise<void> => store.transact((tx) => tx.put(a, one));
    await put();
    for (let i = 0; i < 3; i++) await expect(put()).rejects.toMatchObject({ reason: Reason.STORE_UNAVAILABLE });
    expect([store.calls, store.faults]).toEqual([4, 3]);
    store.arm({ failAt: 0 });
    await put();
  });
});
