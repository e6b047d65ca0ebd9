/** Sums a CPU profile of V8 up: which functions were running, by their own time. */
import type { Profiler } from "node:inspector";
import { fileURLToPath } from "node:url";

/** One function's share of a profile. */
export interface FunctionShare {
  /** `(garbage collector)`, `(program)` and the like for what is no function. */
  readonly name: string;
  /** File and line; empty for what has none. */
  readonly at: string;
  /** Part of the time in which the process was not idle that the function itself ran, without what it called; 0 to 1. */
  readonly share: number;
}

/** What the functions of one folder or package had together. */
export interface PlaceShare {
  readonly place: string;
  readonly share: number;
}

/** A profile in figures. */
export interface ProfileSummary {
  readonly busyMs: number;
  readonly idleMs: number;
  /** The functions with most time first. */
  readonly functions: readonly FunctionShare[];
  /** The folders and packages with most time first. */
  readonly places: readonly PlaceShare[];
}

/** What V8 calls the time in which nothing ran. */
const idleName = "(idle)";
/** How a function without a name is shown. */
const anonymous = "(anonymous)";

/** Sums a profile up. Paths below `root` are shown from there. */
export function summarise({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile, root: string): ProfileSummary {
  const selfMicros = new Map<number, number>();
  // A sample stands for the time until the next one.
  samples.forEach((id, index) => selfMicros.set(id, (selfMicros.get(id) ?? 0) + Math.max(0, timeDeltas[index + 1] ?? 0)));
  const byFunction = new Map<string, { name: string; at: string; micros: number }>();
  let idleMicros = 0;
  let busyMicros = 0;
  for (const { id, callFrame } of nodes) {
    const micros = selfMicros.get(id) ?? 0;
    if (callFrame.functionName === idleName) {
      idleMicros += micros;
      continue;
    }
    busyMicros += micros;
    const name = callFrame.functionName === "" ? anonymous : callFrame.functionName;
    const at = callFrame.url === "" ? "" : `${shortened(callFrame.url, root)}:${callFrame.lineNumber + 1}`;
    const key = `${name} ${at}`;
    const known = byFunction.get(key);
    if (known === undefined) byFunction.set(key, { name, at, micros });
    else known.micros += micros;
  }
  const functions = Array.from(byFunction.values(), ({ name, at, micros }) => ({ name, at, share: busyMicros === 0 ? 0 : micros / busyMicros }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share);
  return { busyMs: busyMicros / 1000, idleMs: idleMicros / 1000, functions, places: placesOf(functions) };
}

function placesOf(functions: readonly FunctionShare[]): readonly PlaceShare[] {
  const shares = new Map<string, number>();
  for (const { name, at, share } of functions) {
    const place = placeOf(name, at);
    shares.set(place, (shares.get(place) ?? 0) + share);
  }
  return Array.from(shares, ([place, share]) => ({ place, share })).sort((a, b) => b.share - a.share);
}

/** A package by its name, a file by its folder, Node's own files by the first two parts of theirs; what V8 names in brackets by that. */
function placeOf(name: string, at: string): string {
  if (at === "") return name.startsWith("(") && name !== anonymous ? name : "built in";
  const dependency = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(at)?.[1];
  if (dependency !== undefined) return dependency;
  const file = at.slice(0, at.lastIndexOf(":"));
  return at.startsWith("node:") ? file.split("/").slice(0, 2).join("/") : file.slice(0, file.lastIndexOf("/"));
}

function shortened(url: string, root: string): string {
  const path = url.startsWith("file:") ? fileURLToPath(url) : url;
  return path.startsWith(root) ? path.slice(root.length).replace(/^\//, "") : path;
}
