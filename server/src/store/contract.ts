/** The behaviour that every store has, as a suite that each one runs. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Reason } from "../errors.js";
import { storeKeyBytesMax } from "../limits.js";
import type { Range, Reader, Store } from "./store.js";

/** A store under test. */
export interface OpenedStore {
  readonly store: Store;
  /** Releases what `open` took, after the store is closed. */
  cleanUp?(): void | Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value);
const list = (reader: Reader, range: Range): string[] => Array.from(reader.range(range), ({ key, value }) => `${text(key)}=${text(value)}`);
const everything: Range = { gte: new Uint8Array(), lt: Uint8Array.of(0xff, 0xff) };
const unavailable = expect.objectContaining({ reason: Reason.STORE_UNAVAILABLE });

/** Declares the suite for one kind of store. `open` gives a fresh, empty one. */
export function storeContract(name: string, open: () => OpenedStore | Promise<OpenedStore>): void {
  describe(name, () => {
    let opened: OpenedStore;
    let store: Store;
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(async () => {
      await store.close();
      await opened.cleanUp?.();
    });
    const put = (...pairs: [key: string, value: string][]): Promise<void> =>
      store.transact((tx) => {
        for (const [key, value] of pairs) tx.put(bytes(key), bytes(value));
      });

    describe("a transaction", () => {
      it("is there for the next reader once its promise resolves", async () => {
        for (let i = 0; i < 50; i++) {
          await put(["a", `${i}`]);
          expect(text(store.get(bytes("a")))).toBe(`${i}`);
        }
      });

      it("resolves with what its work returned", async () => {
        await expect(store.transact(() => 7)).resolves.toBe(7);
        await expect(store.transact(() => undefined)).resolves.toBeUndefined();
      });

      it("reads its own writes", async () => {
        await put(["a", "1"], ["b", "2"], ["d", "4"]);
        await store.transact((tx) => {
          tx.put(bytes("c"), bytes("3"));
          expect(tx.remove(bytes("b"))).toBe(true);
          expect(tx.remove(bytes("b"))).toBe(false);
          expect(tx.get(bytes("b"))).toBeUndefined();
          expect(text(tx.get(bytes("c")))).toBe("3");
          expect(list(tx, everything)).toEqual(["a=1", "c=3", "d=4"]);
        });
        expect(list(store, everything)).toEqual(["a=1", "c=3", "d=4"]);
      });

      it("changes nothing when its work throws, and rejects with what was thrown", async () => {
        await put(["a", "1"], ["b", "2"]);
        const mistake = new Error("no");
        const failing = store.transact((tx) => {
          tx.put(bytes("a"), bytes("changed"));
          tx.put(bytes("new"), bytes("1"));
          tx.remove(bytes("b"));
          throw mistake;
        });
        await expect(failing).rejects.toBe(mistake);
        expect(list(store, everything)).toEqual(["a=1", "b=2"]);
      });

      it("is not touched by the failure of one that shares its commit", async () => {
        const outcomes = await Promise.allSettled(
          Array.from({ length: 200 }, (_, i) =>
            store.transact((tx) => {
              tx.put(bytes(`k${String(i).padStart(3, "0")}`), bytes(`${i}`));
              if (i % 10 === 3) throw new Error(`refused ${i}`);
              return i;
            }),
          ),
        );
        const kept = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
        expect(kept).toHaveLength(180);
        expect(list(store, everything)).toEqual(kept.map((i) => `k${String(i).padStart(3, "0")}=${i}`));
      });

      it("sees all that was committed before it, in the order of the calls", async () => {
        const results = await Promise.all(
          Array.from({ length: 100 }, () =>
            store.transact((tx) => {
              const next = Number(text(tx.get(bytes("n"))) ?? "0") + 1;
              tx.put(bytes("n"), bytes(`${next}`));
              return next;
            }),
          ),
        );
        expect(results).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
      });

      it("is over when its work returns", async () => {
        const leaked = await store.transact((tx) => tx);
        expect(() => leaked.get(bytes("a"))).toThrow("after its work was done");
        expect(() => leaked.put(bytes("a"), bytes("1"))).toThrow("after its work was done");
        expect(() => [...leaked.range(everything)]).toThrow("after its work was done");
      });

      it("does not take asynchronous work, and another one, or a read beside it", async () => {
        await expect(store.transact(async (tx) => tx.put(bytes("a"), bytes("1")))).rejects.toThrow("synchronous");
        let inner: Promise<unknown> | undefined;
        await store.transact(() => {
          expect(() => store.get(bytes("a"))).toThrow("read through the transaction");
          expect(() => [...store.range(everything)]).toThrow("read through the transaction");
          inner = store.transact(() => 1);
          inner.catch(() => undefined);
        });
        await expect(inner).rejects.toThrow("cannot begin another");
        expect(list(store, everything)).toEqual([]);
      });

      it("walks over its own changes: what comes is what is ahead at that moment", async () => {
        const keys = Array.from({ length: 300 }, (_, i) => String(i).padStart(3, "0"));
        await put(...keys.map((key): [string, string] => [key, "x"]));
        for (const reverse of [false, true]) {
          const seen = await store.transact((tx) => {
            const met: string[] = [];
            for (const { key } of tx.range({ ...everything, reverse })) {
              const name = text(key)!;
              met.push(name);
              if (name === "100") {
                tx.remove(bytes("100"));
                tx.remove(bytes(reverse ? "099" : "101"));
                tx.put(bytes(reverse ? "0985" : "1025"), bytes("new"));
                tx.put(bytes(reverse ? "2" : "0"), bytes("behind"));
              }
            }
            return met;
          });
          const expected = reverse
            ? keys.filter((key) => key !== "099" && key !== "101").concat("0", "0985", "1025").sort().reverse()
            : keys.filter((key) => key !== "101").concat("1025").sort();
          expect(seen).toEqual(expected);
          await put(["100", "x"]);
        }
      });
    });

    describe("a range", () => {
      beforeEach(() => put(["a", "1"], ["ab", "2"], ["b", "3"], ["c", "4"]));
      const cases: [string, Omit<Range, "gte" | "lt"> & { gte: string; lt: string }, string[]][] = [
        ["includes its first key and excludes its last", { gte: "a", lt: "c" }, ["a=1", "ab=2", "b=3"]],
        ["begins and ends between keys", { gte: "aa", lt: "bb" }, ["ab=2", "b=3"]],
        ["is empty between neighbours", { gte: "aba", lt: "b" }, []],
        ["is empty when its bounds meet", { gte: "b", lt: "b" }, []],
        ["is empty when its bounds cross", { gte: "c", lt: "a" }, []],
        ["may begin before every key", { gte: "", lt: "b" }, ["a=1", "ab=2"]],
        ["stops at its limit", { gte: "a", lt: "z", limit: 2 }, ["a=1", "ab=2"]],
        ["with limit 0 is empty", { gte: "a", lt: "z", limit: 0 }, []],
        ["goes backwards", { gte: "a", lt: "c", reverse: true }, ["b=3", "ab=2", "a=1"]],
        ["goes backwards from an end that is no key", { gte: "ab", lt: "bz", reverse: true }, ["b=3", "ab=2"]],
        ["goes backwards from behind the last key", { gte: "b", lt: "z", reverse: true, limit: 5 }, ["c=4", "b=3"]],
        ["goes backwards to its limit", { gte: "a", lt: "z", reverse: true, limit: 2 }, ["c=4", "b=3"]],
        ["backwards is empty before the first key", { gte: "", lt: "a", reverse: true }, []],
      ];
      it.each(cases)("%s", async (_, { gte, lt, ...rest }, expected) => {
        const range = { gte: bytes(gte), lt: bytes(lt), ...rest };
        const names = expected.map((entry) => entry.split("=")[0]);
        const check = (reader: Reader): void => {
          expect(list(reader, range)).toEqual(expected);
          expect(Array.from(reader.keys(range), text)).toEqual(names);
        };
        check(store);
        await store.transact(check);
        const snapshot = store.snapshot();
        check(snapshot);
        snapshot.close();
      });

      it("compares keys as unsigned bytes, a prefix first", async () => {
        const keys = [[0], [0, 0], [0, 1], [1], [0x7f], [0x80], [0xc3, 0xbf], [0xff], [0xff, 0xfe]].map((key) => Uint8Array.from(key));
        await store.transact((tx) => {
          for (const key of [...keys].reverse()) tx.put(key, key);
        });
        const found = Array.from(store.keys(everything)).filter((key) => keys.some((other) => Buffer.compare(key, other) === 0));
        expect(found.map((key) => [...key])).toEqual(keys.map((key) => [...key]));
      });

      it("keeps to the state it began with while others write", async () => {
        const met: string[] = [];
        for (const { key, value } of store.range(everything)) {
          met.push(`${text(key)}=${text(value)}`);
          if (met.length === 1) await put(["b", "changed"], ["bb", "new"], ["zz", "new"]);
          if (met.length === 2) await store.transact((tx) => tx.remove(bytes("c")));
        }
        expect(met).toEqual(["a=1", "ab=2", "b=3", "c=4"]);
      });

      it("may be left at any point, and begun again", async () => {
        const range = store.range(everything);
        for (const _ of range) break;
        for (let i = 0; i < 300; i++) for (const _ of store.range(everything)) break;
        await put(["d", "5"]);
        expect(list(store, everything)).toHaveLength(5);
      });

      it("of keys alone reads none of the values", () => {
        expect(Array.from(store.keys({ gte: bytes("ab"), lt: bytes("c") }), text)).toEqual(["ab", "b"]);
      });
    });

    describe("a snapshot", () => {
      it("stays as it was, beside later ones", async () => {
        await put(["a", "1"]);
        const first = store.snapshot();
        await put(["a", "2"], ["b", "2"]);
        const second = store.snapshot();
        await store.transact((tx) => tx.remove(bytes("a")));
        expect(list(first, everything)).toEqual(["a=1"]);
        expect(first.get(bytes("b"))).toBeUndefined();
        expect(list(second, everything)).toEqual(["a=2", "b=2"]);
        expect(list(store, everything)).toEqual(["b=2"]);
        first.close();
        expect(text(second.get(bytes("a")))).toBe("2");
        second.close();
      });

      it("is over when it is closed, with the scans that run in it", async () => {
        await put(["a", "1"], ["b", "2"]);
        const snapshot = store.snapshot();
        const scan = snapshot.range(everything)[Symbol.iterator]();
        expect(text(scan.next().value?.key)).toBe("a");
        snapshot.close();
        snapshot.close();
        expect(() => snapshot.get(bytes("a"))).toThrow("after it was closed");
        expect(() => scan.next()).toThrow("after it was closed");
        await put(["c", "3"]);
        expect(list(store, everything)).toHaveLength(3);
      });

      it("may be taken many times", async () => {
        for (let i = 0; i < 300; i++) {
          const snapshot = store.snapshot();
          if (i % 100 === 0) await put(["a", `${i}`]);
          snapshot.get(bytes("a"));
          snapshot.close();
        }
        const open = Array.from({ length: 20 }, () => store.snapshot());
        for (const snapshot of open) expect(text(snapshot.get(bytes("a")))).toBe("200");
        for (const snapshot of open) snapshot.close();
      });
    });

    describe("bytes", () => {
      it("of any length and content come back as they were", async () => {
        const values = [0, 1, 100, 4_096, 40_000, 3_000_000].map((length) => Uint8Array.from({ length }, (_, i) => (i * 131 + length) & 0xff));
        await store.transact((tx) => {
          for (const value of values) tx.put(bytes(`v${value.length}`), value);
        });
        for (const value of values) {
          expect(Buffer.compare(store.get(bytes(`v${value.length}`))!, value)).toBe(0);
          for (const entry of store.range({ gte: bytes(`v${value.length}`), lt: bytes(`v${value.length} `) })) expect(Buffer.compare(entry.value, value)).toBe(0);
        }
      });

      it("given and returned are copies", async () => {
        const key = bytes("k");
        const value = bytes("before");
        await store.transact((tx) => {
          tx.put(key, value);
          value.fill(0);
          key.fill(0);
          tx.get(bytes("k"))!.fill(1);
        });
        const kept = store.get(bytes("k"))!;
        const entries = [...store.range(everything)];
        kept.fill(2);
        for (const entry of entries) entry.value.fill(3);
        expect(text(store.get(bytes("k")))).toBe("before");
        const first = store.get(bytes("k"))!;
        await put(["k", "after!"], ["l", "other"]);
        store.get(bytes("l"));
        expect(text(first)).toBe("before");
      });

      it("are plain: a slice is a copy", async () => {
        await put(["a", "1"]);
        const [entry] = store.range(everything);
        for (const array of [store.get(bytes("a")), entry?.key, entry?.value]) expect(Object.getPrototypeOf(array)).toBe(Uint8Array.prototype);
      });

      it("of a key are between 1 and the limit", async () => {
        const longest = new Uint8Array(storeKeyBytesMax).fill(1);
        await store.transact((tx) => tx.put(longest, bytes("1")));
        expect(text(store.get(longest))).toBe("1");
        for (const key of [new Uint8Array(), new Uint8Array(storeKeyBytesMax + 1), new Uint8Array(9_000)]) {
          expect(() => store.get(key)).toThrow(RangeError);
          expect(() => [...store.range({ gte: key, lt: new Uint8Array(storeKeyBytesMax + 1) })]).toThrow(RangeError);
          await expect(store.transact((tx) => tx.put(key, bytes("1")))).rejects.toThrow(RangeError);
          await expect(store.transact((tx) => tx.remove(key))).rejects.toThrow(RangeError);
        }
      });
    });

    describe("the change feed", () => {
      it("tells the keys of each commit before the caller goes on, and of nothing else", async () => {
        const told: string[][] = [];
        const end = store.subscribe((keys) => told.push(keys.map((key) => text(key)!)));
        await put(["a", "1"], ["b", "1"]);
        expect(told).toEqual([["a", "b"]]);
        await store.transact((tx) => tx.get(bytes("a")));
        await store.transact((tx) => tx.remove(bytes("nothing")));
        await expect(
          store.transact((tx) => {
            tx.put(bytes("c"), bytes("1"));
            throw new Error("no");
          }),
        ).rejects.toThrow("no");
        await store.transact((tx) => tx.remove(bytes("a")));
        expect(told).toEqual([["a", "b"], ["a"]]);
        end();
        await put(["d", "1"]);
        expect(told).toHaveLength(2);
      });

      it("lets a listener read what was committed", async () => {
        const read: (string | undefined)[] = [];
        store.subscribe(() => read.push(text(store.get(bytes("a")))));
        await put(["a", "1"]);
        await put(["a", "2"]);
        expect(read).toEqual(["1", "2"]);
      });

      it("follows the order of the commits", async () => {
        const told: string[] = [];
        store.subscribe((keys) => told.push(...keys.map((key) => text(key)!)));
        const names = Array.from({ length: 50 }, (_, i) => `k${i}`);
        await Promise.all(names.map((name) => put([name, "1"])));
        expect(told).toEqual(names);
      });
    });

    describe("closing", () => {
      it("waits for what runs, then refuses", async () => {
        await put(["a", "1"], ["b", "1"]);
        const outcomes = Array.from({ length: 20 }, (_, i) => put([`k${i}`, "1"]));
        const scan = store.range(everything)[Symbol.iterator]();
        scan.next();
        const snapshot = store.snapshot();
        await Promise.all([store.close(), ...outcomes]);
        expect(() => store.get(bytes("k0"))).toThrow(unavailable);
        expect(() => store.snapshot()).toThrow(unavailable);
        expect(() => scan.next()).toThrow(unavailable);
        expect(() => snapshot.get(bytes("k0"))).toThrow(unavailable);
        await expect(put(["a", "1"])).rejects.toThrow(unavailable);
        snapshot.close();
        await store.close();
      });
    });

    it("does what an ordered map does, over many random steps", async () => {
      const random = seeded(20260728);
      const model = new Map<string, string>();
      for (let round = 0; round < 60; round++) {
        const abort = random(4) === 0;
        const before = new Map(model);
        await store
          .transact((tx) => {
            for (let step = 0; step < 30; step++) {
              const key = `${String.fromCharCode(97 + random(6))}${random(20)}`;
              if (random(3) === 0) {
                expect(tx.remove(bytes(key))).toBe(model.delete(key));
              } else {
                model.set(key, `${round}.${step}`);
                tx.put(bytes(key), bytes(`${round}.${step}`));
              }
            }
            if (abort) throw new Error("abort");
          })
          .catch((error: Error) => {
            if (error.message !== "abort") throw error;
            model.clear();
            for (const [key, value] of before) model.set(key, value);
          });
        const sorted = [...model].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`);
        expect(list(store, everything)).toEqual(sorted);
        expect(list(store, { ...everything, reverse: true })).toEqual(sorted.toReversed());
      }
    });
  });
}

/** Even numbers below n from a seed (a linear congruential generator), so that a failure can be repeated. */
function seeded(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}
