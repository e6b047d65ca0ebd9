/** Random numbers that a printed seed repeats (SU-11). */

/** A stream of random numbers. */
export interface Random {
  /** A whole number from 0 to `below` - 1. */
  below(below: number): number;
  /** Lower-case letters and digits, the first one a letter. */
  word(length: number): string;
}

const letters = "abcdefghijklmnopqrstuvwxyz";
const symbols = `${letters}0123456789`;

/** Creates a stream from a seed of 32 bits (splitmix32). Never for secrets that matter. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  const below = (limit: number): number => Math.floor((next() / 0x1_0000_0000) * limit);
  return {
    below,
    word: (length) => Array.from({ length }, (_, index) => (index === 0 ? letters[below(letters.length)] : symbols[below(symbols.length)])).join(""),
  };
}
