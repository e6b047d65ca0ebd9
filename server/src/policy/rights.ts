/** Rights as bits, and which of them a principal holds on a collection. */
import { Right } from "@parapet/contract/parapet/policy/v1/policy_pb";

/** Read documents. */
export const READ = 1;
/** Change documents. */
export const WRITE = 2;
/** Administer: implies READ and WRITE on the same collection; on `*` it is server admin. */
export const ADMIN = 4;

/** Names every collection. */
export const everyCollection = "*";

/** Bits by collection name or `*`. */
export type Grants = ReadonlyMap<string, number>;

/** The bit of a right of the contract. */
export const bitOfRight: Readonly<Record<Right, number>> = {
  [Right.UNSPECIFIED]: ADMIN,
  [Right.READ]: READ,
  [Right.WRITE]: WRITE,
  [Right.ADMIN]: ADMIN,
};

/** Bits held on a collection: those on it and those on `*` together; grants only add. */
export function rightsOn(grants: Grants, collection: string): number {
  const bits = (grants.get(collection) ?? 0) | (grants.get(everyCollection) ?? 0);
  return bits & ADMIN ? READ | WRITE | ADMIN : bits;
}

/** Bits held on any collection at all. */
export function rightsAnywhere(grants: Grants): number {
  let bits = 0;
  for (const held of grants.values()) bits |= held;
  return bits & ADMIN ? READ | WRITE | ADMIN : bits;
}
