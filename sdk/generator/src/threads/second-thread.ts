/** The second thread of a run, as the first one sees it. Loads nothing, so that it can start while the first one loads what both need. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Answer, Answers, FirstExamples, Job } from "./messages.js";

/** Bytes of protos from which on it is worth its start: about two hundred methods. */
const sourceBytesMin = 192 * 1024;

/** True for a contract, given the bytes of its protos, that two threads generate from sooner than one. */
export function paysForTwo(sourceBytes: number): boolean {
  return sourceBytes >= sourceBytesMin && availableParallelism() > 1;
}

/** A running thread. It is to be stopped. */
export class SecondThread {
  private readonly worker = new Worker(new URL("worker.js", import.meta.url));
  private readonly answers = new Map<string, unknown>();
  private readonly waiting = new Map<string, (value: unknown) => void>();
  private readonly failed: Promise<never>;

  constructor() {
    this.worker.on("message", ({ kind, value }: Answer) => {
      this.answers.set(kind, value);
      this.waiting.get(kind)?.(value);
    });
    this.failed = new Promise((_resolve, reject) => {
      this.worker.once("error", reject);
      this.worker.once("exit", () => reject(new Error("the second thread ended too early")));
    });
    // Whoever waits for an answer hears of it.
    this.failed.catch(() => undefined);
  }

  /** Tells it something. */
  post(message: Job | FirstExamples): void {
    this.worker.postMessage(message);
  }

  /** Waits for an answer. */
  async answer<Kind extends keyof Answers>(kind: Kind): Promise<Answers[Kind]> {
    const answered = new Promise<unknown>((resolve) => this.waiting.set(kind, resolve));
    return (this.answers.get(kind) ?? (await Promise.race([answered, this.failed]))) as Answers[Kind];
  }

  /** Ends it, whatever it does. */
  async stop(): Promise<void> {
    await this.worker.terminate();
  }
}
