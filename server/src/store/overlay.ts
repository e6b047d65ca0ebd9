/** The writes of a running transaction, kept beside the store until the work has succeeded. */
import { copyOf, plain } from "./slab.js";
import type { Entry, Range } from "./store.js";

/** One write: a value, or nothing where the key was removed. */
export interface Write {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/** Writes by key, the last one of each, and in which order keys were written. */
export class Overlay {
  readonly #writes = new Map<string, Write>();
  readonly #log: Uint8Array[] = [];

  /** How many writes there were. */
  get length(): number {
    return this.#log.length;
  }

  /** Keys in the order they were written; one that was written twice comes twice. */
  get touched(): readonly Uint8Array[] {
    return this.#log;
  }

  /** What stands for each key. */
  writes(): Iterable<Write> {
    return this.#writes.values();
  }

  /** Forgets what was written, but not which keys were. */
  forget(): void {
    this.#writes.clear();
  }

  /** The write of a key, if there was one. */
  find(key: Uint8Array): Write | undefined {
    return this.#writes.size === 0 ? undefined : this.#writes.get(nameOf(key));
  }

  set(key: Uint8Array, value: Uint8Array | undefined): void {
    const own = copyOf(key);
    this.#writes.set(own.toString("latin1"), { key: own, value });
    this.#log.push(own);
  }

  /**
   * Lays the writes over a scan of the store: entries in the order of `range`, as they stand at the moment each is reached.
   * `below` gives the store's own entries in that order; it does not change while the work runs.
   */
  *over(range: Range, below: Iterator<Entry>): Generator<Entry> {
    const sign = range.reverse === true ? -1 : 1;
    const ahead: Uint8Array[] = [];
    let read = 0;
    let last: Uint8Array | undefined;
    let left = range.limit ?? Number.POSITIVE_INFINITY;
    let stored = below.next();
    while (left > 0) {
      for (; read < this.#log.length; read++) insert(ahead, this.#log[read]!, range, last, sign);
      const written = ahead[0];
      const under = stored.done === true ? undefined : stored.value;
      if (written === undefined && under === undefined) return;
      const order = written === undefined ? 1 : under === undefined ? -1 : Buffer.compare(written, under.key) * sign;
      if (order >= 0) stored = below.next();
      if (order <= 0) ahead.shift();
      last = order <= 0 ? written! : under!.key;
      const write = this.find(last);
      if (write !== undefined && write.value === undefined) continue;
      left--;
      yield write === undefined ? under! : { key: plain(copyOf(write.key)), value: plain(copyOf(write.value!)) };
    }
  }
}

/** Puts a key into its place among those that the scan has yet to reach. */
function insert(ahead: Uint8Array[], key: Uint8Array, { gte, lt }: Range, last: Uint8Array | undefined, sign: number): void {
  if (Buffer.compare(key, gte) < 0 || Buffer.compare(key, lt) >= 0) return;
  if (last !== undefined && Buffer.compare(key, last) * sign <= 0) return;
  let low = 0;
  let high = ahead.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = Buffer.compare(ahead[middle]!, key) * sign;
    if (order === 0) return;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  ahead.splice(low, 0, key);
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}
