/** Finds sets of paths that may share a path with another one, without a look at all of them. */
import { type PathSet, overlap } from "./http-template.js";

/** What stands behind one beginning of paths. */
interface Branch<Value> {
  /** Sets that end here, and sets that take any number of segments from here on. */
  readonly here: Entry<Value>[];
  readonly literals: Map<string, Branch<Value>>;
  /** Behind any one segment. */
  one?: Branch<Value>;
}

/** Values in the order in which they came. */
interface Entry<Value> {
  readonly order: number;
  readonly paths: PathSet;
  readonly value: Value;
}

/** Values by sets of paths. */
export class PathTree<Value> {
  private readonly root: Branch<Value> = { here: [], literals: new Map() };
  private size = 0;

  /** Adds a value. */
  add(paths: PathSet, value: Value): void {
    let branch = this.root;
    for (const { kind, text } of paths) {
      if (kind === "many") break;
      const next: Branch<Value> = (kind === "one" ? branch.one : branch.literals.get(text)) ?? { here: [], literals: new Map() };
      if (kind === "one") branch.one = next;
      else branch.literals.set(text, next);
      branch = next;
    }
    branch.here.push({ order: this.size++, paths, value });
  }

  /** Values whose sets share a path with this one, in the order in which they were added. */
  overlapping(paths: PathSet): Value[] {
    return [...candidates(this.root, paths, 0)]
      .filter((entry) => overlap(entry.paths, paths))
      .sort((a, b) => a.order - b.order)
      .map(({ value }) => value);
  }
}

/** Entries that differ from a set in no literal: some that do not overlap are among them. */
function* candidates<Value>(branch: Branch<Value>, paths: PathSet, at: number): Generator<Entry<Value>> {
  yield* branch.here;
  const part = paths[at];
  if (part === undefined) return;
  const next = part.kind === "literal" ? [branch.literals.get(part.text)] : branch.literals.values();
  for (const other of [...next, branch.one]) {
    // Behind "**" anything may follow.
    if (other !== undefined) yield* candidates(other, paths, part.kind === "many" ? at : at + 1);
  }
}
