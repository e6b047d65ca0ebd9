/** The primary process of a server with workers: owns the data directory, starts the workers and starts them again. */
import cluster, { type Worker } from "node:cluster";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import type { Config } from "../config.js";
import { directoryOf, layFoundation, type SharedPlace } from "../foundation.js";
import type { Bootstrapped } from "../identity/bootstrap.js";
import { prepareSharedLimits } from "../limit/shared-limiter.js";
import { workerGraceMs, workerMetricsMs, workerRestartMsMax, workerRestartMsMin, workerStableMs } from "../limits.js";
import type { Log } from "../log.js";
import { removeStaleSocket } from "../parapet.js";
import { startUpkeep } from "../upkeep.js";
import { mergeMetrics } from "./merge-metrics.js";
import type { ToPrimary, ToWorker } from "./messages.js";

/** A server whose calls are served by worker processes. */
export interface Primary {
  /** Where all workers listen. */
  readonly port: number;
  readonly bootstrapped: Bootstrapped;
  /** Lets the workers drain, waits for them, then gives the data directory back. */
  close(): Promise<void>;
}

/** What a primary is made of. */
export interface PrimaryOptions {
  readonly config: Config;
  readonly log: Log;
}

/** A place among the workers: who holds it, and how often in a row its holders ended early. */
interface Place {
  readonly number: number;
  worker: Worker;
  startedMs: number;
  earlyEnds: number;
  timer: NodeJS.Timeout | undefined;
  /** The metrics that its holder told last. */
  metrics: string;
}

/**
 * Starts `config.workers` processes; resolves when all of them listen. The listening socket is the primary's, which accepts
 * connections and deals them out in turn: kept-alive connections stay where they are, so that a fair deal is a fair load,
 * which a race of the workers for the same socket is not. Rejects, with nothing left running, if the store or any worker
 * cannot start.
 */
export async function startPrimary({ config, log }: PrimaryOptions): Promise<Primary> {
  const foundation = await layFoundation({ config, log });
  try {
    const upkeep = await startUpkeep(foundation, config, log);
    const limits = config.rateLimitEnabled ? await prepareSharedLimits(directoryOf("limits", config)) : undefined;
    if (config.socket !== undefined) removeStaleSocket(config.socket);
    const admit: Readonly<Record<SharedPlace, (pid: number) => void | Promise<void>>> = {
      store: async (pid) => await foundation.embedded?.admit(pid),
      limits: (pid) => limits?.admit(pid),
    };
    const crew = createCrew({
      config: await withPort(config),
      log,
      admit: async (pid, place) => await admit[place](pid),
      onEnd: (pid) => foundation.embedded?.forget(pid),
    });
    const stop = async (): Promise<void> => {
      upkeep.stop();
      await crew.stop();
      await limits?.close();
    };
    const port = await crew.start().catch(async (error: unknown) => {
      await stop();
      throw error;
    });
    return {
      port,
      bootstrapped: upkeep.bootstrapped,
      async close() {
        await stop();
        await foundation.close();
      },
    };
  } catch (error) {
    await foundation.close();
    throw error;
  }
}

/** The workers together. */
interface Crew {
  /** Resolves with the port when all listen. Rejects with an Error that says why one cannot. */
  start(): Promise<number>;
  /** Drains all and waits for their end; those that do not come to one are killed. */
  stop(): Promise<void>;
}

interface CrewOptions extends PrimaryOptions {
  /** Lets a worker open a shared environment. */
  readonly admit: (pid: number, place: SharedPlace) => Promise<void>;
  /** A worker ended unasked. */
  readonly onEnd: (pid: number) => void;
}

function createCrew({ config, log, admit, onEnd }: CrewOptions): Crew {
  const places: Place[] = [];
  const endedMetrics: string[] = [];
  let stopping = false;
  let running = false;

  cluster.setupPrimary({ exec: fileURLToPath(new URL("./worker.js", import.meta.url)), args: [], serialization: "advanced" });
  cluster.schedulingPolicy = cluster.SCHED_RR;

  function fork(number: number): Worker {
    const worker = cluster.fork();
    worker.on("error", (cause) => log.error("a worker cannot be reached", { worker: number, cause }));
    worker.on("message", (message: ToPrimary) => {
      if (message.kind === "ready") send(worker, stopping ? { kind: "drain" } : { kind: "start", number, owner: process.pid, config });
    });
    return worker;
  }

  function fill(place: Place): void {
    place.timer = undefined;
    place.startedMs = performance.now();
    place.worker = fork(place.number);
    watch(place);
  }

  function watch(place: Place): void {
    const { worker, number } = place;
    worker.on("message", (message: ToPrimary) => {
      if (message.kind === "opening") admit(worker.process.pid!, message.place).catch((cause: unknown) => log.error("a worker was not let in", { worker: number, cause }));
      if (message.kind === "failed") log.error("a worker cannot start", { worker: number, problem: message.message });
      if (message.kind === "collect-metrics") void collect().then((text) => send(worker, { kind: "metrics", id: message.id, text }));
    });
    worker.once("exit", (code: number | null, signal: string | null) => {
      if (place.metrics !== "") endedMetrics.splice(0, endedMetrics.length, mergeMetrics([], [...endedMetrics, place.metrics]));
      place.metrics = "";
      if (stopping || !running) return;
      onEnd(worker.process.pid!);
      const lived = performance.now() - place.startedMs;
      place.earlyEnds = lived < workerStableMs ? place.earlyEnds + 1 : 0;
      const delayMs = Math.min(workerRestartMsMax, workerRestartMsMin * 2 ** place.earlyEnds);
      log.error("a worker ended and is started again", { worker: number, code, signal, delayMs });
      place.timer = setTimeout(() => fill(place), delayMs);
    });
  }

  /** What every worker that answers in time tells, added up with what those that ended had told. */
  async function collect(): Promise<string> {
    await Promise.all(places.map(async (place) => {
      const { worker } = place;
      const text = await ownMetrics(worker);
      if (text !== undefined && place.worker === worker && !worker.isDead()) place.metrics = text;
    }));
    const told = places.map(({ metrics }) => metrics).filter((text) => text !== "");
    const workers = ["# HELP parapet_workers Worker processes that serve.", "# TYPE parapet_workers gauge", `parapet_workers ${told.length}`, ""].join("\n");
    return mergeMetrics([...told, workers], endedMetrics);
  }

  return {
    async start() {
      for (let number = 1; number <= config.workers; number++) {
        const place: Place = { number, worker: fork(number), startedMs: performance.now(), earlyEnds: 0, timer: undefined, metrics: "" };
        places.push(place);
        watch(place);
      }
      const [port = 0] = await Promise.all(places.map(({ worker }) => listening(worker)));
      running = true;
      return port;
    },
    async stop() {
      stopping = true;
      for (const { timer } of places) clearTimeout(timer);
      await Promise.all(places.map(({ worker }) => ended(worker, config.drainTimeoutMs + workerGraceMs)));
    },
  };
}

/**
 * Any free port becomes a certain one: workers that come later must ask for the very same, also when no other is left to hold it.
 * A port that somebody takes in between shows as EADDRINUSE.
 */
async function withPort(config: Config): Promise<Config> {
  const { address } = config;
  if (address.port !== 0) return config;
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", reject);
    probe.listen({ port: 0, ...(address.hosts[0] === undefined ? {} : { host: address.hosts[0] }), exclusive: true }, resolve);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return { ...config, address: { ...address, port } };
}

/** Resolves with the port a worker listens on; rejects if it says or shows that it cannot. */
function listening(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.on("message", (message: ToPrimary) => {
      if (message.kind === "listening") resolve(message.port);
      if (message.kind === "failed") reject(new Error(message.message));
    });
    worker.once("exit", (code: number | null, signal: string | null) => reject(new Error(`a worker ended as it started (${signal ?? code})`)));
  });
}

let metricsAsked = 0;

/** The metrics of one worker; undefined if it does not answer in time. */
function ownMetrics(worker: Worker): Promise<string | undefined> {
  if (!worker.isConnected()) return Promise.resolve(undefined);
  const id = ++metricsAsked;
  return new Promise((resolve) => {
    const settle = (text: string | undefined): void => {
      clearTimeout(timer);
      worker.off("message", onMessage);
      resolve(text);
    };
    const onMessage = (message: ToPrimary): void => {
      if (message.kind === "own-metrics" && message.id === id) settle(message.text);
    };
    const timer = setTimeout(settle, workerMetricsMs, undefined);
    worker.on("message", onMessage);
    send(worker, { kind: "tell-metrics", id });
  });
}

/** Tells a worker to drain; resolves at its end, which is brought about after `timeoutMs`. */
function ended(worker: Worker, timeoutMs: number): Promise<void> {
  if (worker.isDead()) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => worker.process.kill("SIGKILL"), timeoutMs);
    worker.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    send(worker, { kind: "drain" });
  });
}

function send(worker: Worker, message: ToWorker): void {
  // A worker that just ended is heard of by its exit.
  if (worker.isConnected()) worker.send(message, () => undefined);
}
