/** What the steps of the demo share. */
import type { Parapet } from "@parapet/sdk";
import type { ParapetServer } from "../process/parapet.js";
import type { Caller, Refused } from "./callers.js";
import type { CorpusDocument } from "./corpus.js";
import type { Progress } from "./progress.js";

/** The collection that the README files go into. */
export const collection = "readmes";

/** Calls that a step has open at a time on one protocol. */
export const callsAtATime = 8;

/** A line of the table at the end. */
export interface StepResult {
  readonly what: string;
  readonly protocol: string;
  /** Calls, or checks. */
  readonly count: number;
  readonly seconds: number;
}

/** A user of the demo, as four clients: one a protocol. */
export interface DemoUser {
  readonly username: string;
  readonly callers: readonly Caller[];
}

/** A refused call whose record is looked for afterwards. */
export interface NotedRefusal extends Refused {
  readonly what: string;
  readonly protocol: string;
}

/** What the steps share. */
export interface World {
  readonly server: ParapetServer;
  /** The admin, through the SDK's default layer. */
  readonly admin: Parapet;
  readonly documents: readonly CorpusDocument[];
  /** May read and write the collection, under a limit raised for the demo. */
  readonly librarian: DemoUser;
  /** May read the collection. */
  readonly reader: DemoUser;
  /** May read the collection, under the ordinary limit. */
  readonly hasty: DemoUser;
  readonly anonymous: readonly Caller[];
  say(line: string): void;
  progress(label: string, total: number): Progress;
  /** Takes back what was set up for the demo alone. */
  close(): Promise<void>;
}

/** Runs a work and returns how long it took, in seconds. */
export async function secondsOf(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
