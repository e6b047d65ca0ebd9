/** Temporary folders that do not outlive the process, however it ends by itself or is told to. */
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder, until it is removed. */
export interface TemporaryFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** What ends a process unless it is caught. */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Makes one in the system's folder for such. */
export async function temporaryFolder(prefix: string): Promise<TemporaryFolder> {
  let path: string | undefined;
  const sweep = (): void => {
    if (path !== undefined) rmSync(path, { recursive: true, force: true });
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    sweep();
    forget();
    // Ended as it would have been, unless somebody else has something to do about it.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  const forget = (): void => {
    process.off("exit", sweep);
    for (const signal of signals) process.off(signal, onSignal);
  };
  process.on("exit", sweep);
  for (const signal of signals) process.on(signal, onSignal);
  try {
    path = await mkdtemp(join(tmpdir(), prefix));
  } catch (error) {
    forget();
    throw error;
  }
  const made = path;
  return {
    path: made,
    async remove() {
      await rm(made, { recursive: true, force: true });
      forget();
    },
  };
}
