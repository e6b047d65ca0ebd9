/** Binds processes to cores, where the machine can (`taskset` of util-linux). */
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";

/** Which cores what runs on, as lists that `taskset -c` takes; undefined: wherever the system puts it. */
export interface Cores {
  /** Every server of one process. */
  readonly server: string | undefined;
  /** The load of those. */
  readonly load: string | undefined;
  /** Servers that are compared by how many cores they can use, one worker or two. */
  readonly workers: string | undefined;
  /** The load processes of those. */
  readonly workersLoad: string | undefined;
}

/** Cores that two workers and their primary need for themselves before their load can be kept off them. */
const workerCores = 2;
/** Load processes that these servers get. */
export const workerLoads = 4;

/**
 * Shares cores out. Server and load have one each where there are two. Two workers and four load processes need more: with
 * fewer than six cores the system spreads them over all there are, for one worker just as for two.
 */
export function shareCores(count: number): Cores {
  const single = count < 2 ? { server: undefined, load: undefined } : { server: "0", load: "1" };
  const several = count < workerCores + workerLoads ? { workers: undefined, workersLoad: undefined } : { workers: `0-${workerCores - 1}`, workersLoad: `${workerCores}-${count - 1}` };
  return { ...single, ...several };
}

/** The cores of this machine; nothing is bound where `taskset` is missing. */
export function coresOfMachine(): Cores {
  const canPin = spawnSync("taskset", ["-p", String(process.pid)], { stdio: "ignore" }).status === 0;
  return shareCores(canPin ? cpus().length : 0);
}

/** Binds all threads of a process to cores. Throws if it cannot. */
export function pin(pid: number, cores: string | undefined): void {
  if (cores === undefined) return;
  const { status, stderr } = spawnSync("taskset", ["-a", "-c", "-p", cores, String(pid)], { encoding: "utf8" });
  if (status !== 0) throw new Error(`taskset could not bind process ${pid} to cores ${cores}: ${stderr.trim()}`);
}
