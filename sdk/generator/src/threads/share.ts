/** What each thread of a run does: it takes from the work that is left, until there is none. */
import type { Draft } from "../build/build-model.js";
import { GeneratorError, type Problem } from "../errors.js";
import type { TargetChoice } from "../generate.js";
import type { Image } from "../image.js";
import { type MadeFile, madeOf } from "../made.js";
import type { Attempt } from "../examples/examples.js";
import type { Model } from "../model.js";

/** What becomes of one target: its files, or what it cannot express. */
export type Outcome = { readonly files: readonly MadeFile[] } | { readonly problems: readonly Problem[] };

/** Results with the number of what they are the result of. */
export type Numbered<Value> = readonly (readonly [number: number, value: Value])[];

/** Pieces of work that threads share out: memory of both, with the number of the piece that is next. */
export class Pieces {
  constructor(readonly next: Int32Array<SharedArrayBuffer> = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))) {}

  /** Takes pieces up to a number, each one that no other thread has taken. */
  *take(count: number): Generator<number> {
    for (let piece = Atomics.add(this.next, 0, 1); piece < count; piece = Atomics.add(this.next, 0, 1)) yield piece;
  }
}

/** Methods of one piece: few enough that threads end at the same time. */
const methodsPerPiece = 8;

/** Makes examples, piece by piece. */
export function makeExamples(draft: Draft, pieces: Pieces): Numbered<Attempt> {
  const made: [number, Attempt][] = [];
  for (const piece of pieces.take(Math.ceil(draft.methodCount / methodsPerPiece))) {
    const end = Math.min((piece + 1) * methodsPerPiece, draft.methodCount);
    for (let index = piece * methodsPerPiece; index < end; index++) made.push([index, draft.examplesOf(index)]);
  }
  return made;
}

/** Values in the order of their numbers. */
export function inOrder<Value>(...parts: readonly Numbered<Value>[]): Value[] {
  const values: Value[] = [];
  for (const part of parts) for (const [number, value] of part) values[number] = value;
  return values;
}

/** Runs targets, group by group. */
export function runTargets(choices: readonly TargetChoice[], model: Model, image: Image, pieces: Pieces): Numbered<Outcome> {
  const groups = groupsOf(choices);
  const made: [number, Outcome][] = [];
  for (const piece of pieces.take(groups.length)) {
    for (const index of groups[piece]!) made.push([index, outcomeOf(choices[index]!, model, image)]);
  }
  return made;
}

/** Targets in the order in which they are begun: those that take longest first, so that threads end at the same time. Others come behind them. */
const longestFirst = ["openapi", "docs", "conformance", "typescript", "cli"];
/** Targets that one thread runs, because they print what is made once: under the name of the first. */
const together: Readonly<Record<string, string>> = { "openapi-module": "openapi", "conformance-contract": "conformance" };

/** Numbers of choices, those of one group together. */
function groupsOf(choices: readonly TargetChoice[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const [index, { target: { name } }] of choices.entries()) {
    const key = together[name] ?? name;
    groups.set(key, [...(groups.get(key) ?? []), index]);
  }
  const rank = (name: string): number => (longestFirst.includes(name) ? longestFirst.indexOf(name) : longestFirst.length);
  return [...groups].sort(([a], [b]) => rank(a) - rank(b)).map(([, indexes]) => indexes);
}

function outcomeOf({ target, folder, options }: TargetChoice, model: Model, image: Image): Outcome {
  try {
    return { files: madeOf(folder, target.emit(model, options, image)) };
  } catch (error) {
    if (error instanceof GeneratorError) return { problems: error.problems };
    throw error;
  }
}
