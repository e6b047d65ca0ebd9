/** Claims of the demo: each is checked, and the first that does not hold ends it. */
import { isDeepStrictEqual } from "node:util";

/** A claim that did not hold. */
export class ClaimError extends Error {
  override readonly name = "ClaimError";
}

/**
 * States what must hold.
 *
 * @throws ClaimError with the claim and what was found instead.
 */
export function claim(holds: boolean, what: string, found?: unknown): asserts holds {
  if (!holds) throw new ClaimError(found === undefined ? what : `${what}; found ${JSON.stringify(found)}`);
}

/**
 * States that two values are the same, at any depth.
 *
 * @throws ClaimError with the claim and both.
 */
export function claimSame(found: unknown, wanted: unknown, what: string): void {
  claim(isDeepStrictEqual(found, wanted), `${what}; wanted ${JSON.stringify(wanted)}`, found);
}
