/** A server with worker processes, started as an operator starts it, and connections of which one knows the worker. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { Agent, request } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import { adminPassword, type Ending, freshDirectory, type ServerProcess, startProcess } from "./process.js";
import { patienceMs, until, within } from "./waiting.js";

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
  /** Rejects if the connection breaks, or no answer comes within `patienceMs`. */
  send(verb: string, path: string, extras?: Extras): Promise<Reply>;
  /** Pid of the worker that serves it; after the first answer, over TCP. */
  worker(): number;
  close(): void;
}

/** A running server. */
export interface WorkerServer {
  readonly process: ServerProcess;
  readonly port: number;
  readonly directory: string;
  readonly dataDir: string;
  /** Path of the Unix socket. */
  readonly socket: string;
  /** Pids of the workers that live. */
  workers(): number[];
  /** How many connections each of `workers()` holds, those that callers keep open on both sockets. */
  held(): number[];
  /** A connection of its own; to the port unless `socketPath` is given. */
  connect(socketPath?: string): Connection;
  /** One connection to each of two workers. */
  pair(): Promise<[Connection, Connection]>;
  login(username?: string): Promise<string>;
  /** Resolves when as many workers live as there were at the start, none of them one of `gone`. */
  restarted(gone: readonly number[]): Promise<void>;
  /** Signals the primary and resolves when it has ended with all workers. */
  stop(signal?: NodeJS.Signals): Promise<Ending>;
  cleanUp(): Promise<void>;
}

/** Starts `parapet serve --workers N`, on a directory of its own unless one is given, without limits unless `env` says otherwise. */
export async function startWorkers(count: number, env: Readonly<Record<string, string>> = {}, given?: string): Promise<WorkerServer> {
  const fresh = given === undefined ? freshDirectory() : undefined;
  const directory = given ?? fresh!.path;
  const socket = join(directory, "s.sock");
  const server = await startProcess(directory, { PARAPET_SOCKET: socket, ...env }, ["--workers", String(count)]);
  const { pid, port } = server;
  const connections = new Set<Connection>();
  const workers = (): number[] => childrenOf(pid);
  const connect = (socketPath?: string): Connection => {
    const connection = openConnection(port, socketPath, workers);
    connections.add(connection);
    return connection;
  };
  const login = async (username = "admin"): Promise<string> => {
    const connection = connect();
    const { status, body } = await connection.send("POST", "/v1/auth/login", { body: { username, password: adminPassword } });
    connection.close();
    if (status !== 200) throw new Error(`login of ${username}: ${status} ${JSON.stringify(body)}`);
    return body.token as string;
  };
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<Ending> => {
    for (const connection of connections) connection.close();
    const crew = workers();
    server.kill(signal);
    try {
      return await within(`the server and its workers end after ${signal}`, server.ended);
    } catch (error) {
      // The test fails; its processes must not stay.
      for (const each of [pid, ...crew]) if (isAlive(each)) process.kill(each, "SIGKILL");
      throw error;
    }
  };
  return {
    process: server,
    port,
    directory,
    dataDir: join(directory, "data"),
    socket,
    workers,
    held: () => {
      const accepted = new Set([...tcpOf(port).values(), ...unixOf(socket)].map((inode) => `socket:[${inode}]`));
      return workers().map((worker) => [...socketsOf(worker)].filter((each) => accepted.has(each)).length);
    },
    connect,
    async pair() {
      let [first, second]: (Connection | undefined)[] = [];
      await until("two connections go to two workers", async () => {
        const next = connect();
        await next.send("GET", "/health");
        if (first === undefined) first = next;
        else if (next.worker() !== first.worker()) second = next;
        else next.close();
        return second !== undefined;
      });
      return [first!, second!];
    },
    login,
    restarted: (gone) => until("workers are started again", () => workers().length === count && !workers().some((worker) => gone.includes(worker))),
    stop,
    async cleanUp() {
      if (isAlive(pid)) await stop("SIGKILL");
      fresh?.remove();
    },
  };
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
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number).filter(isAlive);
  } catch {
    return [];
  }
}

function openConnection(port: number, socketPath: string | undefined, workers: () => number[]): Connection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let localPort = 0;
  return {
    send: (verb, path, { token, apiKey, headers = {}, body } = {}) =>
      new Promise((resolve, reject) => {
        const text = body === undefined ? undefined : JSON.stringify(body);
        const outgoing = request({
          agent,
          ...(socketPath === undefined ? { host: "127.0.0.1", port } : { socketPath }),
          method: verb,
          path,
          headers: {
            ...(text === undefined ? {} : { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) }),
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(apiKey === undefined ? {} : { "x-api-key": apiKey }),
            ...headers,
          },
        });
        const timer = setTimeout(() => outgoing.destroy(new Error(`no answer to ${verb} ${path} within ${patienceMs} ms`)), patienceMs);
        const refuse = (error: Error): void => {
          clearTimeout(timer);
          reject(error);
        };
        outgoing.on("socket", (socket: Socket) => {
          if (socket.connecting) socket.once("connect", () => (localPort = socket.localPort ?? 0));
        });
        outgoing.on("error", refuse);
        outgoing.on("response", (response) => {
          let answer = "";
          response.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
          response.on("error", refuse).on("end", () => {
            clearTimeout(timer);
            const isJson = /json/.test(response.headers["content-type"] ?? "");
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: isJson ? JSON.parse(answer) : answer });
          });
        });
        outgoing.end(text);
      }),
    worker() {
      const inode = tcpOf(port).get(localPort);
      const found = workers().find((pid) => socketsOf(pid).has(`socket:[${inode}]`));
      if (found === undefined) throw new Error("no worker has this connection");
      return found;
    },
    close: () => agent.destroy(),
  };
}

/** Inodes of the server's ends of connections to a port, by the port of the caller (proc(5), /proc/net/tcp; 01: established). */
function tcpOf(port: number): Map<number, string> {
  const own = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1).map((line) => line.trim().split(/\s+/));
  return new Map(rows.filter((fields) => fields[1]?.endsWith(own) && fields[3] === "01").map((fields) => [Number.parseInt(fields[2]!.split(":")[1]!, 16), fields[9]!]));
}

/** Inodes of the server's ends of connections to a Unix socket (/proc/net/unix; state 03: connected). */
function unixOf(path: string): string[] {
  const rows = readFileSync("/proc/net/unix", "utf8").split("\n").slice(1).map((line) => line.trim().split(/\s+/));
  return rows.filter((fields) => fields[7] === path && fields[5] === "03").map((fields) => fields[6]!);
}

function socketsOf(pid: number): Set<string> {
  const folder = `/proc/${pid}/fd`;
  const read = (name: string): string => {
    try {
      return readlinkSync(join(folder, name));
    } catch {
      return "";
    }
  };
  try {
    return new Set(readdirSync(folder).map(read));
  } catch {
    return new Set();
  }
}
