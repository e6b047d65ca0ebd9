/** The order of measurements. */
import type { Catalogue, Comparison } from "./comparisons.js";
import type { Row } from "./rows.js";

/**
 * What is measured in one go: its servers are started for it and nobody else's, its connections stay open all along. So what a
 * server did for another row, or how long it stood idle, is in nobody's figures.
 */
export interface Sitting {
  /** What is compared; undefined for a row by itself. */
  readonly comparison: Comparison | undefined;
  /** The rows, each once. */
  readonly rows: readonly Row[];
  /** Stretches that are measured one straight after the other, round by round. */
  readonly rounds: readonly (readonly Row[])[];
}

/** Part of the rounds in which a row by itself is measured. */
const roundsAlone = 0.5;

/**
 * The sittings of a run of so many rounds. A comparison is measured A B B A and the next time B A A B, so that whatever grows
 * slower or faster meanwhile favours nobody.
 */
export function sittingsOf({ rows, comparisons }: Catalogue, rounds: number): readonly Sitting[] {
  const times = (part: number): number => Math.max(1, Math.round(rounds * part));
  const alone = rows.filter((row) => !comparisons.some(({ ours, peer }) => row === ours || row === peer));
  return [
    ...comparisons.flatMap((comparison): readonly Sitting[] => {
      const { ours, peer, blocksPerRound, sittings = 1 } = comparison;
      const blocks = Array.from({ length: times(blocksPerRound) }, (_, index) => (index % 2 === 0 ? [ours, peer, peer, ours] : [peer, ours, ours, peer]));
      const blocksEach = Math.ceil(blocks.length / Math.min(sittings, rounds));
      return Array.from({ length: Math.ceil(blocks.length / blocksEach) }, (_, sitting) => ({
        comparison,
        rows: [ours, peer],
        rounds: blocks.slice(sitting * blocksEach, (sitting + 1) * blocksEach),
      }));
    }),
    ...alone.map((row): Sitting => ({ comparison: undefined, rows: [row], rounds: Array.from({ length: times(roundsAlone) }, () => [row, row]) })),
  ];
}

/** Pairs of neighbouring stretches of a round, ours first. */
export function pairsOf<Measured>(comparison: Comparison, stretches: readonly Row[], measured: readonly Measured[]): readonly { readonly ours: Measured; readonly peer: Measured }[] {
  return Array.from({ length: stretches.length / 2 }, (_, pair) => {
    const [first, second] = [measured[2 * pair]!, measured[2 * pair + 1]!];
    return stretches[2 * pair] === comparison.ours ? { ours: first, peer: second } : { ours: second, peer: first };
  });
}
