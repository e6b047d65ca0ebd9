/** Turns the samples of all rounds into the figures that are reported. */
import { type Comparison, comparisons, type Row } from "./rows.js";

/** What one row came to in one round. */
export interface Sample {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the server process for one request, in microseconds. */
  readonly cpuMicrosPerRequest: number;
}

/** One row of the report: medians over the rounds. */
export interface RowResult extends Sample {
  readonly name: string;
  readonly protocol: string;
}

/** One ratio of the report; larger is better. */
export interface RatioResult {
  readonly name: string;
  readonly value: number;
  readonly target: number | null;
}

/** The middle one of some values; of an even number the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[upper]! : (sorted[upper - 1]! + sorted[upper]!) / 2;
}

/** The medians of a row. */
export function rowResult({ name, protocol }: Row, samples: readonly Sample[]): RowResult {
  const of = (field: keyof Sample, digits: number): number => rounded(median(samples.map((sample) => sample[field])), digits);
  return {
    name,
    protocol,
    requestsPerSecond: of("requestsPerSecond", 0),
    p50Ms: of("p50Ms", 2),
    p99Ms: of("p99Ms", 2),
    cpuMicrosPerRequest: of("cpuMicrosPerRequest", 1),
  };
}

/**
 * The ratios of all comparisons whose rows were both measured: the median over rounds of the peer's CPU time by ours.
 * Within a round both were measured close together, so that a slow minute of the machine weighs on both.
 */
export function ratioResults(samples: ReadonlyMap<Row, readonly Sample[]>): readonly RatioResult[] {
  return comparisons.flatMap((comparison) => {
    const values = valuesOf(comparison, samples);
    return values.length === 0 ? [] : [{ name: comparison.name, value: rounded(median(values), 2), target: comparison.target }];
  });
}

function valuesOf({ ours, peer }: Comparison, samples: ReadonlyMap<Row, readonly Sample[]>): readonly number[] {
  const peers = samples.get(peer) ?? [];
  return (samples.get(ours) ?? []).flatMap((sample, round) => {
    const beside = peers[round];
    return beside === undefined ? [] : [beside.cpuMicrosPerRequest / sample.cpuMicrosPerRequest];
  });
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
