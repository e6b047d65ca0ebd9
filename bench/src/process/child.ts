/** Starts Node processes with a channel to them, and ends them by their id. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parentVariable } from "./parent-variable.js";

/** How to start a process. */
export interface ChildOptions {
  /** Absolute path of the module to run. */
  readonly module: string;
  readonly args?: readonly string[];
  /** Node's own flags. */
  readonly execArgv?: readonly string[];
  /** The whole environment. Default: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** `pipe`: stderr can be read. `inherit`: it goes where this process's goes. */
  readonly stderr?: "pipe" | "inherit";
}

/** Loaded ahead of a module that does not answer the question for CPU time itself. */
export const usageProbe = fileURLToPath(new URL("./usage-probe.js", import.meta.url));

const endTimeoutMs = 15_000;

/** Starts a process with a channel to it. */
export function startChild({ module, args = [], execArgv = [], env = process.env, cwd, stderr = "inherit" }: ChildOptions): ChildProcess {
  return spawn(process.execPath, [...execArgv, module, ...args], { env: { ...env, [parentVariable]: String(process.pid) }, cwd, serialization: "advanced", stdio: ["ignore", "ignore", stderr, "ipc"] });
}

/** Sends a message and waits for the one that answers it. Rejects if the process ends instead. */
export function ask<Answer>(child: ChildProcess, message: unknown): Promise<Answer> {
  const answer = nextMessage<Answer>(child);
  child.send(message as object);
  return answer;
}

/** The next message of a process. Rejects if it ends instead. */
export function nextMessage<Answer>(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      child.off("message", onMessage);
      child.off("exit", onExit);
      child.off("error", onError);
    };
    const onMessage = (answer: unknown): void => {
      stop();
      resolve(answer as Answer);
    };
    const onExit = (code: number | null, signal: string | null): void => {
      stop();
      reject(new Error(`${child.spawnargs.join(" ")} ended with ${signal ?? `code ${code}`}`));
    };
    const onError = (error: Error): void => {
      stop();
      reject(error);
    };
    child.on("message", onMessage);
    child.on("exit", onExit);
    child.on("error", onError);
  });
}

/** Asks a process to end, and ends it if it does not. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), endTimeoutMs);
  await ended;
  clearTimeout(timer);
}
