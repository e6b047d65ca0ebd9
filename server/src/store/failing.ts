/** A store that fails at call n, to prove that a scenario is whole or absent whatever breaks. */
import { fail, Reason } from "../errors.js";
import type { Reader, Snapshot, Store, Transaction } from "./store.js";

/** What a store is asked; `commit` is the end of a transaction whose work went well. */
export type StoreOperation = "get" | "range" | "keys" | "snapshot" | "begin" | "put" | "remove" | "commit";

/** When to fail. */
export interface FaultOptions {
  /** The call that fails, from 1. 0: none. */
  readonly failAt: number;
  /** True: every later call fails too, as when a disk is full. */
  readonly forGood?: boolean;
  /** Counts and fails these operations alone; default all. */
  readonly operations?: readonly StoreOperation[];
}

/** A store that fails, with what it counted. */
export interface FailingStore extends Store {
  /** Calls so far. */
  readonly calls: number;
  /** Faults so far. */
  readonly faults: number;
  /** Begins to count anew. */
  arm(options: FaultOptions): void;
}

/**
 * Wraps a store so that call `failAt` fails with STORE_UNAVAILABLE, as it would if the medium broke there. Scenarios run
 * against it for n = 1, 2, 3 … until one completes without a fault; each must have left the state before or the state after.
 */
export function createFailingStore(inner: Store, options: FaultOptions): FailingStore {
  let armed = options;
  let calls = 0;
  let faults = 0;
  const step = (operation: StoreOperation): void => {
    if (armed.operations !== undefined && !armed.operations.includes(operation)) return;
    calls++;
    const due = calls === armed.failAt || (armed.forGood === true && armed.failAt > 0 && calls > armed.failAt);
    if (!due) return;
    faults++;
    throw fail(Reason.STORE_UNAVAILABLE, {}, { cause: new Error(`injected at call ${calls}, a ${operation}`) });
  };
  const reader = (of: Reader): Reader => ({
    get: (key) => (step("get"), of.get(key)),
    range: (range) => (step("range"), of.range(range)),
    keys: (range) => (step("keys"), of.keys(range)),
  });
  return {
    ...reader(inner),
    get calls() {
      return calls;
    },
    get faults() {
      return faults;
    },
    arm(next) {
      armed = next;
      calls = 0;
      faults = 0;
    },
    snapshot(): Snapshot {
      step("snapshot");
      const snapshot = inner.snapshot();
      return { ...reader(snapshot), close: () => snapshot.close() };
    },
    async transact<T>(work: (tx: Transaction) => T): Promise<T> {
      step("begin");
      return inner.transact((tx) => {
        const result = work({
          ...reader(tx),
          put: (key, value) => (step("put"), tx.put(key, value)),
          remove: (key) => (step("remove"), tx.remove(key)),
        });
        step("commit");
        return result;
      });
    },
    subscribe: (listener) => inner.subscribe(listener),
    close: () => inner.close(),
  };
}
