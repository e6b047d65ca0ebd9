/** Keeps the last room of a store for changes that must go on when it is full: deletions, logouts, records of refusals. */
import { fail, Failure, Reason } from "../errors.js";
import { roomMarginBytes, roomRemeasureBytes, roomRemeasureMs } from "../limits.js";
import type { Transaction } from "./store.js";

/** What there is of a medium. */
export interface Medium {
  /** Bytes that can still be written, free pages of the store's own file among them. One look at the file and its file system. */
  roomBytes(): number;
}

/** What a room is made of. */
export interface RoomOptions {
  readonly medium: Medium;
  /** How much of it is kept, in bytes. */
  readonly reservedBytes: number;
  readonly nowMs: () => number;
}

/** The room of a store. */
export interface Room {
  /** A claim for one change that grows the store. */
  claim(): Claim;
  /** True while changes that grow the store are refused. */
  isFull(): boolean;
}

/** Room that one change takes; it is the store's own business from `release` on. */
export interface Claim {
  /** The transaction, with what is put into it counted from now. */
  over(tx: Transaction): Transaction;
  /** Takes what was counted. Throws STORE_UNAVAILABLE if it would come out of what is kept. */
  take(): void;
  /** To be called when the change is durable, or will never be. */
  release(): void;
}

// Pages of a tree are two thirds full.
const pagesPerByte = 1.5;

/** Makes the room of a store. What others write to the same disk, and other processes to the same store, is seen when it is measured again. */
export function createRoom({ medium, reservedBytes, nowMs }: RoomOptions): Room {
  let measured = 0;
  let measuredAtMs = Number.NEGATIVE_INFINITY;
  /** Taken since it was measured, or not written by then. */
  let taken = 0;
  /** Taken and not released. */
  let unwritten = 0;
  const measure = (): void => {
    measured = medium.roomBytes();
    measuredAtMs = nowMs();
    taken = unwritten;
  };
  const fits = (bytes: number): boolean => measured - taken - bytes >= reservedBytes;
  return {
    claim() {
      let counted = 0;
      let own = 0;
      const release = (): void => {
        unwritten -= own;
        own = 0;
      };
      return {
        over(tx) {
          // The work of a transaction may run more than once.
          release();
          counted = 0;
          return {
            get: (key) => tx.get(key),
            range: (range) => tx.range(range),
            keys: (range) => tx.keys(range),
            put(key, value) {
              counted += key.length + value.length;
              tx.put(key, value);
            },
            remove: (key) => tx.remove(key),
          };
        },
        take() {
          const bytes = counted * pagesPerByte;
          if (taken - unwritten >= roomRemeasureBytes || nowMs() - measuredAtMs >= roomRemeasureMs || !fits(bytes)) measure();
          if (!fits(bytes)) throw noRoom();
          taken += bytes;
          unwritten += bytes;
          own = bytes;
        },
        release,
      };
    },
    isFull() {
      measure();
      return !fits(roomMarginBytes);
    },
  };
}

/** True for a change that was refused because it would have grown a store that is full. */
export function isNoRoom({ reason, metadata }: Failure): boolean {
  return reason === Reason.STORE_UNAVAILABLE && metadata["room"] === "reserved";
}

function noRoom(): Failure {
  return fail(Reason.STORE_UNAVAILABLE, { room: "reserved" }, { message: "the store is full: what room is left is kept for deletions and for the audit log" });
}
