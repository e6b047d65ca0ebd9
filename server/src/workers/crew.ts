/** The worker processes of a server: started, started again when they end, asked for their metrics, drained. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { listenOptionsOf } from "../app.js";
import type { Config } from "../config.js";
import type { SharedPlace } from "../foundation.js";
import { workerGraceMs, workerMetricsMs, workerRestartMsMax, workerRestartMsMin, workerStableMs } from "../limits.js";
import type { Log } from "../log.js";
import { createDealer } from "./dealer.js";
import { mergeMetrics } from "./merge-metrics.js";
import type { ToPrimary, ToWorker } from "./messages.js";

/** The workers together. */
export interface Crew {
  /** Starts all, then listens; resolves with the port. Rejects with an Error that says why a worker cannot start, or with that of `bind`. */
  start(): Promise<number>;
  /** Drains all and waits for their end; those that do not come to one are killed. */
  stop(): Promise<void>;
}

/** What a crew is made of. */
export interface CrewOptions {
  readonly config: Config;
  readonly log: Log;
  /** Lets a worker open a shared environment. */
  readonly admit: (pid: number, place: SharedPlace) => Promise<void>;
  /** A worker ended unasked. */
  readonly onEnd: (pid: number) => void;
}

/** A place among the workers: who holds it, and how often in a row its holders ended early. */
interface Place {
  readonly number: number;
  worker: ChildProcess;
  startedMs: number;
  earlyEnds: number;
  timer: NodeJS.Timeout | undefined;
  /** The metrics that its holder told last. */
  metrics: string;
}

type Heard = { readonly [K in ToPrimary["kind"]]: (message: Extract<ToPrimary, { kind: K }>) => void };

const program = fileURLToPath(new URL("./worker.js", import.meta.url));

/** Makes a crew of `config.workers`. */
export function createCrew({ config, log, admit, onEnd }: CrewOptions): Crew {
  const dealer = createDealer();
  const places: Place[] = [];
  const endedMetrics: string[] = [];
  let asked = 0;
  const answers = new Map<number, (text: string) => void>();
  let stopping = false;
  let running = false;

  /** Listens to the holder of a place. Resolves when it serves; rejects if it says or shows that it cannot. */
  function watch(place: Place): Promise<void> {
    const { worker, number } = place;
    return new Promise((resolve, reject) => {
      const heard: Heard = {
        "hello": () => send(worker, stopping ? { kind: "drain" } : { kind: "start", number, owner: process.pid, config }),
        "opening": (message) => void admit(worker.pid!, message.place).catch((cause: unknown) => log.error("a worker was not let in", { worker: number, cause })),
        "ready": () => {
          resolve();
          dealer.ready(worker);
        },
        "leaving": () => dealer.leave(worker),
        "failed": ({ message }) => {
          log.error("a worker cannot start", { worker: number, problem: message });
          reject(new Error(message));
        },
        "collect-metrics": ({ id }) => void collect().then((text) => send(worker, { kind: "metrics", id, text })),
        "own-metrics": ({ id, text }) => answers.get(id)?.(text),
      };
      worker.on("message", (message: ToPrimary) => heard[message.kind](message as never));
      const onExit = (code: number | null, signal: string | null): void => {
        reject(new Error(`a worker ended as it started (${signal ?? code})`));
        dealer.end(worker);
        replace(place, code, signal);
      };
      worker.once("exit", onExit);
      worker.on("error", (cause) => {
        log.error("a worker cannot be reached", { worker: number, cause });
        // A process that could not even be made has no exit.
        if (worker.pid === undefined) onExit(null, null);
      });
    });
  }

  /** Keeps what the holder of a place had counted, which has ended, and starts another. */
  function replace(place: Place, code: number | null, signal: string | null): void {
    const { worker, number } = place;
    if (place.metrics !== "") endedMetrics.splice(0, endedMetrics.length, mergeMetrics([], [...endedMetrics, place.metrics]));
    place.metrics = "";
    if (stopping || !running) return;
    if (worker.pid !== undefined) onEnd(worker.pid);
    const lived = performance.now() - place.startedMs;
    place.earlyEnds = lived < workerStableMs ? place.earlyEnds + 1 : 0;
    const delayMs = Math.min(workerRestartMsMax, workerRestartMsMin * 2 ** place.earlyEnds);
    log.error("a worker ended and is started again", { worker: number, code, signal, delayMs });
    place.timer = setTimeout(() => {
      place.timer = undefined;
      place.worker = start();
      place.startedMs = performance.now();
      // One that does not come to serve ends, which brings the next.
      void watch(place).catch(() => undefined);
    }, delayMs);
  }

  /** What every worker that answers in time tells, added up with what those that ended had told. */
  async function collect(): Promise<string> {
    await Promise.all(places.map(async (place) => {
      const { worker } = place;
      const text = await ownMetrics(worker);
      if (text !== undefined && place.worker === worker && isRunning(worker)) place.metrics = text;
    }));
    const told = places.map(({ metrics }) => metrics).filter((text) => text !== "");
    const workers = ["# HELP parapet_workers Worker processes that serve.", "# TYPE parapet_workers gauge", `parapet_workers ${told.length}`, ""].join("\n");
    return mergeMetrics([...told, workers], endedMetrics);
  }

  /** The metrics of one worker; undefined if it does not answer in time. */
  function ownMetrics(worker: ChildProcess): Promise<string | undefined> {
    if (!worker.connected) return Promise.resolve(undefined);
    const id = ++asked;
    return new Promise((resolve) => {
      const settle = (text: string | undefined): void => {
        clearTimeout(timer);
        answers.delete(id);
        resolve(text);
      };
      const timer = setTimeout(settle, workerMetricsMs, undefined);
      answers.set(id, settle);
      send(worker, { kind: "tell-metrics", id });
    });
  }

  return {
    async start() {
      for (let number = 1; number <= config.workers; number++) {
        places.push({ number, worker: start(), startedMs: performance.now(), earlyEnds: 0, timer: undefined, metrics: "" });
      }
      await Promise.all(places.map(watch));
      running = true;
      return await dealer.listen(listenOptionsOf(config));
    },
    async stop() {
      stopping = true;
      for (const { timer } of places) clearTimeout(timer);
      dealer.close();
      await Promise.all(places.map(({ worker }) => ended(worker, config.drainTimeoutMs + workerGraceMs)));
    },
  };
}

function start(): ChildProcess {
  return fork(program, [], { serialization: "advanced" });
}

function isRunning({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null;
}

/** Tells a worker to drain; resolves at its end, which is brought about after `timeoutMs`. */
function ended(worker: ChildProcess, timeoutMs: number): Promise<void> {
  if (!isRunning(worker)) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => worker.kill("SIGKILL"), timeoutMs);
    worker.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    send(worker, { kind: "drain" });
  });
}

function send(worker: ChildProcess, message: ToWorker): void {
  // A worker that just ended is heard of by its exit.
  if (worker.connected) worker.send(message, () => undefined);
}
