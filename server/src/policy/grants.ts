/** Arithmetic on grants: what a scope leaves of them, and what one principal may hand to another. */
import { ADMIN, everyCollection, type Grants, implied, nameOfRight, READ, rightsOn, WRITE } from "./rights.js";

/** Rights as the messages of the contract spell them. */
export interface RightFlags {
  readonly read: boolean;
  readonly write: boolean;
  readonly admin: boolean;
}

/** The bits of flags. */
export function bitsOf({ read, write, admin }: RightFlags): number {
  return (read ? READ : 0) | (write ? WRITE : 0) | (admin ? ADMIN : 0);
}

/** The flags of bits, without what they imply. */
export function flagsOf(bits: number): RightFlags {
  return { read: (bits & READ) !== 0, write: (bits & WRITE) !== 0, admin: (bits & ADMIN) !== 0 };
}

/** Bits in words, e.g. `read,write`; `none` for no right. For audit records. */
export function describeBits(bits: number): string {
  return [READ, WRITE, ADMIN].filter((bit) => bits & bit).map(nameOfRight).join(",") || "none";
}

/** Grants in words, in the order of the collections' names, e.g. `*:read blog:read,write`; `none` if there are none. */
export function describeGrants(grants: Grants): string {
  return [...grants].sort(([a], [b]) => (a < b ? -1 : 1)).map(([collection, bits]) => `${collection}:${describeBits(bits)}`).join(" ") || "none";
}

/** Grants that allow on every collection what both allow there. */
export function intersect(a: Grants, b: Grants): Grants {
  const both = new Map<string, number>();
  for (const collection of [...a.keys(), ...b.keys()]) {
    const bits = rightsOn(a, collection) & rightsOn(b, collection);
    if (bits !== 0) both.set(collection, bits);
  }
  return both;
}

/** True if `held` allows on every collection whatever `wanted` allows there. */
export function covers(held: Grants, wanted: Grants): boolean {
  for (const [collection, bits] of wanted) {
    if (implied(bits) & ~rightsOn(held, collection)) return false;
  }
  return true;
}

/** True for grants that make a server admin: ADMIN on `*`. */
export function isServerAdmin(grants: Grants): boolean {
  return ((grants.get(everyCollection) ?? 0) & ADMIN) !== 0;
}
