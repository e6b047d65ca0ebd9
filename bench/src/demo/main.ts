/** `npm run demo`: a server on a fresh store, real documents, four protocols, refusals, the audit trail and the conformance suite. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type ParapetServer, startParapet } from "../process/parapet.js";
import { renderTable } from "../text/table.js";
import { ClaimError } from "./claims.js";
import { readCorpus } from "./corpus.js";
import { createProgress } from "./progress.js";
import { openWorld } from "./open-world.js";
import { readTrail } from "./steps/audit.js";
import { runConformance } from "./steps/conform.js";
import { importCorpus } from "./steps/import.js";
import { getAll, searchAll } from "./steps/read.js";
import { refuseAlike } from "./steps/refuse.js";
import type { StepResult } from "./world.js";

const usage = `npm run demo [-- --once]

  --once    end after the table; otherwise the server stays up until Ctrl-C
`;

const nodeModules = fileURLToPath(new URL("../../../node_modules", import.meta.url));

/** Runs the demo. Resolves to the exit code: 0 if every claim held, 1 if one did not, 64 for a wrong command line. */
export async function main(argv: readonly string[]): Promise<number> {
  let once: boolean;
  try {
    const { values } = parseArgs({ args: [...argv], options: { once: { type: "boolean" }, help: { type: "boolean", short: "h" } } });
    if (values.help) {
      process.stdout.write(usage);
      return 0;
    }
    once = values.once ?? false;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}`);
    return 64;
  }
  const stopped = stopSignal();
  let server: ParapetServer | undefined;
  try {
    server = await startParapet();
    say(`server: ${server.url}, on a fresh LMDB directory`);
    const results = await Promise.race([play(server), stopped.then(() => undefined)]);
    if (results === undefined) return 1;
    say(`\n${renderTable(columns, results)}\n\nEverything held.`);
    if (!once) await stayUp(server, stopped);
    return 0;
  } catch (error) {
    const text = error instanceof ClaimError ? `this did not hold: ${error.message}` : ((error as Error).stack ?? String(error));
    process.stderr.write(`\ndemo: ${text}\n`);
    return 1;
  } finally {
    await server?.close();
  }
}

async function play(server: ParapetServer): Promise<readonly StepResult[]> {
  const documents = await readCorpus(nodeModules);
  say(`corpus: ${documents.length} README files of the installed packages, ${kilobytes(documents)} kB`);
  const world = await openWorld({ server, documents, say, progress: (label, total) => createProgress(process.stdout, label, total) });
  const results: StepResult[] = [];
  results.push(...(await importCorpus(world)));
  results.push(...(await getAll(world)));
  results.push(...(await searchAll(world)));
  const refusals = await refuseAlike(world);
  results.push(...refusals.results);
  results.push(...(await readTrail(world, refusals)));
  await world.close();
  say("\nconformance, smoke profile:");
  results.push(...(await runConformance(world)));
  return results;
}

const columns = [
  { title: "what ran", text: ({ what }: StepResult) => what },
  { title: "protocol", text: ({ protocol }: StepResult) => protocol },
  { title: "calls", text: ({ count }: StepResult) => String(count), right: true },
  { title: "seconds", text: ({ seconds }: StepResult) => seconds.toFixed(2), right: true },
  { title: "per second", text: ({ count, seconds }: StepResult) => (count / seconds).toFixed(0), right: true },
];

/** Says where the server is, and waits to be stopped. */
async function stayUp(server: ParapetServer, stopped: Promise<void>): Promise<void> {
  const passwordFile = join(server.directory, "admin-password");
  await writeFile(passwordFile, `${server.adminPassword}\n`, { mode: 0o600, flag: "wx" });
  say(`\nThe server stays up until Ctrl-C.\n  URL       ${server.url}\n  user      ${server.adminUser}\n  password  in ${passwordFile}`);
  await stopped;
}

/** Resolves at the first signal to stop. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
  });
}

function kilobytes(documents: readonly { contentMd: string }[]): string {
  return (documents.reduce((sum, { contentMd }) => sum + Buffer.byteLength(contentMd), 0) / 1000).toFixed(0);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
