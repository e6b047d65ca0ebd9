/** A map that forgets its oldest entry when it is full. */

/** Remembers at most so many entries. */
export interface BoundedMap<Key, Value> {
  get(key: Key): Value | undefined;
  /** Remembers a value, forgetting the oldest one if need be; returns it. */
  set(key: Key, value: Value): Value;
  delete(key: Key): void;
  clear(): void;
  readonly size: number;
}

/** Makes an empty one. Reading does not renew an entry: what is evicted is looked up again, which costs little. */
export function createBoundedMap<Key, Value>(entriesMax: number): BoundedMap<Key, Value> {
  const entries = new Map<Key, Value>();
  // Kept from one to the next: each new one would have to step over all that were forgotten.
  let oldest = entries.keys();
  const forgetOldest = (): void => {
    let next = oldest.next();
    if (next.done === true) {
      oldest = entries.keys();
      next = oldest.next();
    }
    if (next.done !== true) entries.delete(next.value);
  };
  return {
    get: (key) => entries.get(key),
    set(key, value) {
      if (entries.size >= entriesMax && !entries.has(key)) forgetOldest();
      entries.set(key, value);
      return value;
    },
    delete: (key) => void entries.delete(key),
    clear: () => entries.clear(),
    get size() {
      return entries.size;
    },
  };
}
