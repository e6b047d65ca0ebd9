/** What the two threads of a run tell each other. */
import type { Attempt } from "../examples/examples.js";
import type { PolicyText } from "../policy-file/load.js";
import type { Numbered, Outcome } from "./share.js";

/** To the second thread, first: what the run is about. */
export interface Job {
  readonly kind: "job";
  /** The compiled contract, and what is said beside it. */
  readonly image: Uint8Array;
  readonly policy: PolicyText | undefined;
  /** Targets by name, because functions do not travel. */
  readonly choices: readonly { readonly name: string; readonly folder: string; readonly options: Readonly<Record<string, string>> }[];
  /** Memory of the pieces that are shared out. */
  readonly examplePieces: Int32Array<SharedArrayBuffer>;
  readonly targetPieces: Int32Array<SharedArrayBuffer>;
}

/** To the second thread, then: the examples that the first one made, and the hash that only it computes. */
export interface FirstExamples {
  readonly kind: "examples";
  readonly examples: Numbered<Attempt>;
  readonly contractHash: string;
}

/** From the second thread: examples, then what became of targets. */
export interface Answers {
  readonly examples: Numbered<Attempt>;
  readonly outcomes: Numbered<Outcome>;
}

/** One of them. */
export type Answer = { readonly [Kind in keyof Answers]: { readonly kind: Kind; readonly value: Answers[Kind] } }[keyof Answers];
