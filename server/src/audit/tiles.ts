/** How the hashes of the tree lie in the store: rows of sixteen, so that an append writes one short row. */
import { fail, Reason } from "../errors.js";
import { roomFor } from "../store/slab.js";
import { hashBytes, nodeHash, type NodeReader } from "./tree.js";

/** Levels between two rows of tiles. */
const stride = 4;
/** Hashes in a full tile. */
export const tileWidth = 2 ** stride;

/** The tile `index` at `level` (0, 4, 8 …), its hashes one after the other; undefined if there is none. */
export type TileReader = (level: number, index: number) => Uint8Array | undefined;
/** Stores a tile. */
export type TileWriter = (level: number, index: number, tile: Uint8Array) => void;

/**
 * Adds the hash of leaf `index` to its tile. A tile that becomes full is the complete subtree four levels up, whose hash
 * goes into the tile there, and so on: 1 + 1/15 rows are written per leaf. Throws STORED_DATA_CORRUPT where a tile does
 * not hold what it must.
 */
export function appendToTiles(index: number, leaf: Uint8Array, read: TileReader, write: TileWriter): void {
  let hash = leaf;
  let place = index;
  for (let level = 0; ; level += stride) {
    const slot = place % tileWidth;
    const number = (place - slot) / tileWidth;
    const before = slot === 0 ? new Uint8Array() : read(level, number);
    if (before?.length !== slot * hashBytes) throw corrupt();
    const tile = roomFor(before.length + hashBytes);
    tile.set(before);
    tile.set(hash, before.length);
    write(level, number, tile);
    if (slot < tileWidth - 1) return;
    hash = combined(tile, 0, tileWidth);
    place = number;
  }
}

/** Reads complete subtrees out of tiles. Throws STORED_DATA_CORRUPT where one is missing. */
export function nodesOf(read: TileReader): NodeReader {
  return (level, index) => {
    const above = level % stride;
    const count = 2 ** above;
    const first = index * count;
    const slot = first % tileWidth;
    const tile = read(level - above, (first - slot) / tileWidth);
    if (tile === undefined || tile.length < (slot + count) * hashBytes) throw corrupt();
    return combined(tile, slot, slot + count);
  };
}

/** Hash of the complete subtree over the hashes from `start` up to `end`. */
function combined(tile: Uint8Array, start: number, end: number): Uint8Array {
  if (end - start === 1) return tile.subarray(start * hashBytes, end * hashBytes);
  const middle = (start + end) / 2;
  return nodeHash(combined(tile, start, middle), combined(tile, middle, end));
}

function corrupt(): Error {
  return fail(Reason.STORED_DATA_CORRUPT);
}
