/** The embedded store: one LMDB environment with one database of byte keys and byte values. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readSync } from "node:fs";
import { endianness } from "node:os";
import { dirname, join, resolve } from "node:path";
import { open, type RootDatabase, type Transaction as ReadTransaction } from "lmdb";
import { fail, Failure, Reason } from "../errors.js";
import { storeMapBytes, storeReadAheadEntries } from "../limits.js";
import { checkKey, isEmpty } from "./check-key.js";
import { createFeed } from "./feed.js";
import { claimDirectory, type Ownership } from "./owner.js";
import type { Entry, Range, Snapshot, Store, Transaction } from "./store.js";

/** Where the store lives. */
export interface LmdbStoreOptions {
  /** Its directory; made with mode 0700 if it is not there. */
  readonly directory: string;
  /** Address space mapped at first, in bytes; default `storeMapBytes`. */
  readonly mapBytes?: number;
}

type Database = RootDatabase<Uint8Array, Uint8Array>;

/**
 * Opens the store in a directory and claims it for this process. Throws an Error that names directory and owner if another
 * process has it.
 *
 * Durability: the environment is opened without `overlappingSync`, so a commit writes its pages, calls fdatasync, and
 * writes the meta page through a descriptor opened with O_DSYNC, before it becomes visible and before its promises resolve.
 * (With `overlappingSync`, lmdb's default, a commit is visible, and its promise resolves, ahead of the sync.)
 */
export function openLmdbStore({ directory, mapBytes = storeMapBytes }: LmdbStoreOptions): Store {
  const path = resolve(directory);
  const made = mkdirSync(path, { recursive: true, mode: 0o700 });
  const owner = claimDirectory(path);
  try {
    const file = join(path, "data.mdb");
    refuseForeignFile(file);
    // lmdb reads `permissionsMode` and does not declare it.
    const options = {
      path: file,
      encoding: "binary" as const,
      keyEncoding: "binary" as const,
      overlappingSync: false,
      // The instruction that opens such a batch has a promise of its own that nobody can catch when the commit fails.
      eventTurnBatching: false,
      cache: false,
      mapSize: mapBytes,
      permissionsMode: 0o600,
    };
    const db: Database = open(options);
    // A file is only as durable as the name it is found by.
    syncDirectory(path);
    if (made !== undefined) for (let folder = path; folder.length >= made.length; folder = dirname(folder)) syncDirectory(dirname(folder));
    return new LmdbStore(db, owner);
  } catch (cause) {
    owner.release();
    throw new Error(`the store in ${path} cannot be opened`, { cause });
  }
}

class LmdbStore implements Store {
  readonly #db: Database;
  readonly #owner: Ownership;
  readonly #feed = createFeed();
  readonly #scans = new Set<Iterator<unknown>>();
  readonly #snapshots = new Set<Snapshot>();
  readonly #running = new Set<Promise<unknown>>();
  #state: "open" | "closing" | "closed" = "open";
  #working = false;
  #suspect = false;
  readonly subscribe: Store["subscribe"];

  constructor(db: Database, owner: Ownership) {
    this.#db = db;
    this.#owner = owner;
    this.subscribe = this.#feed.subscribe;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#admitRead();
    return getFrom(this.#db, key, undefined);
  }

  range(range: Range): Iterable<Entry> {
    return this.#scan(range, undefined, true) as Iterable<Entry>;
  }

  *keys(range: Range): Generator<Uint8Array> {
    for (const { key } of this.#scan(range, undefined, false)) yield key;
  }

  snapshot(): Snapshot {
    this.#admitRead();
    const transaction = guarded(() => this.#db.useReadTransaction());
    let open = true;
    const admit = (): ReadTransaction => {
      this.#admitRead();
      if (!open) throw new Error("a snapshot was used after it was closed");
      return transaction;
    };
    const scan = this.#scan.bind(this);
    const own = new Set<Iterator<unknown>>();
    const snapshot: Snapshot = {
      get: (key) => getFrom(this.#db, key, admit()),
      range: (range) => scan(range, admit, true, own) as Iterable<Entry>,
      *keys(range) {
        for (const { key } of scan(range, admit, false, own)) yield key;
      },
      close: () => {
        if (!open) return;
        open = false;
        this.#snapshots.delete(snapshot);
        // A cursor must not outlive its transaction.
        for (const iterator of own) iterator.return?.();
        transaction.done();
      },
    };
    this.#snapshots.add(snapshot);
    return snapshot;
  }

  transact<T>(work: (tx: Transaction) => T): Promise<T> {
    const done = this.#transact(work);
    const settled = done.then(ignore, ignore).then(() => void this.#running.delete(settled));
    this.#running.add(settled);
    return done;
  }

  async close(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "closing";
    await Promise.all(this.#running);
    for (const iterator of this.#scans) iterator.return?.();
    for (const snapshot of this.#snapshots) snapshot.close();
    this.#state = "closed";
    await this.#db.close();
    this.#owner.release();
  }

  async #transact<T>(work: (tx: Transaction) => T): Promise<T> {
    if (this.#working) throw new Error("a transaction cannot begin another");
    if (this.#state !== "open") throw fail(Reason.STORE_UNAVAILABLE);
    if (this.#suspect) this.#probe();
    const tx = new LmdbTransaction(this.#db);
    let outcome: { readonly value: T } | undefined;
    let thrown: { readonly error: unknown } | undefined;
    try {
      await this.#db.childTransaction(() => {
        this.#working = true;
        try {
          const value = work(tx);
          if (value instanceof Promise) throw new Error("the work of a transaction is synchronous");
          // A child with a failed write must not be committed, even if its work went on regardless.
          if (tx.fault !== undefined) throw tx.fault;
          outcome = { value };
        } catch (error) {
          thrown = { error };
          throw error;
        } finally {
          this.#working = false;
          tx.end();
        }
      });
    } catch (error) {
      if (thrown !== undefined && thrown.error === error) throw error;
      this.#suspect = true;
      throw unavailable(await causeOf(error));
    }
    if (outcome === undefined) throw unavailable(new Error("a commit resolved without running its work"));
    this.#feed.publish(tx.touched);
    return outcome.value;
  }

  /** After a failed commit the environment may refuse to begin transactions, and lmdb would then never settle an asynchronous one. */
  #probe(): void {
    guarded(() => this.#db.transactionSync(ignore));
    this.#suspect = false;
  }

  #admitRead(): void {
    if (this.#state === "closed") throw fail(Reason.STORE_UNAVAILABLE);
    if (this.#working) throw new Error("a store was read inside a transaction; read through the transaction");
  }

  *#scan(range: Range, admit: (() => ReadTransaction) | undefined, values: boolean, own?: Set<Iterator<unknown>>): Generator<Entry> {
    this.#admitRead();
    const transaction = admit?.();
    const cursor = guarded(() => cursorOf(this.#db, range, values, transaction));
    this.#scans.add(cursor);
    own?.add(cursor);
    try {
      for (;;) {
        this.#admitRead();
        admit?.();
        const step = guarded(() => cursor.next());
        if (step.done) return;
        yield entryOf(step.value);
      }
    } finally {
      this.#scans.delete(cursor);
      own?.delete(cursor);
      cursor.return?.();
    }
  }
}

class LmdbTransaction implements Transaction {
  readonly touched: Uint8Array[] = [];
  fault: Failure | undefined;
  readonly #db: Database;
  #open = true;
  #writes = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  end(): void {
    this.#open = false;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#admit();
    return getFrom(this.#db, key, undefined);
  }

  range(range: Range): Iterable<Entry> {
    return this.#scan(range, true);
  }

  *keys(range: Range): Generator<Uint8Array> {
    for (const { key } of this.#scan(range, false)) yield key;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#admit();
    checkKey(key);
    this.#write(() => void this.#db.put(key, value));
    this.touched.push(Uint8Array.from(key));
  }

  remove(key: Uint8Array): boolean {
    this.#admit();
    if (getFrom(this.#db, key, undefined) === undefined) return false;
    this.#write(() => void this.#db.remove(key));
    this.touched.push(Uint8Array.from(key));
    return true;
  }

  #admit(): void {
    if (!this.#open) throw new Error("a transaction was used after its work was done");
  }

  #write(write: () => void): void {
    this.#writes++;
    try {
      write();
    } catch (cause) {
      this.fault = unavailable(cause);
      throw this.fault;
    }
  }

  /** Reads ahead without leaving a cursor open, and reads again where a write came between. */
  *#scan(range: Range, values: boolean): Generator<Entry> {
    let left = range.limit ?? Number.POSITIVE_INFINITY;
    let rest = range;
    let after: Uint8Array | undefined;
    while (left > 0) {
      this.#admit();
      const writes = this.#writes;
      const asked = Math.min(left, storeReadAheadEntries);
      const batch = guarded(() => [...drained(cursorOf(this.#db, { ...rest, limit: asked }, values, undefined, after))]);
      for (const entry of batch) {
        yield entryOf(entry);
        this.#admit();
        left--;
        after = entry.key;
        if (this.#writes !== writes) break;
      }
      if (this.#writes === writes && batch.length < asked) return;
      if (after === undefined) return;
    }
  }
}

interface Found {
  readonly key: Uint8Array;
  readonly value?: Uint8Array;
}

/** A cursor over a range; `after` starts it behind a key that was seen. */
function cursorOf(db: Database, { gte, lt, reverse = false, limit }: Range, values: boolean, transaction?: ReadTransaction, after?: Uint8Array): Iterator<unknown> {
  if (isEmpty({ gte, lt })) return [][Symbol.iterator]();
  const first = gte.length === 0 ? lowestKey : gte;
  const ends = reverse
    ? { start: after ?? lt, end: first, exclusiveStart: true, inclusiveEnd: true }
    : { start: after ?? first, end: lt, exclusiveStart: after !== undefined, inclusiveEnd: false };
  const options = { ...ends, reverse, values, ...(limit === undefined ? {} : { limit }), ...(transaction === undefined ? {} : { transaction }) };
  return db.getRange(options as Parameters<Database["getRange"]>[0])[Symbol.iterator]();
}

const lowestKey = Uint8Array.of(0);

function* drained(cursor: Iterator<unknown>): Generator<Entry> {
  try {
    for (let step = cursor.next(); !step.done; step = cursor.next()) yield entryOf(step.value);
  } finally {
    cursor.return?.();
  }
}

const nothing = new Uint8Array();

function entryOf(found: unknown): Entry {
  if (found instanceof Uint8Array) return { key: plain(found), value: nothing };
  const { key, value } = found as Found;
  return { key: plain(key), value: value === undefined ? nothing : plain(value) };
}

function getFrom(db: Database, key: Uint8Array, transaction: ReadTransaction | undefined): Uint8Array | undefined {
  checkKey(key);
  try {
    const value = db.get(key, transaction === undefined ? undefined : { transaction });
    return value && plain(value);
  } catch (cause) {
    throw unavailable(cause);
  }
}

/** The same bytes without Buffer's own ideas, such as a `slice` that does not copy. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function guarded<T>(action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw cause instanceof RangeError ? cause : unavailable(cause);
  }
}

function unavailable(cause: unknown): Failure {
  return fail(Reason.STORE_UNAVAILABLE, {}, { cause });
}

/** lmdb rejects a failed commit with an error that promises the cause; what it promises comes within this turn, if at all. */
function causeOf(error: unknown): Promise<unknown> {
  const later = new Promise((settle) => setImmediate(settle, error));
  const { commitError } = error as { commitError?: Promise<unknown> };
  return commitError === undefined ? Promise.resolve(error) : Promise.race([commitError.catch((cause: unknown) => cause), later]);
}

function ignore(): void {}

/** lmdb does not survive opening a file of another kind, so its magic number is looked at first. */
function refuseForeignFile(file: string): void {
  if (!existsSync(file)) return;
  const head = Buffer.alloc(magicOffset + 4);
  const handle = openSync(file, "r");
  try {
    const length = readSync(handle, head, 0, head.length, 0);
    const found = endianness() === "LE" ? head.readUInt32LE(magicOffset) : head.readUInt32BE(magicOffset);
    if (length > 0 && found !== magic) throw new Error(`${file} is not a store`);
  } finally {
    closeSync(handle);
  }
}

/** Behind the header of the first page (lmdb's data format 2). */
const magicOffset = 24;
const magic = 0xbeefc0de;

function syncDirectory(path: string): void {
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
