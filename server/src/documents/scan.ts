/** Long scans that let other calls run and stop when their caller is gone. */
import { fail, Failure, Reason } from "../errors.js";
import { scanYieldRows } from "../limits.js";
import type { Range, Reader, Snapshot, Store } from "../store/store.js";

/** Bounds of a scan, in either direction. */
export type ScanRange = Omit<Range, "limit">;

/**
 * Visits the keys of a range until `visit` returns false. After each `scanYieldRows` rows other calls run; a visit that reads
 * rows itself says as how many its key counts (`rowsPerKey`). The reader must be a snapshot, or what is seen is not one
 * state. Rejects as `breathe` does.
 */
export async function scanKeys(reader: Reader, range: ScanRange, signal: AbortSignal, visit: (key: Uint8Array) => boolean, rowsPerKey = 1): Promise<void> {
  const portion = Math.ceil(scanYieldRows / rowsPerKey);
  let rest: ScanRange | undefined = range;
  while (rest !== undefined) {
    let last: Uint8Array | undefined;
    let count = 0;
    for (const key of reader.keys({ ...rest, limit: portion })) {
      count++;
      last = key;
      if (!visit(key)) return;
    }
    rest = count < portion ? undefined : behind(rest, last!);
    if (rest !== undefined) await breathe(signal);
  }
}

/** The keys of a range in portions of `portion`, for work that waits between keys; otherwise like `scanKeys`. */
export async function* keyPortions(reader: Reader, range: ScanRange, portion: number, signal: AbortSignal, rowsPerKey = 1): AsyncGenerator<Uint8Array[]> {
  let rest = range;
  let scanned = 0;
  for (;;) {
    stopIfAborted(signal);
    const keys = [...reader.keys({ ...rest, limit: portion })];
    if (keys.length > 0) yield keys;
    if (keys.length < portion) return;
    rest = behind(rest, keys.at(-1)!);
    scanned += keys.length * rowsPerKey;
    if (scanned >= scanYieldRows) {
      scanned = 0;
      await breathe(signal);
    }
  }
}

/** Lets other calls run. Rejects if the call was aborted: with the Failure that the signal gives as its reason, else CALL_CANCELLED. */
export async function breathe(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => void setImmediate(resolve));
  stopIfAborted(signal);
}

/** Throws if the call was aborted, as `breathe` does. */
export function stopIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw signal.reason instanceof Failure ? signal.reason : fail(Reason.CALL_CANCELLED);
}

/** What is left of a range once a key was seen. */
function behind(range: ScanRange, key: Uint8Array): ScanRange {
  return range.reverse === true ? { ...range, lt: key } : { ...range, gte: successor(key) };
}

/**
 * A snapshot for a stream: closed by `release`, and at the latest when the call is aborted, because a stream whose reader
 * has gone may never be asked for its next message. Readers check the signal before they read on.
 */
export function holdSnapshot(store: Store, signal: AbortSignal): { readonly snapshot: Snapshot; release(): void } {
  stopIfAborted(signal);
  const snapshot = store.snapshot();
  const close = (): void => snapshot.close();
  signal.addEventListener("abort", close, { once: true });
  return {
    snapshot,
    release() {
      signal.removeEventListener("abort", close);
      close();
    },
  };
}

/** The first key behind another. */
export function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}
