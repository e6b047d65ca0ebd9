/** The checksum of a collection: a set hash that a change updates in constant time. */
import { hash } from "node:crypto";

/** Length of a digest and of a checksum, in bytes. */
export const digestBytes = 32;

/**
 * The digest of one document: SHA-256 over its body, which is the deterministic Document message of key, lang, meta sorted
 * by name, and content_md alone. Ids, times and revisions have no part in it, so a copy has the same digest.
 */
export function digestOfBody(body: Uint8Array): Uint8Array {
  return hash("sha256", body, "buffer");
}

/** The checksum of the empty set. */
export function emptyChecksum(): Uint8Array {
  return new Uint8Array(digestBytes);
}

/**
 * Adds a document's digest to a checksum, in place: the sum of all digests, as big-endian integers, modulo 2^256 (the
 * additive hash of Bellare and Micciancio, "A new paradigm for collision-free hashing", 1997). The sum does not depend on
 * the order, and subtracting takes a document out again, so nothing is read but the collection's own row.
 *
 * Two copies with the same documents have the same checksum, and copies that differ by accident have different ones but
 * for a chance of 2^-256. It is no proof against somebody who writes the documents: with some 2^32 of them at will, a
 * generalized birthday search finds two different sets with one sum. The audit log is what holds against an adversary.
 */
export function addDigest(checksum: Uint8Array, digest: Uint8Array): void {
  let carry = 0;
  for (let i = digestBytes - 1; i >= 0; i--) {
    carry += checksum[i]! + digest[i]!;
    checksum[i] = carry;
    carry >>>= 8;
  }
}

/** Takes a document's digest out of a checksum, in place. */
export function subtractDigest(checksum: Uint8Array, digest: Uint8Array): void {
  let borrow = 0;
  for (let i = digestBytes - 1; i >= 0; i--) {
    const difference = checksum[i]! - digest[i]! - borrow;
    checksum[i] = difference;
    borrow = difference < 0 ? 1 : 0;
  }
}
