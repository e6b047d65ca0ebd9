/** Draws the ratios against their targets as SVG. */
import type { Report } from "./report.js";
import type { RatioResult } from "./results.js";

/** A ratio that has a target. */
interface Aimed extends RatioResult {
  readonly target: number;
}

// All lengths are in pixels.
const margin = 24;
const labelWidth = 420;
const barsWidth = 330;
const figuresWidth = 190;
const width = margin + labelWidth + barsWidth + figuresWidth + margin;
const headHeight = 92;
const lineHeight = 30;
const barHeight = 14;
const footHeight = 56;

/** The axis ends where the best ratio does, but between these parts of a target. */
const axisMin = 1.5;
const axisMax = 3;
const tickStep = 0.5;

/** Colours for light surroundings and for dark ones; what is missed differs in its text as well. */
const style = `
  svg { color-scheme: light dark; }
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .quiet { fill: #59636e; font-size: 12px; }
  .ground { fill: #ffffff; stroke: #d1d9e0; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .goal { stroke: #1f2328; stroke-width: 2; }
  .met { fill: #2f6fbf; }
  .missed { fill: #c4581a; }
  text.missed { font-weight: 600; }
  .spread { stroke: #1f2328; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .quiet { fill: #9198a1; }
    .ground { fill: #0d1117; stroke: #3d444d; }
    .grid { stroke: #3d444d; }
    .goal { stroke: #f0f6fc; }
    .met { fill: #4d94e6; }
    .missed { fill: #f0883e; }
    .spread { stroke: #f0f6fc; }
  }
`;

/** The chart of a report; undefined if none of its ratios has a target. */
export function renderChart({ machine, ratios }: Report): string | undefined {
  const aimed = ratios.filter((ratio): ratio is Aimed => ratio.target !== null);
  if (aimed.length === 0) return undefined;
  const axisEnd = axisEndOf(aimed);
  const x = (part: number): number => margin + labelWidth + (Math.min(Math.max(part, 0), axisEnd) / axisEnd) * barsWidth;
  const bottom = headHeight + aimed.length * lineHeight;
  const height = bottom + footHeight;
  const met = aimed.filter(isMet).length;
  const summary = `${met} of ${aimed.length} targets are met`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title summary">`,
    `<title id="title">Ratios of the bench against their targets</title>`,
    `<desc id="summary">${summary}</desc>`,
    `<style>${style}</style>`,
    `<rect class="ground" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    text(margin, 34, "Ratios of the bench, as parts of their targets", "title"),
    text(margin, 56, `${summary}. A bar that reaches the line meets its target; the thin line across its end holds half of the pairs.`, "quiet"),
    ...ticks(axisEnd).flatMap((tick) => [
      `<line class="${tick === 1 ? "goal" : "grid"}" x1="${px(x(tick))}" x2="${px(x(tick))}" y1="${headHeight - 6}" y2="${bottom}"/>`,
      text(x(tick), headHeight - 12, tick === 1 ? "target" : String(tick), "quiet", "middle"),
    ]),
    ...aimed.flatMap((ratio, index) => line(ratio, headHeight + index * lineHeight, x)),
    text(margin, bottom + 32, `${machine.cpu}, ${machine.cores} cores, ${machine.os}, Node ${machine.node.slice(1)}; medians over ${machine.rounds} rounds`, "quiet"),
    "</svg>",
    "",
  ].join("\n");
}

function line(ratio: Aimed, top: number, x: (part: number) => number): readonly string[] {
  const { name, value, target, low, high } = ratio;
  const state = isMet(ratio) ? "met" : "missed";
  const middle = top + lineHeight / 2;
  const baseline = middle + 4.5;
  const end = x(value / target);
  return [
    text(margin, baseline, name),
    `<rect class="${state}" x="${px(x(0))}" y="${px(middle - barHeight / 2)}" width="${px(end - x(0))}" height="${barHeight}" rx="2"/>`,
    `<line class="spread" x1="${px(x(low / target))}" x2="${px(x(high / target))}" y1="${px(middle)}" y2="${px(middle)}"/>`,
    text(margin + labelWidth + barsWidth + 12, baseline, `${value.toFixed(2)} (≥ ${target.toFixed(2)}) ${state}`, state === "missed" ? "missed" : undefined),
  ];
}

function isMet({ value, target }: Aimed): boolean {
  return value >= target;
}

function axisEndOf(aimed: readonly Aimed[]): number {
  const best = Math.max(...aimed.map(({ value, high, target }) => Math.max(value, high) / target));
  return Math.min(axisMax, Math.max(axisMin, Math.ceil(best / tickStep) * tickStep));
}

function ticks(end: number): readonly number[] {
  return Array.from({ length: Math.floor(end / tickStep) + 1 }, (_, index) => index * tickStep);
}

function text(x: number, y: number, content: string, className?: string, anchor?: "middle"): string {
  const attributes = [className === undefined ? "" : ` class="${className}"`, anchor === undefined ? "" : ` text-anchor="${anchor}"`].join("");
  return `<text x="${px(x)}" y="${px(y)}"${attributes}>${escaped(content)}</text>`;
}

function px(value: number): string {
  return String(Number(value.toFixed(1)));
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
