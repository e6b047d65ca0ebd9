/** The change feed of a store: who listens, and how they are told. */

/** Tells listeners which keys a durable commit touched. */
export interface Feed {
  /** Adds a listener; returns a function that takes it away. */
  readonly subscribe: (listener: (keys: readonly Uint8Array[]) => void) => () => void;
  /** Tells everybody, in the order they came. Nothing happens without keys. */
  readonly publish: (keys: readonly Uint8Array[]) => void;
}

/**
 * Makes a feed. Listeners keep caches true, so one that throws may leave a cache wrong: its error is raised as an uncaught
 * one rather than lost, and neither the commit nor the other listeners suffer.
 */
export function createFeed(): Feed {
  const listeners = new Set<(keys: readonly Uint8Array[]) => void>();
  return {
    subscribe(listener) {
      // The same function may be added twice, each with its own end.
      const own = (keys: readonly Uint8Array[]): void => listener(keys);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    publish(keys) {
      if (keys.length === 0) return;
      for (const listener of listeners) {
        try {
          listener(keys);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    },
  };
}
