/** Runs one stretch of load over open connections and sums it up. */
import type { Connection } from "./connection.js";
import type { Stretch, StretchResult } from "./job.js";

/** Answers per second that the first buffer for latencies has room for. */
const answersPerSecondGuess = 50_000;

/** A value below which a share of sorted values lies (nearest rank). NaN if there are none. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? NaN;
}

/** Keeps every slot of every connection busy for a stretch. Rejects with the first wrong answer. */
export function runStretch(connections: readonly Connection[], stretch: Stretch): Promise<StretchResult> {
  return new Promise((resolve, reject) => {
    let latencies = new Float32Array(Math.ceil((stretch.ms / 1000) * answersPerSecondGuess) + 1);
    let answers = 0;
    let started = 0;
    let bytesMin = Infinity;
    let busySlots = connections.reduce((sum, { slots }) => sum + slots, 0);
    const startMs = performance.now();
    const { ms, msMax = ms, requestsMin = 0, keyFrom, keyCount } = stretch;
    const goesOn = (): boolean => {
      const elapsedMs = performance.now() - startMs;
      return elapsedMs < ms || (started < requestsMin && elapsedMs < msMax);
    };
    const driver = {
      next: () => (goesOn() ? keyFrom + (started++ % keyCount) : -1),
      answered(startedMs: number, bytes: number) {
        if (answers === latencies.length) {
          const wider = new Float32Array(latencies.length * 2);
          wider.set(latencies);
          latencies = wider;
        }
        latencies[answers++] = performance.now() - startedMs;
        bytesMin = Math.min(bytesMin, bytes);
      },
      idle() {
        if (--busySlots > 0) return;
        const elapsedMs = performance.now() - startMs;
        const sorted = latencies.subarray(0, answers).sort();
        resolve({ requests: answers, elapsedMs, p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99), bytesMin });
      },
      failed: reject,
    };
    for (const connection of connections) connection.start(driver);
  });
}
