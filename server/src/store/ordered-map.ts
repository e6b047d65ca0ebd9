/** A persistent map from byte keys to byte values in key order: every change makes a new one and shares what stayed. */

/** One node of a treap: a search tree by key, a heap by priority. */
interface Node {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly priority: number;
  readonly left: Tree;
  readonly right: Tree;
}

/** A map; undefined is the empty one. Never changes. */
export type Tree = Node | undefined;

/** The value of a key. */
export function find(tree: Tree, key: Uint8Array): Uint8Array | undefined {
  for (let node = tree; node !== undefined; ) {
    const order = Buffer.compare(key, node.key);
    if (order === 0) return node.value;
    node = order < 0 ? node.left : node.right;
  }
  return undefined;
}

/** The map with `key` set to `value`. `priority` is a fresh random number; it keeps the tree shallow. */
export function insert(tree: Tree, key: Uint8Array, value: Uint8Array, priority: number): Tree {
  const { left, right } = split(tree, key);
  return join(join(left, { key, value, priority, left: undefined, right: undefined }), right);
}

/** The map without `key`. */
export function remove(tree: Tree, key: Uint8Array): Tree {
  const { left, right } = split(tree, key);
  return join(left, right);
}

/** The entry with the lowest key at or above `bound` (above, if `exclusive`). */
export function ceiling(tree: Tree, bound: Uint8Array, exclusive: boolean): { key: Uint8Array; value: Uint8Array } | undefined {
  let best: Tree;
  for (let node = tree; node !== undefined; ) {
    const order = Buffer.compare(node.key, bound);
    if (order > 0 || (order === 0 && !exclusive)) {
      best = node;
      node = node.left;
    } else {
      node = node.right;
    }
  }
  return best;
}

/** The entry with the highest key below `bound`. */
export function below(tree: Tree, bound: Uint8Array): { key: Uint8Array; value: Uint8Array } | undefined {
  let best: Tree;
  for (let node = tree; node !== undefined; ) {
    if (Buffer.compare(node.key, bound) < 0) {
      best = node;
      node = node.right;
    } else {
      node = node.left;
    }
  }
  return best;
}

/** Keys below and above `key`; the key itself is left out. */
function split(tree: Tree, key: Uint8Array): { left: Tree; right: Tree } {
  if (tree === undefined) return { left: undefined, right: undefined };
  const order = Buffer.compare(tree.key, key);
  if (order === 0) return { left: tree.left, right: tree.right };
  if (order < 0) {
    const { left, right } = split(tree.right, key);
    return { left: { ...tree, right: left }, right };
  }
  const { left, right } = split(tree.left, key);
  return { left, right: { ...tree, left: right } };
}

/** One map of two, where every key of `left` is below every key of `right`. */
function join(left: Tree, right: Tree): Tree {
  if (left === undefined) return right;
  if (right === undefined) return left;
  return left.priority > right.priority ? { ...left, right: join(left.right, right) } : { ...right, left: join(left, right.left) };
}
