/** Medians, quartiles and percentiles. */

/** The middle one of some values; of an even number the mean of the middle two. NaN if there are none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** A spread: half of the values lie between the two. */
export interface Quartiles {
  readonly low: number;
  readonly high: number;
}

/** The quartiles of some values, interpolated between the nearest two. NaN if there are none. */
export function quartiles(values: readonly number[]): Quartiles {
  return { low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? NaN;
  const above = sorted[Math.ceil(at)] ?? NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** A value below which a share of sorted values lies (nearest rank). NaN if there are none. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? NaN;
}
