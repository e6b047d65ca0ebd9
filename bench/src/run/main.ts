/** `npm run bench`: starts the servers, measures every comparison in turn, prints and writes the report. */
import { coresOfMachine } from "../process/pin.js";
import { type Catalogue, catalogueOf, select } from "./comparisons.js";
import { createMeter } from "./measure.js";
import { type BenchOptions, readOptions, usage } from "./options.js";
import { profileRow } from "../profile/profile-row.js";
import { describeMachine, renderReport, type Report, writeReport } from "./report.js";
import { type Pair, ratioResults, rowResult, type Sample } from "./results.js";
import { titleOf, type Row } from "./rows.js";
import { pairsOf, type Sitting, sittingsOf } from "./schedule.js";
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
  const catalogue = catalogueOf(options.documents);
  try {
    return options.cpuProfile === undefined ? await bench(options, catalogue) : await profileRow(options.cpuProfile, catalogue, options);
  } catch (error) {
    process.stderr.write(`bench: ${messageOf(error as Error)}\n`);
    return 1;
  }
}

async function bench(options: BenchOptions, catalogue: Catalogue): Promise<number> {
  const selected = select(catalogue, options.only);
  if (selected.rows.length === 0) {
    process.stderr.write(`--only ${options.only.join(" ")}: no row and no comparison has such a name\n`);
    return 64;
  }
  const report = await measure(options, selected);
  process.stdout.write(`\n${renderReport(report)}`);
  const files = await writeReport(report, options.out);
  process.stdout.write(`written to ${files.join(" and ")}\n`);
  return 0;
}

async function measure({ rounds, seconds, warmUp, documents }: BenchOptions, selected: Catalogue): Promise<Report> {
  const { rows, comparisons } = selected;
  const startedMs = performance.now();
  const say = (text: string): void => {
    process.stdout.write(`${((performance.now() - startedMs) / 1000).toFixed(0).padStart(4)} s  ${text}\n`);
  };
  const cores = coresOfMachine();
  const machine = describeMachine(cores.server !== undefined, rounds, seconds);
  const sittings = sittingsOf(selected, rounds);
  const stretches = sittings.reduce((sum, sitting) => sum + sitting.rounds.flat().length, 0);
  say(`${rows.length} rows, ${comparisons.length} comparisons; ${rounds} rounds, ${stretches} stretches of ${seconds} s`);
  if (machine.loadAverage > loadAverageQuiet) say(`the machine is busy, at a load average of ${machine.loadAverage}: figures will be far apart`);
  const samples = new Map<Row, Sample[]>(rows.map((row) => [row, []]));
  const pairs = new Map<Sitting["comparison"], Pair[]>(comparisons.map((comparison) => [comparison, []]));
  for (const [index, { comparison, ...course }] of sittings.entries()) {
    const servers = await startServers(new Set(course.rows.map(({ server }) => server)), { cores, documents, onProgress: say });
    const meter = createMeter(servers, cores);
    try {
      await meter.measure({
        ...course,
        warmUp,
        seconds,
        onRound(stretchesOfRound, measured) {
          for (const [stretch, row] of stretchesOfRound.entries()) samples.get(row)!.push(measured[stretch]!);
          if (comparison !== undefined) pairs.get(comparison)!.push(...pairsOf(comparison, stretchesOfRound, measured));
        },
      });
    } finally {
      await meter.close();
      await servers.close();
    }
    say(`${index + 1} of ${sittings.length}: ${outcomeOf(comparison, course.rows, pairs.get(comparison) ?? [], samples)}`);
  }
  return {
    machine,
    rows: rows.map((row) => rowResult(row, samples.get(row)!)),
    ratios: comparisons.flatMap((comparison) => ratioResults(comparison, pairs.get(comparison)!)),
  };
}

/** What went wrong, and why where the message alone does not tell. */
function messageOf({ message, cause }: Error): string {
  return cause instanceof Error && !message.includes(cause.message) ? `${message}: ${messageOf(cause)}` : message;
}

/** A load average up to which a machine counts as idle. */
const loadAverageQuiet = 0.5;

/** A sitting in one line. */
function outcomeOf(comparison: Sitting["comparison"], [row]: readonly Row[], pairs: readonly Pair[], samples: ReadonlyMap<Row, readonly Sample[]>): string {
  if (comparison === undefined) return `${titleOf(row!)}: ${rowResult(row!, samples.get(row!)!).cpuMicrosPerRequest} µs CPU`;
  return ratioResults(comparison, pairs).map(({ name, value }) => `${name}: ${value.toFixed(2)}`).join("; ");
}
