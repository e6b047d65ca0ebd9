/** The tree gives the roots and proofs of RFC 6962, and no other root or proof passes. */
import { describe, expect, it } from "vitest";
import { appendToTiles, nodesOf } from "./tiles.js";
import { appended, consistencyProof, type Edge, emptyEdge, inclusionProof, leafHash, nodeHash, type NodeReader, rootAt, rootOf, verifyConsistency, verifyInclusion } from "./tree.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** The inputs and roots that the implementations of RFC 6962 test themselves with. */
const leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"].map((text) => new Uint8Array(Buffer.from(text, "hex")));
const roots = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/** A tree of n leaves, kept in tiles. */
function grown(n: number, leaf: (i: number) => Uint8Array = (i) => leafHash(Buffer.from(`leaf ${i}`))): { edge: Edge; node: NodeReader; tiles: Map<string, Uint8Array> } {
  const tiles = new Map<string, Uint8Array>();
  let edge = emptyEdge;
  for (let i = 0; i < n; i++) {
    edge = appended(edge, leaf(i));
    appendToTiles(i, leaf(i), (level, index) => tiles.get(`${level}/${index}`), (level, index, tile) => tiles.set(`${level}/${index}`, tile));
  }
  return { edge, node: nodesOf((level, index) => tiles.get(`${level}/${index}`)), tiles };
}

/** MTH as RFC 9162 section 2.1.1 writes it, to compare with. */
function rootByDefinition(hashes: Uint8Array[]): Uint8Array {
  if (hashes.length === 1) return hashes[0]!;
  const half = 2 ** Math.ceil(Math.log2(hashes.length) - 1);
  return nodeHash(rootByDefinition(hashes.slice(0, half)), rootByDefinition(hashes.slice(half)));
}

describe("the tree of the RFC 6962 vectors", () => {
  const tree = grown(leaves.length, (i) => leafHash(leaves[i]!));

  it.each(roots.map((root, size) => [size, root]))("of %i leaves has its root", (size, root) => {
    expect(hex(rootOf(grown(size, (i) => leafHash(leaves[i]!)).edge))).toBe(root);
    expect(hex(rootAt(tree.node, size))).toBe(root);
  });

  const paths: [index: number, size: number, proof: string[]][] = [
    [0, 1, []],
    [0, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e", "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]],
    [5, 8, ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b", "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]],
    [2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]],
    [1, 5, ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e", "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]],
  ];
  it.each(paths)("gives leaf %i of %i its audit path", (index, size, proof) => {
    expect(inclusionProof(tree.node, index, size).map(hex)).toEqual(proof);
  });

  const chains: [first: number, second: number, proof: string[]][] = [
    [1, 1, []],
    [1, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e", "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]],
    [6, 8, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]],
    [2, 5, ["5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e", "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]],
  ];
  it.each(chains)("proves that %i leaves begin %i", (first, second, proof) => {
    expect(consistencyProof(tree.node, first, second).map(hex)).toEqual(proof);
  });
});

describe("a tree of any size", () => {
  const largest = 70;
  const tree = grown(largest);
  const hashes = Array.from({ length: largest }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)));
  const root = (size: number): Uint8Array => rootAt(tree.node, size);

  it("has the root of the definition, from its edge and from its tiles", () => {
    for (let size = 1; size <= largest; size++) {
      const expected = hex(rootByDefinition(hashes.slice(0, size)));
      expect(hex(rootOf(grown(size).edge))).toBe(expected);
      expect(hex(root(size))).toBe(expected);
    }
  });

  it("proves each leaf in each size, and no other leaf, place, size or root", () => {
    for (let size = 1; size <= largest; size += size < 20 ? 1 : 7) {
      for (let index = 0; index < size; index++) {
        const proof = inclusionProof(tree.node, index, size);
        expect(verifyInclusion(hashes[index]!, index, size, proof, root(size))).toBe(true);
        expect(verifyInclusion(hashes[(index + 1) % largest]!, index, size, proof, root(size))).toBe(false);
        expect(verifyInclusion(hashes[index]!, index + 1, size, proof, root(size))).toBe(false);
        expect(verifyInclusion(hashes[index]!, index, size, [...proof, hashes[0]!], root(size))).toBe(false);
        expect(verifyInclusion(hashes[index]!, index, size, proof, root(size + 1 > largest ? 1 : size + 1))).toBe(false);
        for (let cut = 0; cut < proof.length; cut++) {
          expect(verifyInclusion(hashes[index]!, index, size, proof.toSpliced(cut, 1), root(size))).toBe(false);
          expect(verifyInclusion(hashes[index]!, index, size, proof.with(cut, flipped(proof[cut]!)), root(size))).toBe(false);
        }
      }
    }
  });

  it("proves that each size begins each later one, and nothing else does", () => {
    for (let second = 1; second <= largest; second += second < 20 ? 1 : 5) {
      for (let first = 0; first <= second; first++) {
        const proof = consistencyProof(tree.node, first, second);
        expect(verifyConsistency(first, root(first), second, root(second), proof)).toBe(true);
        expect(verifyConsistency(first, flipped(root(first)), second, root(second), proof)).toBe(false);
        expect(verifyConsistency(first, root(first), second, flipped(root(second)), proof)).toBe(first === 0 && second > 0);
        expect(verifyConsistency(first, root(first), second, root(second), [...proof, hashes[0]!])).toBe(false);
        for (let cut = 0; cut < proof.length; cut++) {
          expect(verifyConsistency(first, root(first), second, root(second), proof.toSpliced(cut, 1))).toBe(false);
          expect(verifyConsistency(first, root(first), second, root(second), proof.with(cut, flipped(proof[cut]!)))).toBe(false);
        }
      }
    }
  });

  it("has no proof outside itself", () => {
    expect(() => inclusionProof(tree.node, 5, 5)).toThrow(RangeError);
    expect(() => inclusionProof(tree.node, -1, 5)).toThrow(RangeError);
    expect(() => consistencyProof(tree.node, 6, 5)).toThrow(RangeError);
    expect(verifyInclusion(hashes[0]!, 0.5, 5, [], root(1))).toBe(false);
    expect(verifyInclusion(hashes[0]!, 0, 1, [new Uint8Array(31)], root(1))).toBe(false);
    expect(verifyConsistency(3, root(3), 2, root(2), [])).toBe(false);
  });

  it("lies in tiles of at most sixteen hashes, each leaf once", () => {
    const sizes = [...tree.tiles].map(([name, tile]) => `${name}:${tile.length / 32}`).sort();
    expect(sizes).toEqual(["0/0:16", "0/1:16", "0/2:16", "0/3:16", "0/4:6", "4/0:4"]);
  });

  it("says so when a tile was cut", () => {
    const tiles = new Map(tree.tiles).set("0/4", new Uint8Array(32));
    expect(() => appendToTiles(largest, hashes[0]!, (level, index) => tiles.get(`${level}/${index}`), () => undefined)).toThrow("stored data corrupt");
    expect(() => nodesOf(() => undefined)(0, 0)).toThrow("stored data corrupt");
  });
});

function flipped(hash: Uint8Array): Uint8Array {
  const other = Uint8Array.from(hash);
  other[0]! ^= 1;
  return other;
}
