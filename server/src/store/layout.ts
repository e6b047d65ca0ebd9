/** The layout of a store's rows: written into it when it is first used, and looked at each time it is opened. */
import { kinds, pack } from "./keys.js";
import type { Store } from "./store.js";

/** Raised by every change that makes this release unable to read what earlier ones wrote, or the other way round. */
const layout = 2;
/** Layout of a store that does not say: those of the first releases. */
const unsaid = 1;

const row = pack(["", kinds.layout]);
const everything = { gte: Uint8Array.of(0), lt: Uint8Array.of(0xff) };

/** Marks an empty store with the layout of this release. Throws an Error for one that was written in another. */
export async function requireLayout(store: Store): Promise<void> {
  const stored = store.get(row);
  if (stored === undefined && [...store.keys({ ...everything, limit: 1 })].length === 0) {
    await store.transact((tx) => tx.put(row, Uint8Array.of(layout)));
    return;
  }
  const found = stored?.[0] ?? unsaid;
  if (found === layout) return;
  throw new Error(`the store was written by another release (layout ${found}, this one has ${layout}): export its collections with that release and import them into an empty store`);
}
