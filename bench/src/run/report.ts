/** Prints the results and writes them down. */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, release, totalmem, type } from "node:os";
import { dirname } from "node:path";
import { type Column, renderTable } from "../text/table.js";
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
  readonly secondsPerRound: number;
}

/** All that a run found out. */
export interface Report {
  readonly machine: Machine;
  readonly rows: readonly RowResult[];
  readonly ratios: readonly RatioResult[];
}

/** Describes this machine. */
export function describeMachine(pinned: boolean, rounds: number, secondsPerRound: number): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()}`,
    node: process.version,
    pinned,
    rounds,
    secondsPerRound,
  };
}

const rowColumns: readonly Column<RowResult>[] = [
  { title: "what", text: ({ name }) => name },
  { title: "protocol", text: ({ protocol }) => protocol },
  { title: "CPU µs/request", text: (row) => row.cpuMicrosPerRequest.toFixed(1), right: true },
  { title: "requests/s", text: (row) => String(row.requestsPerSecond), right: true },
  { title: "p50 ms", text: (row) => row.p50Ms.toFixed(2), right: true },
  { title: "p99 ms", text: (row) => row.p99Ms.toFixed(2), right: true },
];

const ratioColumns: readonly Column<RatioResult>[] = [
  { title: "peer's CPU / ours (larger is better)", text: ({ name }) => name },
  { title: "ratio", text: ({ value }) => value.toFixed(2), right: true },
  { title: "target", text: ({ target }) => (target === null ? "" : `≥ ${target.toFixed(2)}`), right: true },
  { title: "", text: ({ value, target }) => (target === null ? "" : value >= target ? "met" : "MISSED") },
];

/** The report as text for people. */
export function renderReport({ machine, rows, ratios }: Report): string {
  const { cpu, cores, memoryGiB, os, node, pinned, rounds, secondsPerRound } = machine;
  const where = `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${os}, Node ${node.slice(1)}; server and load ${pinned ? "on a core each" : "NOT pinned to cores"}`;
  const how = `medians of ${rounds} × ${secondsPerRound} s; gRPC and gRPC-Web: 8 connections × 8 streams, HTTP/1.1: 64 connections`;
  return [where, how, "", renderTable(rowColumns, rows), ...(ratios.length === 0 ? [] : ["", renderTable(ratioColumns, ratios)]), ""].join("\n");
}

/** Writes the report for programs to read. */
export async function writeReport(report: Report, file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}
