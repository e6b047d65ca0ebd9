/** One process owns a data directory, with its worker processes: claims, and who holds the one in force. */
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/** A claim that is held. */
export interface Ownership {
  /** Lets the next process in. */
  release(): void;
}

/** A process as a claim names it. Text after the pid tells it from a later process with the same number. */
interface Claim {
  readonly pid: number;
  /** Boot and start time of the process; empty where the system does not tell. */
  readonly started: string;
  readonly released?: boolean;
}

const claimName = /^owner\.(\d{1,15})$/;
const workerName = /^worker\.\d{1,15}$/;
/** Workers of an owner that was killed notice it at once; a busy one is waited for this long, in milliseconds. */
const orphansMsMax = 5_000;
const orphansPollMs = 20;

/**
 * Claims `directory` for this process, or throws an Error that names the directory and the process that owns it.
 *
 * Claims are files `owner.<n>`; the highest number is in force. A claim is taken over, by linking the next number, once it
 * is released or its process is gone (so `kill -9` needs no cleaning up); it is deleted only when a higher one exists, so
 * of several processes that start at once exactly one wins. Processes in other PID namespaces cannot be seen and count as
 * gone: two containers must not share a directory.
 *
 * The workers of an owner that was killed end by themselves: they are waited for, so that nobody writes beside the new owner.
 */
export function claimDirectory(directory: string): Ownership {
  const self: Claim = { pid: process.pid, started: startOf(process.pid) };
  const draft = join(directory, `claim-${randomBytes(8).toString("hex")}`);
  writeDurably(draft, self);
  try {
    for (;;) {
      const highest = highestClaim(directory);
      const holder = highest === 0 ? undefined : readClaim(directory, highest);
      if (holder !== undefined && isAlive(holder)) throw inUse(directory, holder);
      const mine = highest + 1;
      if (!linked(draft, join(directory, `owner.${mine}`))) continue;
      if (highestClaim(directory) > mine) {
        // Another process was ahead and this number had been cleaned up before.
        rmSync(join(directory, `owner.${mine}`), { force: true });
        continue;
      }
      removeBelow(directory, mine);
      const orphan = awaitOrphans(directory);
      if (orphan !== undefined) {
        release(directory, mine, self);
        throw inUse(directory, orphan);
      }
      return { release: () => release(directory, mine, self) };
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Joins the process `owner` as its worker: a file `worker.<pid>` says so until it is released. Throws an Error if that process
 * does not own the directory any more; whichever of a worker and a new owner comes later sees the other.
 */
export function joinDirectory(directory: string, owner: number): Ownership {
  leaveDirectory(directory, process.pid);
  const name = join(directory, `worker.${process.pid}`);
  writeDurably(name, { pid: process.pid, started: startOf(process.pid) });
  const holder = readClaim(directory, highestClaim(directory));
  if (holder?.pid !== owner || holder.released === true) {
    rmSync(name, { force: true });
    throw new Error(`process ${owner} does not own the data directory ${directory} any more`);
  }
  return { release: () => leaveDirectory(directory, process.pid) };
}

/** Removes what says that a process is a worker of this directory. */
export function leaveDirectory(directory: string, pid: number): void {
  rmSync(join(directory, `worker.${pid}`), { force: true });
}

/** Waits until the workers of earlier owners are gone; one that stays is returned. */
function awaitOrphans(directory: string): Claim | undefined {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  const untilMs = performance.now() + orphansMsMax;
  for (const name of readdirSync(directory).filter((each) => workerName.test(each))) {
    for (;;) {
      const claim = readJson(join(directory, name));
      if (claim === undefined || !isAlive(claim)) break;
      if (performance.now() > untilMs) return claim;
      Atomics.wait(sleeper, 0, 0, orphansPollMs);
    }
    rmSync(join(directory, name), { force: true });
  }
  return undefined;
}

function release(directory: string, number: number, self: Claim): void {
  const draft = join(directory, `claim-${randomBytes(8).toString("hex")}`);
  writeDurably(draft, { ...self, released: true });
  renameSync(draft, join(directory, `owner.${number}`));
}

function inUse(directory: string, { pid }: Claim): Error {
  return new Error(`the data directory ${directory} is in use by process ${pid}; one server process owns a data directory`);
}

function highestClaim(directory: string): number {
  return Math.max(0, ...readdirSync(directory).map((name) => Number(claimName.exec(name)?.[1] ?? 0)));
}

function removeBelow(directory: string, number: number): void {
  for (const name of readdirSync(directory)) {
    const found = Number(claimName.exec(name)?.[1] ?? 0);
    if (found > 0 && found < number) rmSync(join(directory, name), { force: true });
  }
}

/** The claim of that number; undefined if it was superseded meanwhile or is unreadable. */
function readClaim(directory: string, number: number): Claim | undefined {
  return readJson(join(directory, `owner.${number}`));
}

function readJson(file: string): Claim | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Claim;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, started, released }: Claim): boolean {
  if (released === true || !isRunning(pid)) return false;
  const now = startOf(pid);
  return started === "" || now === "" || started === now;
}

/** True while a process of this number runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return startOf(pid) !== "gone";
}

/** Boot, PID namespace and start time in clock ticks (proc(5), field 22 of /proc/pid/stat); empty where there is no /proc. */
function startOf(pid: number): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const space = readlinkSync("/proc/self/ns/pid");
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is a name in parentheses that may hold anything; the rest counts from behind it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, ticks] = [fields[0], fields[19]];
    return state === "Z" || state === "X" ? "gone" : `${boot} ${space} ${ticks}`;
  } catch {
    return "";
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function writeDurably(path: string, claim: Claim): void {
  const file = openSync(path, "wx", 0o600);
  try {
    writeSync(file, JSON.stringify(claim));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
