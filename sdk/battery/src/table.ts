/** The table of verdicts as Markdown. */
import type { Scenario, Verdict } from "./scenarios.js";

/** One client's verdicts, by the id of the scenario. */
export interface Row {
  readonly name: string;
  readonly verdicts: Readonly<Record<string, Verdict>>;
}

/** Prints clients as rows, scenarios as columns and what is wanted as the last row; a cell that is not as wanted has a cross. */
export function formatTable(scenarios: readonly Scenario[], rows: readonly Row[]): string {
  const lines = [
    ["client", ...scenarios.map(({ title }) => title)],
    ["---", ...scenarios.map(() => "---")],
    ...rows.map(({ name, verdicts }) => [name, ...scenarios.map(({ id }) => cell(verdicts[id]))]),
    ["**target**", ...scenarios.map(({ target }) => target)],
  ];
  return lines.map((line) => `| ${line.join(" | ")} |\n`).join("");
}

function cell(verdict: Verdict | undefined): string {
  return verdict ? `${verdict.good ? "✓" : "✗"} ${verdict.text}` : "–";
}
