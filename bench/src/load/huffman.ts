/** Reads the Huffman strings of HPACK, as far as printable ASCII goes (RFC 7541 appendix B). */

/**
 * The code is canonical: sorted by length, then by symbol, each code is its predecessor plus one. So the lengths are
 * the table. Symbols outside printable ASCII have codes of 19 bits and more; no server measured here sends them.
 */
const symbolsByLength: readonly (readonly [bits: number, symbols: string])[] = [
  [5, "012aceiost"],
  [6, " %-./3456789=A_bdfghlmnpru"],
  [7, ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"],
  [8, "&*,;XZ"],
  [10, '!"()?'],
  [11, "'+|"],
  [12, "#>"],
  [13, "\0$@[]~"],
  [14, "^}"],
  [15, "<`{"],
];

/** Two children per node; a leaf is the symbol's code unit as a negative number minus one. */
const tree: number[] = [0, 0];

let code = 0;
let previousBits = 5;
for (const [bits, symbols] of symbolsByLength) {
  code <<= bits - previousBits;
  previousBits = bits;
  for (const symbol of symbols) plant(code++, bits, -1 - symbol.charCodeAt(0));
}

function plant(symbolCode: number, bits: number, leaf: number): void {
  let node = 0;
  for (let shift = bits - 1; shift > 0; shift--) {
    const slot = node + ((symbolCode >> shift) & 1);
    if (tree[slot] === 0) tree[slot] = tree.push(0, 0) - 2;
    node = tree[slot]!;
  }
  tree[node + (symbolCode & 1)] = leaf;
}

/**
 * The text of a Huffman string.
 *
 * @throws Error for symbols outside printable ASCII.
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  let node = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    for (let shift = 7; shift >= 0; shift--) {
      const next = tree[node + ((byte >> shift) & 1)]!;
      if (next < 0) {
        text += String.fromCharCode(-1 - next);
        node = 0;
      } else {
        if (next === 0) throw new Error("a header holds a character outside printable ASCII");
        node = next;
      }
    }
  }
  return text;
}
