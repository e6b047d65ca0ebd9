/** The port to a store: ordered byte keys, snapshot reads, atomic durable transactions, a change feed. */

/** Bounds of a scan. Keys compare byte by byte. */
export interface Range {
  /** First key, included. */
  readonly gte: Uint8Array;
  /** End, excluded. */
  readonly lt: Uint8Array;
  /** True: from the end to the first key. */
  readonly reverse?: boolean;
  /** Entries at most. */
  readonly limit?: number;
}

/** One key with its value. Both are copies that the reader may keep. */
export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Reads of one consistent state. */
export interface Reader {
  /** The value of a key. */
  get(key: Uint8Array): Uint8Array | undefined;
  /** Entries in key order. The iterator must be drained or returned. */
  range(range: Range): Iterable<Entry>;
  /** Keys alone, in key order. */
  keys(range: Range): Iterable<Uint8Array>;
}

/** A consistent state that stays as it was until it is closed. */
export interface Snapshot extends Reader {
  close(): void;
}

/** Reads its own writes. Valid only while its work function runs. */
export interface Transaction extends Reader {
  put(key: Uint8Array, value: Uint8Array): void;
  /** True if the key was there. */
  remove(key: Uint8Array): boolean;
}

/** A store. Thrown faults of the medium are Failures with reason STORE_UNAVAILABLE. */
export interface Store extends Reader {
  /** A state for a long scan. */
  snapshot(): Snapshot;
  /**
   * Runs `work` atomically and resolves with its result when the change is durable (synced): no answer may leave before.
   * If `work` throws, nothing changes and the promise rejects with what it threw. `work` is synchronous and may run more
   * than once (stores that fetch over a network run it again when a key was missing), so it must not have effects of its own.
   * Concurrent calls share one commit.
   */
  transact<T>(work: (tx: Transaction) => T): Promise<T>;
  /** Calls `listener` after each durable commit with the keys it touched. Returns a function that ends the subscription. */
  subscribe(listener: (keys: readonly Uint8Array[]) => void): () => void;
  /** Waits for running transactions and releases the medium. */
  close(): Promise<void>;
}
