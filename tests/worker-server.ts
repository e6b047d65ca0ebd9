/** A server with worker processes, started as an operator starts it, and connections of which one knows the worker. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../sdk/cli/bin/parapet.js", import.meta.url));

/** Password of the admin and of every user. */
export const password = "correct horse battery staple";

/** An answer, its body read as JSON where it is JSON. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: any;
}

/** What a request carries besides verb and path. */
export interface Extras {
  readonly token?: string;
  readonly apiKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** One kept-alive HTTP/1.1 connection. */
export interface Connection {
  send(verb: string, path: string, extras?: Extras): Promise<Reply>;
  /** Pid of the worker that serves it; after the first answer. */
  worker(): number;
  close(): void;
}

/** A running server. */
export interface WorkerServer {
  readonly port: number;
  readonly directory: string;
  readonly dataDir: string;
  readonly primary: ChildProcess;
  /** What it wrote to stderr. */
  readonly log: () => string;
  /** Pids of the workers that live. */
  workers(): number[];
  connect(): Connection;
  /** One connection to each of two workers. */
  pair(): Promise<[Connection, Connection]>;
  login(username?: string): Promise<string>;
  /** Signals the primary and resolves with its exit code, or the signal that ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | string>;
  cleanUp(): Promise<void>;
}

/** Starts `parapet serve --workers N`, on a data directory of its own unless one is given, without limits unless `env` says otherwise. */
export async function startWorkers(workers: number, env: Readonly<Record<string, string>> = {}, directory = mkdtempSync(join(tmpdir(), "parapet-workers-"))): Promise<WorkerServer> {
  const dataDir = join(directory, "data");
  const primary = spawn(process.execPath, [program, "serve", "--workers", String(workers)], {
    cwd: directory,
    env: {
      PATH: process.env["PATH"],
      PARAPET_ADDR: "127.0.0.1:0",
      PARAPET_DATA_DIR: dataDir,
      PARAPET_AUTH_ADMIN_PASSWORD: password,
      PARAPET_RATE_LIMIT_ENABLED: "false",
      PARAPET_DRAIN_TIMEOUT: "5s",
      ...env,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  const exited = once(primary, "exit") as Promise<[number | null, string | null]>;
  const port = await new Promise<number>((resolve, reject) => {
    primary.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
      const found = / listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(said);
      if (found !== null) resolve(Number(found[1]));
    });
    void exited.then(([code]) => reject(new Error(`the server ended with ${code}: ${said}`)));
  });

  const connections = new Set<Connection>();
  const connect = (): Connection => {
    const connection = openConnection(port, () => childrenOf(primary.pid!));
    connections.add(connection);
    return connection;
  };
  const server: WorkerServer = {
    port,
    directory,
    dataDir,
    primary,
    log: () => said,
    workers: () => childrenOf(primary.pid!),
    connect,
    async pair() {
      let first: Connection | undefined;
      for (;;) {
        const next = connect();
        // Just after all were killed nobody listens.
        const reply = await next.send("GET", "/health").catch(() => undefined);
        if (reply === undefined) await pause(50);
        else if (first === undefined) {
          first = next;
          continue;
        } else if (next.worker() !== first.worker()) return [first, next];
        next.close();
      }
    },
    async login(username = "admin") {
      const connection = connect();
      const { status, body } = await connection.send("POST", "/v1/auth/login", { body: { username, password } });
      connection.close();
      if (status !== 200) throw new Error(`login of ${username}: ${status} ${JSON.stringify(body)}`);
      return body.token as string;
    },
    async stop(signal = "SIGTERM") {
      for (const connection of connections) connection.close();
      primary.kill(signal);
      const [code, by] = await exited;
      return code ?? by!;
    },
    async cleanUp() {
      if (primary.exitCode === null && primary.signalCode === null) await server.stop("SIGKILL");
      // Workers of a killed primary end by themselves; their files must be theirs until then.
      while (readdirSync(dataDir).some((name) => name.startsWith("worker.") && isAlive(Number(name.slice(7))))) await pause(20);
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return server;
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

/** True while a process of this number runs. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number).filter(isAlive);
}

function openConnection(port: number, workers: () => number[]): Connection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let localPort = 0;
  return {
    send: (verb, path, { token, apiKey, headers = {}, body } = {}) =>
      new Promise((resolve, reject) => {
        const text = body === undefined ? undefined : JSON.stringify(body);
        const outgoing = request({
          agent,
          host: "127.0.0.1",
          port,
          method: verb,
          path,
          headers: {
            ...(text === undefined ? {} : { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) }),
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(apiKey === undefined ? {} : { "x-api-key": apiKey }),
            ...headers,
          },
        });
        outgoing.on("socket", (socket: Socket) => {
          if (socket.connecting) socket.once("connect", () => (localPort = socket.localPort ?? 0));
        });
        outgoing.on("error", reject);
        outgoing.on("response", (response) => {
          let answer = "";
          response.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
          response.on("error", reject).on("end", () => {
            const isJson = /json/.test(response.headers["content-type"] ?? "");
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: isJson ? JSON.parse(answer) : answer });
          });
        });
        outgoing.end(text);
      }),
    worker() {
      const inode = serverInode(port, localPort);
      const found = workers().find((pid) => socketsOf(pid).has(`socket:[${inode}]`));
      if (found === undefined) throw new Error("no worker has this connection");
      return found;
    },
    close: () => agent.destroy(),
  };
}

/** The inode of the server's end of a connection (proc(5), /proc/net/tcp). */
function serverInode(serverPort: number, clientPort: number): string {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, "0");
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (fields[1]?.endsWith(`:${hex(serverPort)}`) && fields[2]?.endsWith(`:${hex(clientPort)}`)) return fields[9]!;
  }
  throw new Error("no such connection");
}

function socketsOf(pid: number): Set<string> {
  const folder = `/proc/${pid}/fd`;
  return new Set(
    readdirSync(folder).map((name) => {
      try {
        return readlinkSync(join(folder, name));
      } catch {
        return "";
      }
    }),
  );
}
