/** What is compared is measured back to back, in turn first and second. */
import { describe, expect, it } from "vitest";
import { type Catalogue, catalogueOf, type Comparison } from "./comparisons.js";
import { row } from "./rows.js";
import { blocksOf, pairsOf } from "./schedule.js";

const a = row("a", "parapet", "get", "grpc");
const b = row("b", "grpc-js", "get", "grpc");
const alone = row("alone", "parapet", "add", "rest");

function catalogue(blocksPerRound: number): Catalogue & { readonly comparison: Comparison } {
  const comparison = { ours: a, peer: b, blocksPerRound, ratios: [] };
  return { rows: [a, b, alone], comparisons: [comparison], comparison };
}

/** The stretches of the comparison in some rounds, as letters. */
function letters(blocksPerRound: number, rounds: number): string[] {
  const { comparison, ...all } = catalogue(blocksPerRound);
  return Array.from({ length: rounds }, (_, round) => {
    const blocks = blocksOf({ ...all, comparisons: [comparison] }, round + 1).filter((block) => block.comparison === comparison);
    return blocks.map(({ stretches }) => stretches.map(({ name }) => name).join("")).join(" ");
  });
}

describe("the schedule", () => {
  it("measures a comparison once first and once second, and swaps that every time", () => {
    expect(letters(1, 3)).toEqual(["abba", "baab", "abba"]);
  });

  it("repeats a comparison with a tight target within a round, as often either way", () => {
    expect(letters(4, 1)).toEqual(["abba baab abba baab"]);
    expect(letters(3, 2).join(" ").split(" ").filter((block) => block === "abba")).toHaveLength(3);
  });

  it("measures every other round what has no target, and swaps that too", () => {
    expect(letters(0.5, 5)).toEqual(["abba", "", "baab", "", "abba"]);
  });

  it("measures rows without a comparison by themselves, every other round", () => {
    const all = catalogue(1);
    const byThemselves = (round: number): number => blocksOf(all, round).filter(({ stretches }) => stretches.includes(alone)).length;
    expect([1, 2, 3].map(byThemselves)).toEqual([1, 0, 1]);
  });

  it("measures everything in the first round, whatever is selected", () => {
    const all = catalogueOf(2_000);
    expect(new Set(blocksOf(all, 1).flatMap(({ stretches }) => stretches))).toEqual(new Set(all.rows));
    expect(new Set(blocksOf(all, 1).map(({ comparison }) => comparison).filter((comparison) => comparison !== undefined))).toEqual(new Set(all.comparisons));
    expect(blocksOf({ rows: [a], comparisons: [] }, 1)).toHaveLength(1);
  });

  it("runs every other round backwards", () => {
    const all = { rows: [a, b], comparisons: [catalogue(1).comparison, { ours: b, peer: a, blocksPerRound: 1, ratios: [] }] };
    expect(blocksOf(all, 1).map(({ comparison }) => comparison)).toEqual(all.comparisons);
    expect(blocksOf(all, 2).map(({ comparison }) => comparison)).toEqual([...all.comparisons].reverse());
  });
});

describe("pairs", () => {
  it("are neighbours, ours first whichever was measured first", () => {
    const { comparison } = catalogue(1);
    expect(pairsOf({ comparison, stretches: [a, b, b, a] }, [1, 2, 3, 4])).toEqual([{ ours: 1, peer: 2 }, { ours: 4, peer: 3 }]);
    expect(pairsOf({ comparison, stretches: [b, a, a, b] }, [1, 2, 3, 4])).toEqual([{ ours: 2, peer: 1 }, { ours: 3, peer: 4 }]);
  });

  it("are none for a row by itself", () => expect(pairsOf({ comparison: undefined, stretches: [a, a] }, [1, 2])).toEqual([]));
});
