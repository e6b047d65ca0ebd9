/** A store in memory, for tests and trials: same behaviour as the durable ones, gone with the process. */
import { fail, Reason } from "../errors.js";
import { checkKey, isEmpty } from "./check-key.js";
import { createFeed } from "./feed.js";
import { below, ceiling, find, insert, remove, type Tree } from "./ordered-map.js";
import type { Entry, Range, Reader, Snapshot, Store, Transaction } from "./store.js";

/** Makes an empty store in memory. Nothing is durable, so a promise resolves as soon as its work is done. */
export function createMemoryStore(): Store {
  let tree: Tree;
  let closed = false;
  let working = false;
  let running: Promise<unknown> = Promise.resolve();
  let seed = 0x9e3779b9;
  const feed = createFeed();

  const priority = (): number => {
    // xorshift32: any even spread will do, and runs are alike.
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return seed;
  };
  const current = (): Tree => {
    if (closed) throw fail(Reason.STORE_UNAVAILABLE);
    if (working) throw new Error("a store was read inside a transaction; read through the transaction");
    return tree;
  };

  const perform = <T>(work: (tx: Transaction) => T): T => {
    if (closed) throw fail(Reason.STORE_UNAVAILABLE);
    let mine = tree;
    let open = true;
    const touched: Uint8Array[] = [];
    const state = (): Tree => {
      if (!open) throw new Error("a transaction was used after its work was done");
      return mine;
    };
    const tx: Transaction = {
      ...readerOf(state),
      put(key, value) {
        checkKey(key);
        const copy = Uint8Array.from(key);
        mine = insert(state(), copy, Uint8Array.from(value), priority());
        touched.push(copy);
      },
      remove(key) {
        checkKey(key);
        if (find(state(), key) === undefined) return false;
        mine = remove(mine, key);
        touched.push(Uint8Array.from(key));
        return true;
      },
    };
    working = true;
    try {
      const result = work(tx);
      if (result instanceof Promise) throw new Error("the work of a transaction is synchronous");
      tree = mine;
      return result;
    } catch (error) {
      touched.length = 0;
      throw error;
    } finally {
      open = false;
      working = false;
      feed.publish(touched);
    }
  };

  return {
    ...readerOf(current, () => {
      const fixed = current();
      return () => (current(), fixed);
    }),
    snapshot(): Snapshot {
      const fixed = current();
      let open = true;
      const state = (): Tree => {
        current();
        if (!open) throw new Error("a snapshot was used after it was closed");
        return fixed;
      };
      return { ...readerOf(state), close: () => void (open = false) };
    },
    transact<T>(work: (tx: Transaction) => T): Promise<T> {
      if (working) return Promise.reject(new Error("a transaction cannot begin another"));
      const done = running.then(() => perform(work));
      running = done.catch(() => undefined);
      return done;
    },
    subscribe: feed.subscribe,
    async close() {
      await running;
      closed = true;
    },
  };
}

/** Reads of the tree that `state` gives; a scan follows the one that `scan` gives when it starts. */
function readerOf(state: () => Tree, scan: () => () => Tree = () => state): Reader {
  function* entries(range: Range): Generator<Entry> {
    const now = scan();
    if (isEmpty(range)) return;
    const { gte, lt, reverse = false, limit = Number.POSITIVE_INFINITY } = range;
    let found = reverse ? below(now(), lt) : ceiling(now(), gte, false);
    for (let count = 0; count < limit && found !== undefined && isWithin(found.key, gte, lt); count++) {
      yield { key: Uint8Array.from(found.key), value: Uint8Array.from(found.value) };
      found = reverse ? below(now(), found.key) : ceiling(now(), found.key, true);
    }
  }
  return {
    get(key) {
      checkKey(key);
      const value = find(state(), key);
      return value && Uint8Array.from(value);
    },
    range: entries,
    *keys(range) {
      for (const { key } of entries(range)) yield key;
    },
  };
}

function isWithin(key: Uint8Array, gte: Uint8Array, lt: Uint8Array): boolean {
  return Buffer.compare(key, gte) >= 0 && Buffer.compare(key, lt) < 0;
}
