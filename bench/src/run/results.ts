/** Turns the samples of all rounds into the figures that are reported. */
import type { Comparison, Figure } from "./comparisons.js";
import type { Row } from "./rows.js";
import { median, quartiles } from "./statistics.js";

/** What one row came to in one stretch. */
export interface Sample {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the server's processes for one request, in microseconds. */
  readonly cpuMicrosPerRequest: number;
  /** The most memory that they had resident, in MiB. */
  readonly rssPeakMiB: number;
}

/** Two stretches that were measured back to back. */
export interface Pair {
  readonly ours: Sample;
  readonly peer: Sample;
}

/** One row of the report: medians over its stretches, but the highest peak of memory. */
export interface RowResult extends Sample {
  readonly name: string;
  readonly protocol: string;
  readonly connections: number;
  /** Requests that one connection had open at a time. */
  readonly streams: number;
}

/** One ratio of the report; larger is better. */
export interface RatioResult {
  readonly name: string;
  /** The median over all pairs. */
  readonly value: number;
  readonly target: number | null;
  readonly of: Figure;
  /** Half of the pairs lie between the two. */
  readonly low: number;
  readonly high: number;
  readonly pairs: number;
}

/** How well ours did beside the peer in one pair, by what is compared. */
const ratio: Readonly<Record<Figure, (pair: Pair) => number>> = {
  cpu: ({ ours, peer }) => peer.cpuMicrosPerRequest / ours.cpuMicrosPerRequest,
  requests: ({ ours, peer }) => ours.requestsPerSecond / peer.requestsPerSecond,
  p99: ({ ours, peer }) => peer.p99Ms / ours.p99Ms,
  rss: ({ ours, peer }) => peer.rssPeakMiB / ours.rssPeakMiB,
};

/** The figures of a row. */
export function rowResult({ name, protocol, shape }: Row, samples: readonly Sample[]): RowResult {
  const of = (field: keyof Sample, digits: number): number => rounded(median(samples.map((sample) => sample[field])), digits);
  return {
    name,
    protocol,
    requestsPerSecond: of("requestsPerSecond", 0),
    p50Ms: of("p50Ms", 2),
    p99Ms: of("p99Ms", 2),
    cpuMicrosPerRequest: of("cpuMicrosPerRequest", 1),
    rssPeakMiB: rounded(Math.max(...samples.map(({ rssPeakMiB }) => rssPeakMiB)), 0),
    connections: shape.connections,
    streams: shape.streams,
  };
}

/** The ratios of a comparison. */
export function ratioResults({ ratios }: Comparison, pairs: readonly Pair[]): readonly RatioResult[] {
  return ratios.map(({ name, of, target }) => {
    const values = pairs.map(ratio[of]);
    const { low, high } = quartiles(values);
    return { name, value: rounded(median(values), 2), target, of, low: rounded(low, 2), high: rounded(high, 2), pairs: pairs.length };
  });
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
