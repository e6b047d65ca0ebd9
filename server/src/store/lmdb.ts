/** The embedded store: one LMDB environment with one database of byte keys and byte values. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readSync, statfsSync } from "node:fs";
import { endianness } from "node:os";
import { dirname, join, resolve } from "node:path";
import { open, type RootDatabase, type RootDatabaseOptions, type Transaction as ReadTransaction } from "lmdb";
import { fail, Failure, Reason } from "../errors.js";
import { storeBytesMax, storeMapBytes, storeReadAheadEntries } from "../limits.js";
import { admit, mappedHook } from "./admission.js";
import { checkKey, isEmpty } from "./check-key.js";
import { createFeed } from "./feed.js";
import { createLookUp, type LookUp } from "./look-up.js";
import { Overlay } from "./overlay.js";
import { claimDirectory, joinDirectory, leaveDirectory, type Ownership } from "./owner.js";
import { copyOf, plain } from "./slab.js";
import type { Entry, Range, Snapshot, Store, Transaction } from "./store.js";

/** Where the store lives. */
export interface LmdbStoreOptions {
  /** Its directory; made with mode 0700 if it is not there. */
  readonly directory: string;
  /** Address space mapped at first, in bytes; default `storeMapBytes`. */
  readonly mapBytes?: number;
  /** How much its pages may hold, in bytes; default `storeBytesMax`. Whoever grows it asks `roomBytes`. */
  readonly bytesMax?: number;
  /** Pid of the process that owns the directory, in a worker process of it; absent: this process becomes the owner. */
  readonly ownedBy?: number;
  /** Called when the file is mapped and before anything is read: what a process that joins tells the one that admitted it. */
  readonly onMapped?: () => void;
}

type Database = RootDatabase<Uint8Array, Uint8Array>;

/** A work that waits for its commit. */
interface Pending {
  readonly work: (tx: Transaction) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A work that ran. */
interface Settled {
  readonly pending: Pending;
  readonly tx: LmdbTransaction;
  readonly value: unknown;
  readonly thrown: { readonly error: unknown } | undefined;
}

/**
 * Opens the store in a directory and claims it for this process, or joins the process that owns it. Throws an Error that
 * names directory and owner if another process has it.
 *
 * Durability: the environment is opened without `overlappingSync`, so a commit writes its pages, calls fdatasync, and
 * writes the meta page through a descriptor opened with O_DSYNC, before it becomes visible and before its promises resolve.
 * (With `overlappingSync`, lmdb's default, a commit is visible, and its promise resolves, ahead of the sync.)
 */
export function openLmdbStore({ directory, mapBytes = storeMapBytes, bytesMax = storeBytesMax, ownedBy, onMapped }: LmdbStoreOptions): LmdbStore {
  const path = resolve(directory);
  const made = mkdirSync(path, { recursive: true, mode: 0o700 });
  const owner = ownedBy === undefined ? claimDirectory(path) : joinDirectory(path, ownedBy);
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
      ...mappedHook(onMapped),
    };
    const db: Database = open(options as typeof options & RootDatabaseOptions);
    // A file is only as durable as the name it is found by.
    syncDirectory(path);
    if (made !== undefined) for (let folder = path; folder.length >= made.length; folder = dirname(folder)) syncDirectory(dirname(folder));
    return new LmdbStore(db, owner, path, bytesMax);
  } catch (cause) {
    owner.release();
    throw new Error(`the store in ${path} cannot be opened`, { cause });
  }
}

export type { LmdbStore };

/** What lmdb counts of one tree, and does not declare. */
interface TreeStats {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

interface Stats {
  readonly pageSize: number;
  readonly lastPageNumber: number;
  readonly root: TreeStats;
  /** The tree of free pages. */
  readonly free: TreeStats;
}

const metaPages = 2;
const pagesOf = ({ treeBranchPageCount, treeLeafPageCount, overflowPages }: TreeStats): number => treeBranchPageCount + treeLeafPageCount + overflowPages;

class LmdbStore implements Store {
  readonly #db: Database;
  readonly #lookUp: LookUp;
  readonly #owner: Ownership;
  readonly #path: string;
  readonly #bytesMax: number;
  readonly #feed = createFeed();
  readonly #scans = new Set<Iterator<unknown>>();
  readonly #snapshots = new Set<Snapshot>();
  readonly #running = new Set<Promise<unknown>>();
  #state: "open" | "closing" | "closed" = "open";
  readonly #waiting: Pending[] = [];
  #committing = false;
  #working = false;
  #suspect = false;
  readonly subscribe: Store["subscribe"];

  constructor(db: Database, owner: Ownership, path: string, bytesMax: number) {
    this.#db = db;
    this.#lookUp = createLookUp(db);
    this.#owner = owner;
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.subscribe = this.#feed.subscribe;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#admitRead();
    return getFrom(this.#lookUp, key, undefined);
  }

  /**
   * The value of a key as it is at this moment, whichever process wrote it, and from then on at least that state for every
   * read. Other reads are as new as the last commit of this process, but may lag behind those of others by a turn of the
   * event loop.
   */
  latest(key: Uint8Array): Uint8Array | undefined {
    this.#admitRead();
    guarded(() => this.#db.resetReadTxn());
    return getFrom(this.#lookUp, key, undefined);
  }

  /** Bytes that can still be written: within the largest size, into free pages of the file and onto its disk. */
  roomBytes(): number {
    const { usedBytes, fileBytes } = this.#size();
    const { bavail, bsize } = guarded(() => statfsSync(this.#path));
    return Math.min(this.#bytesMax - usedBytes, fileBytes - usedBytes + bavail * bsize);
  }

  /** Bytes of the pages that hold something. */
  usedBytes(): number {
    return this.#size().usedBytes;
  }

  /** Whoever asks within a transaction hears of the state ahead of it. */
  #size(): { readonly usedBytes: number; readonly fileBytes: number } {
    if (this.#state === "closed") throw fail(Reason.STORE_UNAVAILABLE);
    const { pageSize, lastPageNumber, root, free } = guarded(() => this.#db.getStats() as Stats);
    return { usedBytes: (metaPages + pagesOf(root) + pagesOf(free)) * pageSize, fileBytes: (lastPageNumber + 1) * pageSize };
  }

  /** Lets a worker process open the store, while nobody writes. Rejects with AdmissionError if it does not and had to be killed. */
  async admit(pid: number): Promise<void> {
    await this.transact(() => admit(this.#path, pid));
  }

  /** Frees what a worker process that ended held: its claim, and pages that it was reading, which are not used again until then. */
  forget(pid: number): void {
    guarded(() => this.#db.readerCheck());
    leaveDirectory(this.#path, pid);
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
      get: (key) => getFrom(this.#lookUp, key, admit()),
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

  #transact<T>(work: (tx: Transaction) => T): Promise<T> {
    if (this.#working) return Promise.reject(new Error("a transaction cannot begin another"));
    if (this.#state !== "open") return Promise.reject(fail(Reason.STORE_UNAVAILABLE));
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject });
      this.#pump();
    });
  }

  /** Commits what waits, all of it together, and then what came meanwhile: the sync of one commit gathers the next. */
  #pump(): void {
    if (this.#committing || this.#waiting.length === 0) return;
    this.#committing = true;
    void this.#commit().then(() => {
      this.#committing = false;
      this.#pump();
    });
  }

  async #commit(): Promise<void> {
    const batch: Settled[] = [];
    try {
      if (this.#suspect) this.#probe();
      await this.#db.childTransaction(() => {
        for (let pending = this.#waiting.shift(); pending !== undefined; pending = this.#waiting.shift()) {
          const settled = this.#run(pending);
          batch.push(settled);
          // A write that failed half-way leaves the transaction unfit: nobody's change is kept, and everybody is told.
          if (settled.tx.fault !== undefined) throw settled.tx.fault;
        }
      });
    } catch (error) {
      const own = batch.at(-1)?.tx.fault;
      this.#suspect = own === undefined;
      const cause = own ?? unavailable(await causeOf(error));
      for (const { pending, tx, thrown } of batch) pending.reject(thrown === undefined || tx.fault !== undefined ? cause : thrown.error);
      // A transaction that could not begin ran nobody's work; one that ended early leaves the rest to the next.
      if (batch.length === 0) for (const pending of this.#waiting.splice(0)) pending.reject(cause);
      return;
    }
    for (const { pending, tx, value, thrown } of batch) {
      if (thrown !== undefined) {
        pending.reject(thrown.error);
        continue;
      }
      this.#feed.publish(tx.touched);
      pending.resolve(value);
    }
  }

  /** Runs one work against the state that those before it leave; its writes wait in its own overlay until it is known to succeed. */
  #run(pending: Pending): Settled {
    const tx = new LmdbTransaction(this.#db, this.#lookUp);
    this.#working = true;
    try {
      const value = pending.work(tx);
      if (value instanceof Promise) throw new Error("the work of a transaction is synchronous");
      tx.apply();
      return { pending, tx, value, thrown: undefined };
    } catch (error) {
      return { pending, tx, value: undefined, thrown: { error } };
    } finally {
      this.#working = false;
      tx.end();
    }
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

/** One work's view: the store as those before it leave it, under its own writes. */
class LmdbTransaction implements Transaction {
  fault: Failure | undefined;
  readonly #db: Database;
  readonly #lookUp: LookUp;
  readonly #overlay = new Overlay();
  #open = true;

  constructor(db: Database, lookUp: LookUp) {
    this.#db = db;
    this.#lookUp = lookUp;
  }

  get touched(): readonly Uint8Array[] {
    return this.#overlay.touched;
  }

  end(): void {
    this.#open = false;
  }

  /** Writes the overlay into the transaction that is being committed. */
  apply(): void {
    try {
      for (const { key, value } of this.#overlay.writes()) {
        if (value === undefined) void this.#db.remove(key);
        else void this.#db.put(key, value);
      }
      // The transaction has them now; while it is synced they would only be moved about by the collector.
      this.#overlay.forget();
    } catch (cause) {
      this.fault = unavailable(cause);
      throw this.fault;
    }
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#admit();
    const write = this.#overlay.find(key);
    if (write === undefined) return getFrom(this.#lookUp, key, undefined);
    return write.value && plain(copyOf(write.value));
  }

  range(range: Range): Iterable<Entry> {
    return this.#overlay.over(range, this.#below(range, true));
  }

  *keys(range: Range): Generator<Uint8Array> {
    for (const { key } of this.#overlay.over(range, this.#below(range, false))) yield key;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#admit();
    checkKey(key);
    this.#overlay.set(key, copyOf(value));
  }

  remove(key: Uint8Array): boolean {
    if (this.get(key) === undefined) return false;
    this.#overlay.set(key, undefined);
    return true;
  }

  #admit(): void {
    if (!this.#open) throw new Error("a transaction was used after its work was done");
  }

  /** The store's own entries, read ahead so that no cursor is left open. Its state stays as it is while the work runs. */
  *#below(range: Range, values: boolean): Generator<Entry> {
    let after: Uint8Array | undefined;
    for (;;) {
      this.#admit();
      const batch = guarded(() => [...drained(cursorOf(this.#db, { ...range, limit: storeReadAheadEntries }, values, undefined, after))]);
      for (const entry of batch) {
        this.#admit();
        yield entry;
        after = entry.key;
      }
      if (batch.length < storeReadAheadEntries) return;
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

function getFrom(lookUp: LookUp, key: Uint8Array, transaction: ReadTransaction | undefined): Uint8Array | undefined {
  checkKey(key);
  try {
    return lookUp(key, transaction);
  } catch (cause) {
    throw unavailable(cause);
  }
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
