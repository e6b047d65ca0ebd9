/** A store that several processes have open: each learns, call by call, that another changed what it remembers. */
import type { LmdbStore } from "./lmdb.js";
import { kinds, pack } from "./keys.js";
import type { Store, Transaction } from "./store.js";

/** A store with a look at what other processes did. */
export interface SharedStore extends Store {
  /**
   * Makes every read that follows as new as this moment, and calls the listeners if rows of a watched kind were changed, by
   * whichever process, since the last time. One read of the store.
   */
  catchUp(): void;
  /** Adds a listener for changes of watched rows; it does not learn which. */
  onChange(listener: () => void): void;
}

/** What to watch. */
export interface SharedStoreOptions {
  readonly store: LmdbStore;
  readonly tenant: string;
  /** Kinds of rows (`store/keys.ts`) that processes remember, and that seldom change. */
  readonly watched: readonly number[];
}

/**
 * Watches a store. A transaction that touches a watched row counts one more in a row of its own; so whoever sees the count
 * sees the change, and whoever was told of the change, over the wire or otherwise, finds the count (AN-21).
 */
export function shareStore({ store, tenant, watched }: SharedStoreOptions): SharedStore {
  const prefix = pack([tenant]);
  const kindAt = prefix.length + 7;
  const isKindWatched = new Uint8Array(256);
  for (const kind of watched) isKindWatched[kind] = 1;
  const isWatched = (key: Uint8Array): boolean => isKindWatched[key[kindAt] ?? 0] === 1 && prefix.every((byte, index) => key[index] === byte);
  const row = pack([tenant, kinds.sharedChanges]);
  const countIn = (value: Uint8Array | undefined): number => (value === undefined ? 0 : new DataView(value.buffer, value.byteOffset).getFloat64(0));
  const listeners: (() => void)[] = [];
  let seen = countIn(store.latest(row));

  const counted = <T>(tx: Transaction, work: (tx: Transaction) => T): T => {
    let touched = false;
    const result = work({
      get: (key) => tx.get(key),
      range: (range) => tx.range(range),
      keys: (range) => tx.keys(range),
      put(key, value) {
        touched ||= isWatched(key);
        tx.put(key, value);
      },
      remove(key) {
        touched ||= isWatched(key);
        return tx.remove(key);
      },
    });
    if (touched) {
      const value = new Uint8Array(8);
      new DataView(value.buffer).setFloat64(0, countIn(tx.get(row)) + 1);
      tx.put(row, value);
    }
    return result;
  };

  return {
    get: (key) => store.get(key),
    range: (range) => store.range(range),
    keys: (range) => store.keys(range),
    snapshot: () => store.snapshot(),
    transact: (work) => store.transact((tx) => counted(tx, work)),
    subscribe: store.subscribe,
    close: () => store.close(),
    catchUp() {
      const count = countIn(store.latest(row));
      if (count === seen) return;
      seen = count;
      for (const listener of listeners) listener();
    },
    onChange: (listener) => void listeners.push(listener),
  };
}
