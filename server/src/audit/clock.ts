/** Wall time with nanoseconds, for records. */

/** Nanoseconds since 1970 (Unix time). */
export type NanosecondClock = () => bigint;

const millisecond = 1_000_000n;
/** How far the derived time may be from the wall clock before it is anchored anew. */
const driftMax = 5n * millisecond;

/**
 * A clock that takes the date from `wallMs` (milliseconds since 1970) and the finer part from `monotonic` (nanoseconds from
 * anywhere). When the wall clock is set, it follows. It may step back then; the log never does.
 */
export function createNanosecondClock(wallMs: () => number = Date.now, monotonic: () => bigint = () => process.hrtime.bigint()): NanosecondClock {
  let offset = BigInt(wallMs()) * millisecond - monotonic();
  return () => {
    const wall = BigInt(wallMs()) * millisecond;
    const derived = monotonic() + offset;
    const drift = derived - wall;
    if (drift > driftMax || drift < -driftMax) {
      offset += wall - derived;
      return wall;
    }
    return derived;
  };
}
