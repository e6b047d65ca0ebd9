/** The Merkle tree of the log: hashes, the compact right edge, proofs and their verification (RFC 9162 section 2.1, as RFC 6962). */
import { hash } from "node:crypto";

/** Length of a hash, in bytes (SHA-256). */
export const hashBytes = 32;

/**
 * The hash of a complete subtree: the one at `level` (0: leaves) that covers leaves `index`·2^level up to the next.
 * Indexes and sizes are safe integers.
 */
export type NodeReader = (level: number, index: number) => Uint8Array;

/** A tree as far as one must know it to append: the roots of its complete subtrees, the largest first. Never changes. */
export interface Edge {
  /** Leaves in the tree. */
  readonly size: number;
  /** One hash for each bit that is set in `size`. */
  readonly peaks: readonly Uint8Array[];
}

/** The tree without leaves. */
export const emptyEdge: Edge = { size: 0, peaks: [] };

/** Hash of a leaf: SHA-256(0x00 ‖ bytes). */
export function leafHash(bytes: Uint8Array): Uint8Array {
  return sha256(leafPrefix, bytes);
}

/** Hash of an inner node: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(nodePrefix, left, right);
}

const leafPrefix = Uint8Array.of(0);
const nodePrefix = Uint8Array.of(1);

/** The edge with one more leaf. */
export function appended(edge: Edge, leaf: Uint8Array): Edge {
  const peaks = [...edge.peaks];
  let merged = leaf;
  for (let rest = edge.size; rest % 2 === 1; rest = (rest - 1) / 2) merged = nodeHash(peaks.pop()!, merged);
  peaks.push(merged);
  return { size: edge.size + 1, peaks };
}

/** The root of the whole tree; of the empty one, the hash of nothing. */
export function rootOf({ peaks }: Edge): Uint8Array {
  if (peaks.length === 0) return sha256();
  return peaks.reduceRight((right, left) => nodeHash(left, right));
}

/** The root of the first `size` leaves of the tree behind `node`. */
export function rootAt(node: NodeReader, size: number): Uint8Array {
  return size === 0 ? sha256() : subtree(node, 0, size);
}

/** Audit path of leaf `index` in the tree of `size` leaves (RFC 9162 section 2.1.3.1). */
export function inclusionProof(node: NodeReader, index: number, size: number): Uint8Array[] {
  if (!isCount(index) || !isCount(size) || index >= size) throw new RangeError(`leaf ${index} is not in a tree of ${size}`);
  const path = (start: number, end: number): Uint8Array[] => {
    if (end - start === 1) return [];
    const middle = start + largestPowerBelow(end - start);
    return index < middle ? [...path(start, middle), subtree(node, middle, end)] : [...path(middle, end), subtree(node, start, middle)];
  };
  return path(0, size);
}

/** Proof that the tree of `first` leaves is the beginning of that of `second` (RFC 9162 section 2.1.4.1). Empty for 0 and for equal sizes. */
export function consistencyProof(node: NodeReader, first: number, second: number): Uint8Array[] {
  if (!isCount(first) || !isCount(second) || first > second) throw new RangeError(`a tree of ${first} is not the beginning of one of ${second}`);
  if (first === 0) return [];
  const path = (start: number, end: number, known: boolean): Uint8Array[] => {
    if (end === first) return known ? [] : [subtree(node, start, end)];
    const middle = start + largestPowerBelow(end - start);
    return first <= middle ? [...path(start, middle, known), subtree(node, middle, end)] : [...path(middle, end, false), subtree(node, start, middle)];
  };
  return path(0, second, true);
}

/** True if `proof` shows that the leaf with this hash stands at `index` in the tree of `size` leaves with this root (RFC 9162 section 2.1.3.2). */
export function verifyInclusion(leaf: Uint8Array, index: number, size: number, proof: readonly Uint8Array[], root: Uint8Array): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || !areHashes(proof)) return false;
  let place = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      hash = nodeHash(sibling, hash);
      if (place % 2 === 0) [place, last] = withoutTrailingZeros(place, last);
    } else {
      hash = nodeHash(hash, sibling);
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && Buffer.compare(hash, root) === 0;
}

/** True if `proof` shows that the tree of `first` leaves with the first root is the beginning of the other (RFC 9162 section 2.1.4.2). */
export function verifyConsistency(first: number, firstRoot: Uint8Array, second: number, secondRoot: Uint8Array, proof: readonly Uint8Array[]): boolean {
  if (!isCount(first) || !isCount(second) || first > second || !areHashes(proof)) return false;
  if (first === second) return proof.length === 0 && Buffer.compare(firstRoot, secondRoot) === 0;
  if (first === 0) return proof.length === 0 && Buffer.compare(firstRoot, sha256()) === 0;
  // Where the first tree is complete, its root opens the path and is left out of the proof.
  const path = isPowerOfTwo(first) ? [firstRoot, ...proof] : proof;
  const [seed, ...rest] = path;
  if (seed === undefined) return false;
  let place = first - 1;
  let last = second - 1;
  while (place % 2 === 1) [place, last] = [(place - 1) / 2, Math.floor(last / 2)];
  let [old, fresh] = [seed, seed];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      old = nodeHash(sibling, old);
      fresh = nodeHash(sibling, fresh);
      if (place % 2 === 0) [place, last] = withoutTrailingZeros(place, last);
    } else {
      fresh = nodeHash(fresh, sibling);
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && Buffer.compare(old, firstRoot) === 0 && Buffer.compare(fresh, secondRoot) === 0;
}

/** Shifts both until the first is odd or 0. */
function withoutTrailingZeros(place: number, last: number): [number, number] {
  while (place !== 0 && place % 2 === 0) [place, last] = [place / 2, Math.floor(last / 2)];
  return [place, last];
}

/** Hash of the leaves from `start` up to `end`; complete subtrees come from the reader. */
function subtree(node: NodeReader, start: number, end: number): Uint8Array {
  const count = end - start;
  if (isPowerOfTwo(count)) return node(Math.log2(count), start / count);
  const middle = start + largestPowerBelow(count);
  return nodeHash(subtree(node, start, middle), subtree(node, middle, end));
}

/** The largest power of two smaller than n, for n > 1. */
function largestPowerBelow(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}

function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(Math.log2(n));
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

function areHashes(proof: readonly Uint8Array[]): boolean {
  return proof.every((hash) => hash.length === hashBytes);
}

function sha256(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(hash("sha256", Buffer.concat(parts), "buffer"));
}
