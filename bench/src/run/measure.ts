/** Measures stretches: load from other processes, what the server used before and after. */
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Job, Keys, LoadAnswer, LoadCommand, Stretch, StretchResult } from "../load/job.js";
import { requestOf } from "../load/requests.js";
import { ask, endChild, startChild } from "../process/child.js";
import { type Cores, pin } from "../process/pin.js";
import { beginUsage } from "../process/usage.js";
import { turnOf } from "./key-turn.js";
import type { WarmUp } from "./options.js";
import type { Sample } from "./results.js";
import { type Row, titleOf } from "./rows.js";
import type { MeasuredServer, Servers } from "./servers.js";
import { percentile } from "./statistics.js";

/** Answers must be at least this long: all of them hold the document. In bytes. */
const answerBytesMin = 1000;
/** Load ahead of every stretch that is not measured, so that each begins with the caches its own, in milliseconds. */
const leadInMs = 40;
/** Time for reading all documents of a turn ahead of a measurement, at most, in milliseconds. */
const bringInMsMax = 4_000;
/** Number of the first document that is added; those to get lie below. */
const addedFrom = 100_000_000;

const loadProcess = fileURLToPath(new URL("../load/load-process.js", import.meta.url));

/** What to measure over connections that are open all along. Rows have the same number of load processes. */
export interface Course {
  /** The rows, each once. */
  readonly rows: readonly Row[];
  /** Load on each row ahead of the first round; undefined: none. */
  readonly warmUp: WarmUp | undefined;
  /** Stretches that follow each other at once, round by round. */
  readonly rounds: readonly (readonly Row[])[];
  /** Seconds of a stretch. */
  readonly seconds: number;
  /** Told what the stretches of a round came to. */
  readonly onRound?: (stretches: readonly Row[], samples: readonly Sample[]) => void;
}

/** Measures rows, one at a time. */
export interface Meter {
  /**
   * Measures some rows. Resolves to the samples of all stretches in their order.
   *
   * @throws Error if one answer was wrong.
   */
  measure(course: Course): Promise<readonly Sample[]>;
  close(): Promise<void>;
}

/** Makes a meter. */
export function createMeter(servers: Servers, cores: Cores): Meter {
  const pools = new Map<number, readonly ChildProcess[]>();
  const positions = new Map<Row, number>();
  let added = 0;

  /** The load processes of rows that have so many. */
  function loadsFor({ shape }: Row): readonly ChildProcess[] {
    let loads = pools.get(shape.loads);
    if (loads === undefined) {
      loads = Array.from({ length: shape.loads }, () => startChild({ module: loadProcess }));
      for (const load of loads) pin(load.pid!, shape.loads === 1 ? cores.load : cores.workersLoad);
      pools.set(shape.loads, loads);
    }
    return loads;
  }

  /** Keys for each load process of a stretch. Those to get go on where the row's last stretch ended; none is added twice. */
  function keysOf(row: Row, { documents }: MeasuredServer, load: number): Keys {
    if (row.operation === "add") return { from: addedFrom + added, count: Number.MAX_SAFE_INTEGER };
    const turn = turnOf(documents);
    return { from: 0, ...turn, position: (positions.get(row) ?? 0) + Math.floor((turn.count * load) / row.shape.loads) };
  }

  /**
   * Where one of the rows goes over a large store, reads all documents of its turn: what the system took out of memory since is
   * none of the server's doing. What it is compared with serves as many requests.
   */
  async function bringIn(rows: readonly Row[]): Promise<void> {
    const turns = rows.map(({ server }) => turnOf(servers.of.get(server)!.documents));
    const requestsMin = Math.max(...turns.map(({ count, distance }) => (distance > 1 ? count : 0)));
    if (requestsMin === 0) return;
    for (const [job, row] of rows.entries()) await of(row, run(row, job, { ms: 0, msMax: bringInMsMax, requestsMin }));
  }

  /** Runs a stretch of a row over connections that are open. */
  async function run(row: Row, job: number, bounds: Omit<Stretch, "keys">): Promise<StretchResult> {
    const server = servers.of.get(row.server)!;
    const results = await Promise.all(
      loadsFor(row).map(async (load, index) => {
        const answer = await tell(load, { type: "run", job, stretch: { ...bounds, keys: keysOf(row, server, index) } });
        if (answer.type !== "result") throw new Error("a load process did not measure");
        return answer.result;
      }),
    );
    const result = together(results);
    if (result.bytesMin < answerBytesMin) throw new Error(`an answer of ${result.bytesMin} bytes cannot hold the document`);
    if (row.operation === "add") added += result.latenciesMs.length;
    else positions.set(row, ((positions.get(row) ?? 0) + result.latenciesMs.length) % turnOf(server.documents).count);
    return result;
  }

  /** Opens the connections of some rows, uses them, closes them. */
  async function connected<T>(rows: readonly Row[], use: () => Promise<T>): Promise<T> {
    const loads = loadsFor(rows[0]!);
    const open = async (jobs: readonly Job[]): Promise<void> => {
      await Promise.all(loads.map((load) => tell(load, { type: "open", jobs })));
    };
    await open(rows.map(jobOf));
    try {
      return await use();
    } finally {
      await open([]);
    }
  }

  function jobOf({ server, operation, protocol, shape }: Row): Job {
    const { authorization, portFor } = servers.of.get(server)!;
    return { port: portFor(protocol), template: requestOf(operation, protocol, { authorization }), connections: shape.connections / shape.loads, streams: shape.streams };
  }

  async function measureOne(row: Row, job: number, seconds: number): Promise<Sample> {
    await run(row, job, { ms: leadInMs });
    const end = await beginUsage(servers.of.get(row.server)!.child);
    const { elapsedMs, latenciesMs } = await run(row, job, { ms: seconds * 1000 });
    const { cpuMicros, rssPeakBytes } = await end();
    const requests = latenciesMs.length;
    const sorted = latenciesMs.sort();
    return {
      requestsPerSecond: requests / (elapsedMs / 1000),
      p50Ms: percentile(sorted, 0.5),
      p99Ms: percentile(sorted, 0.99),
      cpuMicrosPerRequest: cpuMicros / requests,
      rssPeakMiB: rssPeakBytes / 2 ** 20,
    };
  }

  /** Says which row it was whose load failed. */
  async function of<T>(row: Row, doing: Promise<T>): Promise<T> {
    try {
      return await doing;
    } catch (error) {
      throw new Error(`${titleOf(row)}: ${(error as Error).message}`, { cause: error });
    }
  }

  return {
    measure({ rows, warmUp, rounds, seconds, onRound }) {
      return connected(rows, async () => {
        for (const [job, row] of warmUp === undefined ? [] : rows.entries()) {
          await of(row, run(row, job, { ms: warmUp!.seconds * 1000, msMax: warmUp!.secondsMax * 1000, requestsMin: warmUp!.requests }));
        }
        const all: Sample[] = [];
        for (const stretches of rounds) {
          await bringIn(rows);
          const samples: Sample[] = [];
          for (const row of stretches) samples.push(await of(row, measureOne(row, rows.indexOf(row), seconds)));
          onRound?.(stretches, samples);
          all.push(...samples);
        }
        return all;
      });
    },
    async close() {
      await Promise.all([...pools.values()].flat().map(endChild));
    },
  };
}

/** The results of load processes that ran at the same time. */
function together(results: readonly StretchResult[]): StretchResult {
  if (results.length === 1) return results[0]!;
  const latenciesMs = new Float32Array(results.reduce((sum, result) => sum + result.latenciesMs.length, 0));
  let at = 0;
  for (const result of results) {
    latenciesMs.set(result.latenciesMs, at);
    at += result.latenciesMs.length;
  }
  return { latenciesMs, elapsedMs: Math.max(...results.map(({ elapsedMs }) => elapsedMs)), bytesMin: Math.min(...results.map(({ bytesMin }) => bytesMin)) };
}

async function tell(load: ChildProcess, command: LoadCommand): Promise<LoadAnswer> {
  const answer = await ask<LoadAnswer>(load, command);
  if (answer.type === "error") throw new Error(answer.message);
  return answer;
}
