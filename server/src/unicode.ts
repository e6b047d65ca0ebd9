/** Which texts UTF-8 can hold without a change. */

/** A text as Node's own engine knows it (ECMA-262 2024, String.prototype.isWellFormed); the library of the TypeScript target does not have it yet. */
interface Checkable {
  isWellFormed(): boolean;
}

/** True unless a text has a lone surrogate (Unicode D84), which UTF-8 would replace: two such texts would be stored as one. */
export function isWellFormed(text: string): boolean {
  return (text as unknown as Checkable).isWellFormed();
}
