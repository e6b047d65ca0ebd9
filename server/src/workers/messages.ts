/** What a primary process and its workers tell each other over the IPC channel (structured clones). */
import type { Config } from "../config.js";
import type { SharedPlace } from "../foundation.js";

/** From the primary to a worker. */
export type ToWorker =
  /** The answer to `hello`: serve with this configuration. `number` tells the worker from the others in log lines. */
  | { readonly kind: "start"; readonly number: number; readonly owner: number; readonly config: Config }
  /** Serve the connection that comes with this message, and say `ready` once it is taken; after `leaving`, close it. */
  | { readonly kind: "connection" }
  /** Let running calls end, then exit with 0. */
  | { readonly kind: "drain" }
  /** Tell your metrics. */
  | { readonly kind: "tell-metrics"; readonly id: number }
  /** The metrics of all workers, as asked for. */
  | { readonly kind: "metrics"; readonly id: number; readonly text: string };

/** From a worker to the primary. */
export type ToPrimary =
  /** It hears messages; those that came before its program was loaded are lost. */
  | { readonly kind: "hello" }
  /** It is about to open a shared environment and waits to be let in. */
  | { readonly kind: "opening"; readonly place: SharedPlace }
  /** It serves, and takes a connection; again after each one it took. */
  | { readonly kind: "ready" }
  /** It was told to end, by whomever, and takes no more connections. */
  | { readonly kind: "leaving" }
  /** It cannot start, and ends. */
  | { readonly kind: "failed"; readonly message: string }
  /** Collect the metrics of all workers. */
  | { readonly kind: "collect-metrics"; readonly id: number }
  | { readonly kind: "own-metrics"; readonly id: number; readonly text: string };
