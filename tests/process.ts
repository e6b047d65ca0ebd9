/** The server as users run it: a process of its own on LMDB, started through the command line and ended by signals. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { within } from "./waiting.js";

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server process. */
export interface ServerProcess {
  readonly pid: number;
  readonly url: string;
  readonly port: number;
  /** What it wrote so far. */
  log(): string;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when it has ended, and its worker processes with it: they write to the same log. */
  readonly ended: Promise<Ending>;
}

const cli = fileURLToPath(new URL("../sdk/cli/bin/parapet.js", import.meta.url));
/** Password of the admin of every store that is made here. */
export const adminPassword = "correct horse battery staple";
const startTimeoutMs = 120_000;
const listening = /listening on (http:\/\/[^\s/,]+)/;

/** A directory for data, keys and sockets; `remove` ends its life. */
export function freshDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "parapet-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Variables of a server that keeps everything in `directory`. */
export function variablesOf(directory: string): Record<string, string> {
  return {
    PARAPET_ADDR: "127.0.0.1:0",
    PARAPET_DATA_DIR: join(directory, "data"),
    PARAPET_KEY_DIR: join(directory, "keys"),
    PARAPET_AUTH_ADMIN_PASSWORD: adminPassword,
    PARAPET_RATE_LIMIT_ENABLED: "false",
  };
}

/** Starts a process and resolves when it listens, or rejects with its log if it ends first. `argv` comes after `serve`, `under` before the program. */
export async function startProcess(directory: string, variables: Readonly<Record<string, string>> = {}, argv: readonly string[] = [], under: readonly string[] = []): Promise<ServerProcess> {
  const started = spawnServer(directory, variables, argv, under);
  try {
    const url = await within("the server listens", Promise.race([
      started.url,
      started.ended.then(({ code, signal }) => Promise.reject(new Error(`the server ended with ${signal ?? `code ${code}`}`))),
    ]), startTimeoutMs);
    return { ...started, url, port: Number(new URL(url).port) };
  } catch (error) {
    started.kill("SIGKILL");
    throw new Error(`${(error as Error).message}\n${started.log()}`, { cause: error });
  }
}

/** Starts a process that is expected to refuse; resolves with how it ended and what it said. */
export async function startRefused(directory: string, variables: Readonly<Record<string, string>> = {}, argv: readonly string[] = []): Promise<Ending & { readonly log: string }> {
  const { ended, log, kill } = spawnServer(directory, variables, argv);
  const timer = setTimeout(() => kill("SIGKILL"), startTimeoutMs);
  const ending = await ended;
  clearTimeout(timer);
  return { ...ending, log: log() };
}

function spawnServer(directory: string, variables: Readonly<Record<string, string>>, argv: readonly string[], under: readonly string[] = []): Omit<ServerProcess, "url" | "port"> & { readonly url: Promise<string> } {
  // Settings of the caller's shell must not reach this server.
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:PARAPET|MDDB|NODE_OPTIONS|VITEST)/.test(name)));
  const [program, ...words] = [...under, process.execPath, cli, "serve", ...argv];
  const child: ChildProcess = spawn(program!, words, { cwd: directory, env: { ...inherited, ...variablesOf(directory), ...variables }, stdio: ["ignore", "ignore", "pipe"] });
  const lines: string[] = [];
  const url = new Promise<string>((resolve) => {
    createInterface({ input: child.stderr! }).on("line", (line) => {
      lines.push(line);
      const found = listening.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  const ended = new Promise<Ending>((resolve) => child.once("close", (code, signal) => resolve({ code, signal })));
  return { pid: child.pid!, url, ended, log: () => lines.join("\n"), kill: (signal) => void child.kill(signal) };
}
