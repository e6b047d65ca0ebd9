/** Measures rows: load from one process, CPU time of the server's process before and after. */
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { LoadAnswer, LoadCommand, Stretch, StretchResult } from "../load/job.js";
import { requestOf, wireOf } from "../load/requests.js";
import { ask, cpuMicrosOf, endChild, startChild } from "../process/child.js";
import type { WarmUp } from "./options.js";
import { documentsToGet } from "./prepare.js";
import type { Sample } from "./results.js";
import { type Row, shapes } from "./rows.js";
import type { Servers } from "./servers.js";

/** Answers must be at least this long: all of them hold the document. In bytes. */
const answerBytesMin = 1000;

const loadProcess = fileURLToPath(new URL("../load/load-process.js", import.meta.url));

/** Measures rows one after the other. */
export interface Meter {
  /**
   * Puts a row under load without measuring it.
   *
   * @throws Error if one answer was wrong.
   */
  warmUp(row: Row, warmUp: WarmUp): Promise<void>;
  /**
   * Puts a row under load for some seconds.
   *
   * @throws Error if one answer was wrong.
   */
  measure(row: Row, seconds: number): Promise<Sample>;
  close(): Promise<void>;
}

/** Makes a meter, whose load comes from a process on a core. */
export function createMeter(servers: Servers, core: number | undefined): Meter {
  const load = startChild({ module: loadProcess, ...(core === undefined ? {} : { core }) });
  // Keys of documents that are added; those to get lie far below.
  let nextKey = 1_000_000;

  /** Runs a stretch of a row over connections that are already open. */
  async function run({ operation }: Row, bounds: Omit<Stretch, "keyFrom" | "keyCount">): Promise<StretchResult> {
    const keys = operation === "get" ? { keyFrom: 0, keyCount: documentsToGet } : { keyFrom: nextKey, keyCount: Number.MAX_SAFE_INTEGER };
    const answer = await tell(load, { type: "run", stretch: { ...bounds, ...keys } });
    if (answer.type !== "result") throw new Error("the load process did not measure");
    const { result } = answer;
    if (result.bytesMin < answerBytesMin) throw new Error(`an answer of ${result.bytesMin} bytes cannot hold the document`);
    if (operation === "add") nextKey += result.requests;
    return result;
  }

  /** Opens the connections of a row, lets them be used, closes them. */
  async function connected<T>(row: Row, use: (server: ChildProcess) => Promise<T>): Promise<T> {
    const server = servers.of.get(row.server)!;
    const template = requestOf(row.operation, row.protocol, { authorization: servers.authorization });
    try {
      await tell(load, { type: "open", job: { port: server.portFor(row.protocol), template, ...shapes[wireOf(row.protocol)] } });
      return await use(server.child);
    } catch (error) {
      throw new Error(`${row.name} over ${row.protocol}: ${(error as Error).message}`, { cause: error });
    } finally {
      await tell(load, { type: "close" });
    }
  }

  return {
    warmUp: (row, { seconds, secondsMax, requests }) =>
      connected(row, async () => {
        await run(row, { ms: seconds * 1000, msMax: secondsMax * 1000, requestsMin: requests });
      }),
    measure: (row, seconds) =>
      connected(row, async (server) => {
        const before = await cpuMicrosOf(server);
        const { requests, elapsedMs, p50Ms, p99Ms } = await run(row, { ms: seconds * 1000 });
        const after = await cpuMicrosOf(server);
        return { requestsPerSecond: requests / (elapsedMs / 1000), p50Ms, p99Ms, cpuMicrosPerRequest: (after - before) / requests };
      }),
    close: () => endChild(load),
  };
}

async function tell(load: ChildProcess, command: LoadCommand): Promise<LoadAnswer> {
  const answer = await ask<LoadAnswer>(load, command);
  if (answer.type === "error") throw new Error(answer.message);
  return answer;
}
