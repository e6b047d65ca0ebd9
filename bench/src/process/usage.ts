/** Reads what a measured server uses: CPU time, and the most memory that was resident in a stretch. */
import type { ChildProcess } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { ask } from "./child.js";
import type { ProbeAnswer, ProbeQuestion } from "./usage-probe.js";

/** What a server used in a stretch, all its processes together. */
export interface Usage {
  /** CPU time of all threads, in microseconds. */
  readonly cpuMicros: number;
  /** The most memory that was resident at a time, in bytes; where the kernel does not tell (proc(5)), what was resident at the end. */
  readonly rssPeakBytes: number;
}

/** Asks the probe in a measured process. */
export function probe(child: ChildProcess, question: ProbeQuestion): Promise<ProbeAnswer> {
  return ask<ProbeAnswer>(child, question);
}

/** Begins to measure a server; the function that is returned ends it. Workers that a primary has started by then are counted with it. */
export async function beginUsage(child: ChildProcess): Promise<() => Promise<Usage>> {
  const pid = child.pid!;
  const workers = childrenOf(pid);
  for (const each of [pid, ...workers]) forgetPeak(each);
  const before = await cpuMicrosOf(child, workers);
  return async () => {
    const { cpuMicros, rssBytes } = await cpuMicrosOf(child, workers);
    const peaks = [peakOf(pid) ?? rssBytes, ...workers.map((worker) => peakOf(worker) ?? 0)];
    return { cpuMicros: cpuMicros - before.cpuMicros, rssPeakBytes: peaks.reduce((sum, bytes) => sum + bytes) };
  };
}

async function cpuMicrosOf(child: ChildProcess, workers: readonly number[]): Promise<ProbeAnswer> {
  const { cpuMicros, rssBytes } = await probe(child, { probe: "usage" });
  return { cpuMicros: workers.reduce((sum, worker) => sum + threadMicros(worker), cpuMicros), rssBytes };
}

/** Numbers of a process's children; none where there is no /proc. */
function childrenOf(pid: number): readonly number[] {
  return (read(`/proc/${pid}/task/${pid}/children`) ?? "").split(" ").filter((text) => text !== "").map(Number);
}

/** CPU time of the threads of a process, from the scheduler's own books, in microseconds. */
function threadMicros(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + Number((read(`/proc/${pid}/task/${thread}/schedstat`) ?? "0").split(" ")[0]) / 1000, 0);
}

/** Makes what is resident now the most that ever was (proc_pid_clear_refs(5)). */
function forgetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
  } catch {
    // The peak is then that of the process's whole life.
  }
}

/** The most memory that was resident, in bytes; undefined where the kernel does not tell. */
function peakOf(pid: number): number | undefined {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? "")?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
