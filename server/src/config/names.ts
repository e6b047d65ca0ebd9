/** Tells a mistyped variable name from one that belongs to somebody else. */

/** What a name that is no variable's most likely is. */
export type Stranger =
  | { readonly kind: "near miss"; readonly suggestion: string }
  /** Injected by an orchestrator, or meant for one of our other programs. */
  | { readonly kind: "foreign" }
  | { readonly kind: "unknown" };

/** Docker links inject `X_PORT…`, Kubernetes services `X_…_SERVICE_…`; the others are read by the command line tools. */
const foreign = [
  /^(?:PARAPET|MDDB)_(?:[A-Z0-9_]+_)?PORT(?:_\d+_(?:TCP|UDP)(?:_(?:PROTO|PORT|ADDR))?)?$/,
  /^(?:PARAPET|MDDB)_(?:[A-Z0-9_]+_)?SERVICE_[A-Z0-9_]+$/,
  /^PARAPET_CLI_/,
  /^PARAPET_CONFIG$/,
  /^PARAPET_ADMIN_PASSWORD$/,
  /^PARAPET_CONFORMANCE_/,
  /^MDDB_API_KEY$/,
];

/** Classifies a name that is not in `known`. A suggestion keeps the prefix of the name. */
export function classify(name: string, known: readonly string[]): Stranger {
  if (foreign.some((pattern) => pattern.test(name))) return { kind: "foreign" };
  const prefix = name.slice(0, name.indexOf("_") + 1);
  const candidates = known.filter((each) => each.startsWith(prefix));
  const suggestion = nearest(name.slice(prefix.length), candidates, prefix.length);
  return suggestion === undefined ? { kind: "unknown" } : { kind: "near miss", suggestion };
}

function nearest(rest: string, candidates: readonly string[], from: number): string | undefined {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const target = candidate.slice(from);
    const near = differsByOneWord(rest, target) ? 2 : editDistance(rest, target);
    // Short names are near each other by nature: a third of the letters may differ, three at most.
    if (near <= Math.min(3, Math.floor(target.length / 3)) && near < least) {
      least = near;
      best = candidate;
    }
  }
  return best;
}

/** True if one name is the other with a single word left out, e.g. `JWT_SECRET` and `AUTH_JWT_SECRET`. */
function differsByOneWord(a: string, b: string): boolean {
  const [short, long] = [a.split("_"), b.split("_")].sort((left, right) => left.length - right.length) as [string[], string[]];
  // One word alone names nothing: `ENABLED` would be near half the table.
  if (short.length < 2 || long.length !== short.length + 1) return false;
  return long.some((_, left) => long.toSpliced(left, 1).join("_") === short.join("_"));
}

/** Letters to insert, delete, replace or swap with their neighbour (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const line = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      let cost = Math.min(last[column]! + 1, line[column - 1]! + 1, last[column - 1]! + same);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, beforeLast[column - 2]! + 1);
      }
      line.push(cost);
    }
    [beforeLast, last] = [last, line];
  }
  return last[b.length]!;
}
