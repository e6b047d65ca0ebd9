/** The rules for keys and bounds that every store keeps. */
import { storeKeyBytesMax } from "../limits.js";
import type { Range } from "./store.js";

/** Throws a RangeError unless `key` has 1 to `storeKeyBytesMax` bytes: a longer one is a defect of the caller, not of the medium. */
export function checkKey(key: Uint8Array): void {
  if (key.length === 0 || key.length > storeKeyBytesMax) throw new RangeError(`a key of ${key.length} bytes; a store takes 1 to ${storeKeyBytesMax}`);
}

/** True if no key can lie in the range. Throws a RangeError if a bound is longer than a key may be. */
export function isEmpty({ gte, lt }: Pick<Range, "gte" | "lt">): boolean {
  if (Math.max(gte.length, lt.length) > storeKeyBytesMax) throw new RangeError(`a bound of more than ${storeKeyBytesMax} bytes`);
  return Buffer.compare(gte, lt) >= 0;
}
