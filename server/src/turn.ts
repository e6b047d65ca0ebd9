/** Gathers what comes in one turn of the event loop. */

/** Returns a function that takes one thing; `run` gets all that were taken in a turn of the event loop, in their order, at its end. */
export function withTurn<T>(run: (all: readonly T[]) => void): (one: T) => void {
  let gathered: T[] = [];
  const runAll = (): void => {
    const all = gathered;
    gathered = [];
    run(all);
  };
  return (one) => {
    if (gathered.push(one) === 1) setImmediate(runAll);
  };
}
