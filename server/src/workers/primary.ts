/** The primary process of a server with workers: owns the data directory, starts the workers and starts them again. */
import cluster, { type Worker } from "node:cluster";
import { fileURLToPath } from "node:url";
import { limitsDirectory } from "../app.js";
import type { Config } from "../config.js";
import { layFoundation } from "../foundation.js";
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
    if (config.rateLimitEnabled) await prepareSharedLimits(limitsDirectory(config));
    if (config.socket !== undefined) removeStaleSocket(config.socket);
    const crew = createCrew(config, log, foundation.forgetDeadProcesses);
    const port = await crew.start().catch(async (error: unknown) => {
      upkeep.stop();
      await crew.stop();
      throw error;
    });
    return {
      port,
      bootstrapped: upkeep.bootstrapped,
      async close() {
        upkeep.stop();
        await crew.stop();
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

function createCrew(config: Config, log: Log, onEnd: () => void): Crew {
  const places: Place[] = [];
  const endedMetrics: string[] = [];
  let settings = config;
  let stopping = false;
  let running = false;

  cluster.setupPrimary({ exec: fileURLToPath(new URL("./worker.js", import.meta.url)), args: [], serialization: "advanced" });
  cluster.schedulingPolicy = cluster.SCHED_RR;

  function fork(number: number): Worker {
    const worker = cluster.fork();
    worker.on("error", (cause) => log.error("a worker cannot be reached", { worker: number, cause }));
    worker.on("message", (message: ToPrimary) => {
      if (message.kind === "ready") send(worker, stopping ? { kind: "drain" } : { kind: "start", number, owner: process.pid, config: settings });
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
      if (message.kind === "failed") log.error("a worker cannot start", { worker: number, problem: message.message });
      if (message.kind === "collect-metrics") void collect().then((text) => send(worker, { kind: "metrics", id: message.id, text }));
    });
    worker.once("exit", (code: number | null, signal: string | null) => {
      if (place.metrics !== "") endedMetrics.splice(0, endedMetrics.length, mergeMetrics([], [...endedMetrics, place.metrics]));
      place.metrics = "";
      if (stopping || !running) return;
      onEnd();
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
      // Where any port would do, it is this one from now on, also if all workers end at once and nobody holds it meanwhile.
      cluster.on("exit", () => {
        if (places.every(({ worker }) => worker.isDead())) settings = { ...config, address: { ...config.address, port } };
      });
      return port;
    },
    async stop() {
      stopping = true;
      for (const { timer } of places) clearTimeout(timer);
      await Promise.all(places.map(({ worker }) => ended(worker, config.drainTimeoutMs + workerGraceMs)));
    },
  };
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
