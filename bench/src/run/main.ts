/** `npm run bench`: starts the servers, measures every row in turn, prints and writes the report. */
import { cpus } from "node:os";
import { canPin } from "../process/child.js";
import { createMeter } from "./measure.js";
import { type BenchOptions, readOptions, usage } from "./options.js";
import { describeMachine, renderReport, type Report, writeReport } from "./report.js";
import { ratioResults, rowResult, type Sample } from "./results.js";
import { type Row, scheduleOf, selectRows } from "./rows.js";
import { startServers } from "./servers.js";

/** Runs the bench. Resolves to the exit code: 0 if every answer was right, 1 if not, 64 for a wrong command line. */
export async function main(argv: readonly string[]): Promise<number> {
  let options: BenchOptions | "help";
  try {
    options = readOptions(argv);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}`);
    return 64;
  }
  if (options === "help") {
    process.stdout.write(usage);
    return 0;
  }
  const rows = selectRows(options.only);
  if (rows.length === 0) {
    process.stderr.write(`--only ${options.only.join(" ")}: no row has such a name\n`);
    return 64;
  }
  try {
    const report = await run(options, rows);
    process.stdout.write(`\n${renderReport(report)}`);
    await writeReport(report, options.out);
    process.stdout.write(`written to ${options.out}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n`);
    return 1;
  }
}

async function run({ rounds, seconds, warmUp }: BenchOptions, rows: readonly Row[]): Promise<Report> {
  const pinned = cpus().length > 1 && canPin();
  const plannedSeconds = scheduleOf(rows, 1).length * rounds * seconds + rows.length * warmUp.seconds * 2;
  process.stdout.write(`${rows.length} rows, ${rounds} rounds of ${seconds} s, about ${Math.ceil(plannedSeconds / 60)} min\n`);
  const servers = await startServers(new Set(rows.map(({ server }) => server)), pinned ? 0 : undefined);
  const meter = createMeter(servers, pinned ? 1 : undefined);
  const samples = new Map<Row, Sample[]>(rows.map((row) => [row, []]));
  try {
    for (const row of rows) await meter.warmUp(row, warmUp);
    for (let round = 1; round <= rounds; round++) {
      for (const row of scheduleOf(rows, round)) {
        const sample = await meter.measure(row, seconds);
        samples.get(row)!.push(sample);
        process.stdout.write(`round ${round}/${rounds}  ${row.name} over ${row.protocol}: ${sample.cpuMicrosPerRequest.toFixed(1)} µs CPU, ${sample.requestsPerSecond.toFixed(0)} requests/s\n`);
      }
    }
  } finally {
    await meter.close();
    await servers.close();
  }
  return {
    machine: describeMachine(pinned, rounds, seconds),
    rows: rows.map((row) => rowResult(row, samples.get(row)!)),
    ratios: ratioResults(samples),
  };
}
