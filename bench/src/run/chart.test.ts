/** The chart shows every ratio that has a target, as far as it reaches. */
import { describe, expect, it } from "vitest";
import { renderChart } from "./chart.js";
import type { Report } from "./report.js";
import type { RatioResult } from "./results.js";

function ratio(name: string, value: number, target: number | null): RatioResult {
  return { name, value, target, of: "cpu", low: value * 0.9, high: value * 1.1, pairs: 24 };
}

function chartOf(...ratios: RatioResult[]): string {
  const machine = { cpu: "A <CPU>", cores: 2, memoryGiB: 24, os: "Linux 6", node: "v20.0.0", pinned: true, rounds: 12, secondsPerStretch: 0.3, loadAverage: 0.1 };
  return renderChart({ machine, rows: [], ratios } satisfies Report) ?? "";
}

/** Widths of the bars and where the target is, in pixels from where bars begin. */
function drawn(svg: string): { bars: number[]; goal: number } {
  const bars = Array.from(svg.matchAll(/<rect class="(?:met|missed)" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g), (match) => ({ x: Number(match[1]), width: Number(match[2]) }));
  return { bars: bars.map(({ width }) => width), goal: Number(/<line class="goal" x1="([\d.]+)"/.exec(svg)![1]) - bars[0]!.x };
}

describe("the chart", () => {
  it("draws bars as parts of their targets", () => {
    const { bars, goal } = drawn(chartOf(ratio("just", 3.5, 3.5), ratio("half", 0.45, 0.9), ratio("more", 1.5, 1.2)));
    expect(bars[0]).toBeCloseTo(goal, 0);
    expect(bars[1]).toBeCloseTo(goal / 2, 0);
    expect(bars[2]).toBeCloseTo(goal * 1.25, 0);
  });

  it("says in words what is met and what is missed", () => {
    const svg = chartOf(ratio("good", 1, 1), ratio("bad", 0.99, 1));
    expect(svg).toContain(">1.00 (≥ 1.00) met<");
    expect(svg).toContain(">0.99 (≥ 1.00) missed<");
    expect(svg).toContain("1 of 2 targets are met");
  });

  it("cuts a bar off where the axis ends", () => {
    const { bars, goal } = drawn(chartOf(ratio("far", 100, 1), ratio("near", 1, 1)));
    expect(bars[0]).toBeCloseTo(goal * 3, 0);
  });

  it("leaves out what has no target, and is none without any", () => {
    expect(chartOf(ratio("aimed", 1, 1), ratio("only reported", 1, null))).not.toContain("only reported");
    expect(chartOf(ratio("only reported", 1, null))).toBe("");
  });

  it("escapes what names hold", () => {
    const svg = chartOf(ratio("a & b", 1, 1));
    expect(svg).toContain("a &amp; b");
    expect(svg).toContain("A &lt;CPU&gt;");
  });
});
