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
    ...comparisons.map((comparison): Sitting => {
      const { ours, peer, blocksPerRound } = comparison;
      const block = (_: unknown, index: number): readonly Row[] => (index % 2 === 0 ? [ours, peer, peer, ours] : [peer, ours, ours, peer]);
      return { comparison, rows: [ours, peer], rounds: Array.from({ length: times(blocksPerRound) }, block) };
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
