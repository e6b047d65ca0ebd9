/** Times and durations of the contract, in milliseconds. */
import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";

/** Unix milliseconds as a Timestamp. */
export function timestampOf(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  return { $typeName: "google.protobuf.Timestamp", seconds: BigInt(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
}

/** A Timestamp in Unix milliseconds, cut to the millisecond. */
export function msOfTimestamp({ seconds, nanos }: Timestamp): number {
  return Number(seconds) * 1000 + Math.floor(nanos / 1_000_000);
}

/** A Duration in milliseconds, rounded up, so that a positive one never becomes none. */
export function msOfDuration({ seconds, nanos }: Duration): number {
  return Number(seconds) * 1000 + Math.ceil(nanos / 1_000_000);
}
