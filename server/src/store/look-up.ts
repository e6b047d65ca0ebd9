/** Single look-ups in lmdb, without the copy that its `get` makes of each value: that is dearer than finding it. */
import type { RootDatabase, Transaction as ReadTransaction } from "lmdb";
import { plain, roomFor } from "./slab.js";

/** The value of a key as a transaction has it, or as the newest commit of this process left it; undefined if there is none. */
export type LookUp = (key: Uint8Array, transaction?: ReadTransaction) => Uint8Array | undefined;

/** What lmdb does not declare in full: the value where it lies until the next look-up, in a longer buffer that says its length. */
interface Lying {
  getBinaryFast(key: Uint8Array, options: { transaction: ReadTransaction } | undefined): Buffer | undefined;
}

/** Stands for a value that does not fit where lmdb lays them. */
const tooLong = Buffer.alloc(0);
/** What lmdb does about one: to grow that place to twice its length, for ever. `get` gives it memory of its own instead. */
const leaveIt = { _returnLargeBuffer: { value: () => tooLong } };

/** Makes the look-up of a database. */
export function createLookUp(db: RootDatabase<Uint8Array, Uint8Array>): LookUp {
  const lying = Object.create(db, leaveIt) as Lying;
  return (key, transaction) => {
    const options = transaction === undefined ? undefined : { transaction };
    const found = lying.getBinaryFast(key, options);
    if (found === undefined) return undefined;
    if (found === tooLong) return plain(db.get(key, options)!);
    const { length } = found;
    const value = roomFor(length);
    value.set(new Uint8Array(found.buffer, found.byteOffset, length));
    return plain(value);
  };
}
