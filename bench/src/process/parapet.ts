/** Starts a Parapet server through the command line tool, on a fresh data directory. */
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { endChild, startChild, usageProbe } from "./child.js";

/** A running server. */
export interface ParapetServer {
  readonly url: string;
  readonly port: number;
  readonly adminUser: string;
  readonly adminPassword: string;
  /** Holds data and keys of this server alone. */
  readonly directory: string;
  readonly child: ChildProcess;
  /** Ends the server's process and starts another on what it left; the address is another then. The directory is removed if that fails. */
  again(): Promise<ParapetServer>;
  /** Ends the server and removes its directory. */
  close(): Promise<void>;
}

/** How to start it. */
export interface ParapetOptions {
  /** Further `PARAPET_*` variables. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Called with each line that the server logs. */
  readonly onLog?: (line: string) => void;
}

const cli = fileURLToPath(new URL("../../../sdk/cli/bin/parapet.js", import.meta.url));
const startTimeoutMs = 120_000;
const listening = /listening on (http:\/\/[^\s/,]+)/;
/** Lines kept to explain a start that failed. */
const logLinesKept = 20;

/** Starts a server and waits until it listens. Rejects with the end of its log if it does not. */
export async function startParapet({ variables = {}, onLog }: ParapetOptions = {}): Promise<ParapetServer> {
  const directory = await mkdtemp(join(tmpdir(), "parapet-"));
  const adminUser = "admin";
  const adminPassword = randomBytes(18).toString("base64url");
  return startIn({ directory, adminUser, adminPassword }, variables, onLog);
}

async function startIn(kept: Kept, variables: Readonly<Record<string, string>>, onLog: ((line: string) => void) | undefined): Promise<ParapetServer> {
  const { directory, adminUser, adminPassword } = kept;
  const child = startChild({
    module: cli,
    args: ["serve"],
    execArgv: ["--import", pathToFileURL(usageProbe).href],
    // Settings of the caller's shell must not reach this server.
    env: {
      ...inherited(),
      PARAPET_ADDR: "127.0.0.1:0",
      PARAPET_DATA_DIR: join(directory, "data"),
      PARAPET_KEY_DIR: join(directory, "keys"),
      PARAPET_AUTH_ADMIN_USERNAME: adminUser,
      PARAPET_AUTH_ADMIN_PASSWORD: adminPassword,
      ...variables,
    },
    cwd: directory,
    stderr: "pipe",
  });
  const close = async (): Promise<void> => {
    await endChild(child);
    await rm(directory, { recursive: true, force: true });
  };
  const again = async (): Promise<ParapetServer> => {
    await endChild(child);
    return startIn(kept, variables, onLog);
  };
  try {
    const url = await urlOf(child, onLog);
    return { url, port: Number(new URL(url).port), ...kept, child, again, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What one process of a server leaves to the next. */
type Kept = Pick<ParapetServer, "directory" | "adminUser" | "adminPassword">;

function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:PARAPET|MDDB)_/.test(name)));
}

function urlOf(child: ChildProcess, onLog: ((line: string) => void) | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const log: string[] = [];
    const refuse = (why: string): void => {
      clearTimeout(timer);
      reject(new Error(`the server did not start: ${why}\n${log.join("\n")}`));
    };
    const timer = setTimeout(() => refuse(`not listening after ${startTimeoutMs} ms`), startTimeoutMs);
    child.once("error", (error) => refuse(error.message));
    child.once("exit", (code, signal) => refuse(`ended with ${signal ?? `code ${code}`}`));
    createInterface({ input: child.stderr! }).on("line", (line) => {
      onLog?.(line);
      log.push(line);
      if (log.length > logLinesKept) log.shift();
      const url = listening.exec(line)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
  });
}
