/** The order of measurements. */
import type { Catalogue, Comparison } from "./comparisons.js";
import type { Row } from "./rows.js";

/** Stretches that are measured one straight after the other, over connections that are open all along. */
export interface Block {
  /** What the stretches compare; undefined for a row by itself. */
  readonly comparison: Comparison | undefined;
  readonly stretches: readonly Row[];
}

/** Rounds in which a row by itself is measured: every second one. */
const aloneEvery = 2;

/**
 * The blocks of one round, counted from 1. A comparison is measured A B B A and the next time B A A B, so that whatever grows
 * slower or faster meanwhile favours nobody; every other round runs backwards. Blocks of which a round has several are spread.
 */
export function blocksOf({ rows, comparisons }: Catalogue, round: number): readonly Block[] {
  const alone = rows.filter((row) => !comparisons.some(({ ours, peer }) => row === ours || row === peer));
  const blocks: Block[] = round % aloneEvery === 1 ? alone.map((row) => ({ comparison: undefined, stretches: [row, row] })) : [];
  const passes = Math.max(1, ...comparisons.map(({ blocksPerRound }) => blocksPerRound));
  for (let pass = 0; pass < passes; pass++) {
    for (const comparison of comparisons) {
      const { ours, peer, blocksPerRound } = comparison;
      const due = blocksPerRound >= 1 ? pass < blocksPerRound : pass === 0 && (round - 1) % Math.round(1 / blocksPerRound) === 0;
      const turn = blocksPerRound >= 1 ? (round - 1) * blocksPerRound + pass : (round - 1) * blocksPerRound;
      if (due) blocks.push({ comparison, stretches: turn % 2 === 0 ? [ours, peer, peer, ours] : [peer, ours, ours, peer] });
    }
  }
  return round % 2 === 1 ? blocks : blocks.reverse();
}

/** Pairs of neighbouring stretches of a block, ours first. */
export function pairsOf<Measured>({ comparison, stretches }: Block, measured: readonly Measured[]): readonly { readonly ours: Measured; readonly peer: Measured }[] {
  if (comparison === undefined) return [];
  return Array.from({ length: stretches.length / 2 }, (_, pair) => {
    const [first, second] = [measured[2 * pair]!, measured[2 * pair + 1]!];
    return stretches[2 * pair] === comparison.ours ? { ours: first, peer: second } : { ours: second, peer: first };
  });
}
