/** What is compared is measured back to back, in turn first and second. */
import { describe, expect, it } from "vitest";
import { type Catalogue, catalogueOf, type Comparison } from "./comparisons.js";
import { row } from "./rows.js";
import { pairsOf, sittingsOf } from "./schedule.js";

const a = row("a", "parapet", "get", "grpc");
const b = row("b", "grpc-js", "get", "grpc");
const alone = row("alone", "parapet", "add", "rest");

function catalogue(blocksPerRound: number): Catalogue & { readonly comparison: Comparison } {
  const comparison = { ours: a, peer: b, blocksPerRound, ratios: [] };
  return { rows: [a, b, alone], comparisons: [comparison], comparison };
}

/** The stretches of the comparison in some rounds, as letters. */
function letters(blocksPerRound: number, rounds: number): string {
  const sitting = sittingsOf(catalogue(blocksPerRound), rounds).find(({ comparison }) => comparison !== undefined)!;
  return sitting.rounds.map((stretches) => stretches.map(({ name }) => name).join("")).join(" ");
}

describe("the schedule", () => {
  it("measures a comparison once first and once second, and swaps that every time", () => expect(letters(1, 3)).toBe("abba baab abba"));

  it("repeats a comparison with a tight target within a round, as often either way", () => {
    expect(letters(4, 1)).toBe("abba baab abba baab");
    expect(letters(3, 2).split(" ").filter((block) => block === "abba")).toHaveLength(3);
  });

  it("measures half as often what has no target, but at least once", () => {
    expect(letters(0.5, 4)).toBe("abba baab");
    expect(letters(0.5, 1)).toBe("abba");
  });

  it("shares the rounds of a comparison among several sittings where it says so", () => {
    const { comparison, ...all } = catalogue(4);
    const shared = (rounds: number): string[] => {
      const sittings = sittingsOf({ ...all, comparisons: [{ ...comparison, sittings: 2 }] }, rounds).filter((sitting) => sitting.comparison !== undefined);
      return sittings.map((sitting) => sitting.rounds.map((stretches) => stretches.map(({ name }) => name).join("")).join(" "));
    };
    expect(shared(2)).toEqual(["abba baab abba baab", "abba baab abba baab"]);
    expect(shared(1)).toEqual(["abba baab abba baab"]);
    expect(shared(3)).toHaveLength(2);
  });

  it("measures rows without a comparison by themselves, half as often", () => {
    const [first, second, ...more] = sittingsOf(catalogue(1), 4);
    expect(first).toMatchObject({ rows: [a, b] });
    expect(second).toEqual({ comparison: undefined, rows: [alone], rounds: [[alone, alone], [alone, alone]] });
    expect(more).toEqual([]);
  });

  it("measures everything, whatever is selected", () => {
    const all = catalogueOf(2_000);
    const sittings = sittingsOf(all, 1);
    expect(new Set(sittings.flatMap(({ rounds }) => rounds.flat()))).toEqual(new Set(all.rows));
    expect([...new Set(sittings.map(({ comparison }) => comparison))].filter((comparison) => comparison !== undefined)).toEqual(all.comparisons);
    for (const { rows, rounds } of sittings) expect(new Set(rounds.flat())).toEqual(new Set(rows));
    expect(sittingsOf({ rows: [a], comparisons: [] }, 1)).toHaveLength(1);
  });
});

describe("pairs", () => {
  it("are neighbours, ours first whichever was measured first", () => {
    const { comparison } = catalogue(1);
    expect(pairsOf(comparison, [a, b, b, a], [1, 2, 3, 4])).toEqual([{ ours: 1, peer: 2 }, { ours: 4, peer: 3 }]);
    expect(pairsOf(comparison, [b, a, a, b], [1, 2, 3, 4])).toEqual([{ ours: 2, peer: 1 }, { ours: 3, peer: 4 }]);
  });
});
