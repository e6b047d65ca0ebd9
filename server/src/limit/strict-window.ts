/** Strict windows: an exact log of what was admitted, sliding with time. */
import { strictWindowEntriesMax } from "../limits.js";
import { capacityOf, type Meter } from "./meter.js";

/** Units that were admitted at one moment. */
interface Spent {
  atUs: number;
  units: number;
}

/**
 * A budget of which at most `requests` units are spent in any window, wherever the window begins (RL-01). A unit comes back
 * exactly one window after it was spent.
 *
 * Memory is bounded: buckets of more than `strictWindowEntriesMax` units keep one entry for each of as many equal slices of
 * the window, dated by its last call, so that they may admit up to a slice later than an exact log would, never earlier.
 */
export function createStrictWindow(saved?: Float64Array): Meter {
  /** Oldest first; entries before `first` are forgotten. */
  let log: Spent[] = [];
  let first = 0;
  let used = 0;
  for (let i = 0; saved !== undefined && i + 1 < saved.length; i += 2) {
    log.push({ atUs: saved[i]!, units: saved[i + 1]! });
    used += saved[i + 1]!;
  }

  function forget(untilUs: number): void {
    while (first < log.length && log[first]!.atUs <= untilUs) used -= log[first++]!.units;
    if (first > 32 && first * 2 > log.length) {
      log = log.slice(first);
      first = 0;
    }
  }

  /** When at least `units` will have come back. */
  function returnedUs(units: number, windowUs: number): number {
    let back = 0;
    for (let i = first; i < log.length; i++) {
      back += log[i]!.units;
      if (back >= units) return log[i]!.atUs + windowUs;
    }
    return Infinity;
  }

  return {
    spend(bucket, cost, nowUs) {
      const windowUs = bucket.windowMs * 1_000;
      const capacity = capacityOf(bucket);
      const lastUs = log.at(-1)?.atUs ?? nowUs;
      const atUs = Math.max(nowUs, lastUs);
      forget(atUs - windowUs);
      const admitted = used + cost <= capacity;
      if (admitted) {
        const last = first < log.length ? log.at(-1) : undefined;
        const sliceUs = capacity > strictWindowEntriesMax ? windowUs / strictWindowEntriesMax : 1;
        if (last !== undefined && Math.floor(last.atUs / sliceUs) === Math.floor(atUs / sliceUs)) {
          last.atUs = atUs;
          last.units += cost;
        } else {
          log.push({ atUs, units: cost });
        }
        used += cost;
      }
      const wait = (unitsBack: number): number => returnedUs(unitsBack, windowUs) - atUs;
      return {
        admitted,
        remaining: Math.max(0, capacity - used),
        fullInUs: used === 0 ? 0 : wait(used),
        // After an override ended more may be used than the capacity: the next unit is the one that makes room for one.
        nextUnitInUs: used === 0 ? 0 : wait(Math.max(1, used - capacity + 1)),
        retryAfterUs: admitted ? 0 : cost > capacity ? Infinity : wait(used + cost - capacity),
      };
    },
    state: () => Float64Array.from(log.slice(first).flatMap(({ atUs, units }) => [atUs, units])),
  };
}
