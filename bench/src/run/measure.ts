/** Measures rows: load from one process, CPU time of the server's process before and after. */
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { LoadAnswer, LoadCommand, Stretch, StretchResult } from "../load/job.js";
import { requestOf, wireOf } from "../load/requests.js";
import { ask, cpuMicrosOf, endChild, startChild } from "../process/child.js";
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

  function stretchOf({ operation }: Row, seconds: number): Stretch {
    const ms = seconds * 1000;
    return operation === "get" ? { ms, keyFrom: 0, keyCount: documentsToGet } : { ms, keyFrom: nextKey, keyCount: Number.MAX_SAFE_INTEGER };
  }

  async function sample(row: Row, server: ChildProcess, seconds: number): Promise<Sample> {
    const before = await cpuMicrosOf(server);
    const { requests, elapsedMs, p50Ms, p99Ms, bytesMin } = await run(load, stretchOf(row, seconds));
    const after = await cpuMicrosOf(server);
    if (bytesMin < answerBytesMin) throw new Error(`an answer of ${bytesMin} bytes cannot hold the document`);
    if (row.operation === "add") nextKey += requests;
    return { requestsPerSecond: requests / (elapsedMs / 1000), p50Ms, p99Ms, cpuMicrosPerRequest: (after - before) / requests };
  }

  return {
    async measure(row, seconds) {
      const server = servers.of.get(row.server)!;
      const { authorization } = servers;
      const template = requestOf(row.operation, row.protocol, { authorization });
      try {
        await tell(load, { type: "open", job: { port: server.portFor(row.protocol), template, ...shapes[wireOf(row.protocol)] } });
        return await sample(row, server.child, seconds);
      } catch (error) {
        throw new Error(`${row.name} over ${row.protocol}: ${(error as Error).message}`, { cause: error });
      } finally {
        await tell(load, { type: "close" });
      }
    },
    close: () => endChild(load),
  };
}

async function run(load: ChildProcess, stretch: Stretch): Promise<StretchResult> {
  const answer = await tell(load, { type: "run", stretch });
  if (answer.type !== "result") throw new Error("the load process did not measure");
  return answer.result;
}

async function tell(load: ChildProcess, command: LoadCommand): Promise<LoadAnswer> {
  const answer = await ask<LoadAnswer>(load, command);
  if (answer.type === "error") throw new Error(answer.message);
  return answer;
}
