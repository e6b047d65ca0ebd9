/** `npm run bench -- --cpu-prof ROW`: profiles the server of one row under its load. */
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Profiler } from "node:inspector";
import { fileURLToPath } from "node:url";
import { coresOfMachine } from "../process/pin.js";
import { probe } from "../process/usage.js";
import type { Catalogue } from "../run/comparisons.js";
import { createMeter } from "../run/measure.js";
import type { BenchOptions } from "../run/options.js";
import { type Row, titleOf } from "../run/rows.js";
import { startServers } from "../run/servers.js";
import { type Column, renderTable } from "../text/table.js";
import { type FunctionShare, type PlaceShare, summarise } from "./summarise.js";
import { unjoin } from "./unjoin.js";

/** Stretches under which the profile is taken. */
const stretches = 10;
const functionsShown = 40;
const placesShown = 20;

const root = fileURLToPath(new URL("../../../", import.meta.url));

/**
 * The row that a text means: the one whose name and protocol it is, else the only one whose name and protocol hold it.
 * Otherwise all that it could mean.
 */
export function rowNamed(text: string, rows: readonly Row[]): Row | readonly Row[] {
  const wanted = text.toLowerCase();
  const named = ({ name, protocol }: Row): string => `${name} ${protocol}`.toLowerCase();
  const exact = rows.find((row) => named(row) === wanted);
  if (exact !== undefined) return exact;
  const found = rows.filter((row) => named(row).includes(wanted));
  return found.length === 1 ? found[0]! : found;
}

/** Profiles a row, prints its top functions and keeps the profile for Chrome's developer tools. Resolves to the exit code. */
export async function profileRow(text: string, catalogue: Catalogue, { warmUp, seconds, documents, out }: BenchOptions): Promise<number> {
  // What several processes serve is not in the profile of the first.
  const rows = catalogue.rows.filter(({ shape }) => shape.loads === 1);
  const found = rowNamed(text, rows);
  if (Array.isArray(found)) {
    const choice = (found.length === 0 ? rows : (found as readonly Row[])).map(({ name, protocol }) => `  ${name} ${protocol}\n`).join("");
    process.stderr.write(`--cpu-prof ${text}: ${found.length === 0 ? "no row has such a name" : "several rows have such a name"}:\n${choice}`);
    return 64;
  }
  const row = found as Row;
  const file = join(dirname(out), "profiles", `${row.name} ${row.protocol}`.toLowerCase().replace(/[^a-z0-9]+/g, "-").concat(".cpuprofile"));
  await mkdir(dirname(file), { recursive: true });
  const cores = coresOfMachine();
  const servers = await startServers(new Set([row.server]), { cores, documents, onProgress: (progress) => process.stdout.write(`${progress}\n`) });
  const meter = createMeter(servers, cores);
  try {
    const { child } = servers.of.get(row.server)!;
    await meter.measure({ rows: [row], warmUp, rounds: [], seconds });
    await probe(child, { probe: "profile-start" });
    const samples = await meter.measure({ rows: [row], warmUp: undefined, rounds: [Array.from({ length: stretches }, () => row)], seconds });
    await probe(child, { probe: "profile-stop", file });
    const requests = samples.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond * seconds, 0);
    process.stdout.write(`\n${titleOf(row)}, ${Math.round(requests)} requests\n`);
  } finally {
    await meter.close();
    await servers.close();
  }
  const { busyMs, idleMs, functions, places } = summarise(unjoin(JSON.parse(await readFile(file, "utf8")) as Profiler.Profile), root);
  const share = { title: "%", text: (of: { readonly share: number }) => (of.share * 100).toFixed(1), right: true };
  const functionColumns: readonly Column<FunctionShare>[] = [share, { title: "function", text: ({ name }) => name }, { title: "at", text: ({ at }) => at }];
  const placeColumns: readonly Column<PlaceShare>[] = [share, { title: "where", text: ({ place }) => place }];
  process.stdout.write(
    [
      `the main thread ran for ${(busyMs / 1000).toFixed(2)} s and was idle for ${(idleMs / 1000).toFixed(2)} s; parts of the former, by what ran itself:`,
      renderTable(functionColumns, functions.slice(0, functionsShown)),
      renderTable(placeColumns, places.slice(0, placesShown)),
      `the whole profile, for Chrome's developer tools: ${file}\n`,
    ].join("\n\n"),
  );
  return 0;
}
