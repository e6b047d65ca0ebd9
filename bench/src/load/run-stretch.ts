/** Runs one stretch of load over open connections and notes how long each answer took. */
import type { Connection } from "./connection.js";
import type { Stretch, StretchResult } from "./job.js";

/** Answers per second that the first buffer for latencies has room for. */
const answersPerSecondGuess = 50_000;

/** Keeps every slot of every connection busy for a stretch. Rejects with the first wrong answer. */
export function runStretch(connections: readonly Connection[], stretch: Stretch): Promise<StretchResult> {
  return new Promise((resolve, reject) => {
    const { ms, msMax = ms, requestsMin = 0, keys } = stretch;
    const { from, count, distance = 1, stride = 1, position = 0 } = keys;
    let latenciesMs = new Float32Array(Math.ceil((ms / 1000) * answersPerSecondGuess) + 1);
    let answers = 0;
    let started = 0;
    let bytesMin = Infinity;
    let busySlots = connections.reduce((sum, { slots }) => sum + slots, 0);
    const startMs = performance.now();
    const goesOn = (): boolean => {
      const elapsedMs = performance.now() - startMs;
      return elapsedMs < ms || (started < requestsMin && elapsedMs < msMax);
    };
    const driver = {
      next: () => (goesOn() ? from + distance * (((position + started++) * stride) % count) : -1),
      answered(startedMs: number, bytes: number) {
        if (answers === latenciesMs.length) {
          const wider = new Float32Array(latenciesMs.length * 2);
          wider.set(latenciesMs);
          latenciesMs = wider;
        }
        latenciesMs[answers++] = performance.now() - startedMs;
        bytesMin = Math.min(bytesMin, bytes);
      },
      idle() {
        if (--busySlots > 0) return;
        resolve({ elapsedMs: performance.now() - startMs, latenciesMs: latenciesMs.slice(0, answers), bytesMin });
      },
      failed: reject,
    };
    for (const connection of connections) connection.start(driver);
  });
}
