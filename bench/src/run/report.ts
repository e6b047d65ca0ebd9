/** Prints the results and writes them down. */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { dirname, join } from "node:path";
import { type Column, renderTable } from "../text/table.js";
import { renderChart } from "./chart.js";
import type { RatioResult, RowResult } from "./results.js";

/** What the figures were taken on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly os: string;
  readonly node: string;
  /** True where server and load had a core each. */
  readonly pinned: boolean;
  readonly rounds: number;
  readonly secondsPerStretch: number;
  /** Processes that wanted to run in the minute before, on average: what others do on the machine widens every spread. */
  readonly loadAverage: number;
}

/** All that a run found out. */
export interface Report {
  readonly machine: Machine;
  readonly rows: readonly RowResult[];
  readonly ratios: readonly RatioResult[];
}

/** Describes this machine; to be called before the run puts load on it. */
export function describeMachine(pinned: boolean, rounds: number, secondsPerStretch: number): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()}`,
    node: process.version,
    pinned,
    rounds,
    secondsPerStretch,
    loadAverage: Number(loadavg()[0]!.toFixed(1)),
  };
}

const rowColumns: readonly Column<RowResult>[] = [
  { title: "what", text: ({ name }) => name },
  { title: "protocol", text: ({ protocol }) => protocol },
  { title: "open", text: ({ connections, streams }) => `${connections} × ${streams}`, right: true },
  { title: "CPU µs/request", text: (row) => row.cpuMicrosPerRequest.toFixed(1), right: true },
  { title: "requests/s", text: (row) => String(row.requestsPerSecond), right: true },
  { title: "p50 ms", text: (row) => row.p50Ms.toFixed(2), right: true },
  { title: "p99 ms", text: (row) => row.p99Ms.toFixed(2), right: true },
  { title: "peak MiB", text: (row) => String(row.rssPeakMiB), right: true },
];

const ratioColumns: readonly Column<RatioResult>[] = [
  { title: "against (larger is better)", text: ({ name }) => name },
  { title: "ratio", text: ({ value }) => value.toFixed(2), right: true },
  { title: "half of the pairs", text: ({ low, high, pairs }) => `${low.toFixed(2)} – ${high.toFixed(2)} of ${pairs}`, right: true },
  { title: "target", text: ({ target }) => (target === null ? "" : `≥ ${target.toFixed(2)}`), right: true },
  { title: "", text: ({ value, target }) => (target === null ? "" : value >= target ? "met" : "MISSED") },
];

/** The report as text for people. */
export function renderReport({ machine, rows, ratios }: Report): string {
  const { cpu, cores, memoryGiB, os, node, pinned, rounds, secondsPerStretch, loadAverage } = machine;
  const where = `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${os}, Node ${node.slice(1)}; server and load ${pinned ? "on a core each" : "NOT pinned to cores"}`;
  const how = `medians over ${rounds} rounds, stretches of ${secondsPerStretch} s; load average ahead of the run ${loadAverage}; open: connections × requests on each`;
  return [where, how, "", renderTable(rowColumns, rows), ...(ratios.length === 0 ? [] : ["", renderTable(ratioColumns, ratios)]), ""].join("\n");
}

/** Writes the report for programs to read, and beside it the chart of its ratios, where it has some with a target. Returns the names of both. */
export async function writeReport(report: Report, file: string): Promise<readonly string[]> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
  const chart = renderChart(report);
  if (chart === undefined) return [file];
  const chartFile = join(dirname(file), "ratios.svg");
  await writeFile(chartFile, chart);
  return [file, chartFile];
}
