/** One change between two contracts, and what pairs up the things that may have changed. */

/** What a change asks of the next version (semver.org 2.0.0). */
export type Bump = "major" | "minor" | "patch";

/** One change. */
export interface Change {
  readonly bump: Bump;
  /** `weaker`: something that was refused, recorded or hidden is not any more. `stricter`: the reverse. */
  readonly policy: "weaker" | "stricter" | "same";
  /** Full name of the method, bucket, webhook, field or enum value. */
  readonly element: string;
  readonly message: string;
}

/** A change whose element is known from where it stands. */
export type Told = Omit<Change, "element">;

/** Makes one. */
export function told(bump: Bump, policy: Change["policy"], message: string): Told {
  return { bump, policy, message };
}

/** Says of which element changes are. */
export function named(element: string, changes: readonly Told[]): Change[] {
  return changes.map((change) => ({ ...change, element }));
}

/** Everything that one of two maps has, under its key. */
export function pairs<K, T>(old: ReadonlyMap<K, T>, now: ReadonlyMap<K, T>): [K, T | undefined, T | undefined][] {
  return [...new Set([...old.keys(), ...now.keys()])].map((key) => [key, old.get(key), now.get(key)]);
}
