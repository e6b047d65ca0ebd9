/** How a process opens an LMDB environment in which others commit: one after the other, and never during a commit. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { admissionMsMax, admissionPollMs } from "../limits.js";
import { isRunning } from "./owner.js";

/*
 * lmdb (3.5.6, `mdb_env_open2`) writes the number of the last commit into the lock file whenever it opens an environment:
 * the number that it read a moment before, without the writers' lock. A commit in between is undone by the next one, and pages
 * that it freed may be in use again: acknowledged changes would be lost, and the file damaged. So whoever has the
 * environment open holds the writers' lock while another maps it.
 */

/** Thrown by `admit`: the process neither mapped the environment nor ended by itself in time. It has been killed. */
export class AdmissionError extends Error {
  override readonly name = "AdmissionError";
}

/**
 * Lets the process `pid` map the environment in `directory`, and waits for it without giving way to other work of this process.
 * To be called while this process holds the writers' lock of that environment. Returns once the environment is mapped or
 * the process is gone; one that takes longer than `timeoutMs` is killed before the lock can be let go, and AdmissionError is thrown.
 */
export function admit(directory: string, pid: number, timeoutMs: number = admissionMsMax): void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  const [admitted, mapped] = [admittedFile(directory, pid), mappedFile(directory, pid)];
  rmSync(mapped, { force: true });
  writeFileSync(admitted, "", { mode: 0o600 });
  try {
    const untilMs = performance.now() + timeoutMs;
    while (!existsSync(mapped) && isRunning(pid)) {
      if (performance.now() > untilMs) {
        process.kill(pid, "SIGKILL");
        while (isRunning(pid)) Atomics.wait(sleeper, 0, 0, admissionPollMs);
        throw new AdmissionError(`process ${pid} did not open ${directory} in time`);
      }
      Atomics.wait(sleeper, 0, 0, admissionPollMs);
    }
  } finally {
    rmSync(admitted, { force: true });
    rmSync(mapped, { force: true });
  }
}

/**
 * Waits until this process may map the environment in `directory`, after it asked for it by other means. To be told, by the
 * function it resolves with, that it is mapped.
 */
export async function awaitAdmission(directory: string): Promise<() => void> {
  while (!existsSync(admittedFile(directory, process.pid))) await pause(admissionPollMs);
  return () => writeFileSync(mappedFile(directory, process.pid), "", { mode: 0o600 });
}

/**
 * Options of lmdb's `open` that call `onMapped` after the environment is mapped and before the first transaction, which
 * waits for the writers' lock. lmdb has no event for that moment; it is when it asks a key encoder whether it can end keys
 * with a zero byte. Keys stay the plain bytes that they are: `keyIsBuffer` comes before any encoder.
 */
export function mappedHook(onMapped: (() => void) | undefined): { keyIsBuffer?: true; keyEncoder?: { enableNullTermination: () => void } } {
  return onMapped === undefined ? {} : { keyIsBuffer: true, keyEncoder: { enableNullTermination: onMapped } };
}

function admittedFile(directory: string, pid: number): string {
  return join(directory, `admitted.${pid}`);
}

function mappedFile(directory: string, pid: number): string {
  return join(directory, `mapped.${pid}`);
}
