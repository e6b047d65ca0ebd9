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

/** The name of one right, as audit records and messages spell it. */
export function nameOfRight(bit: number): string {
  return bit === READ ? "read" : bit === WRITE ? "write" : "admin";
}

/** These bits with those that they imply. */
export function implied(bits: number): number {
  return bits & ADMIN ? READ | WRITE | ADMIN : bits;
}

/** Bits held on a collection: those on it and those on `*` together; grants only add. */
export function rightsOn(grants: Grants, collection: string): number {
  return implied((grants.get(collection) ?? 0) | (grants.get(everyCollection) ?? 0));
}

/** Bits held on any collection at all. */
export function rightsAnywhere(grants: Grants): number {
  let bits = 0;
  for (const held of grants.values()) bits |= held;
  return implied(bits);
}
