// Puts random requests to the OpenAPI document and to the server, many of them, and prints where they differ: fuzz-schema.mjs [requests] [seed].

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const [requests = "10000", seed = String(Date.now() % 2 ** 31)] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "parapet-fuzz-"));
const report = join(folder, "report.json");
try {
  const { status } = spawnSync(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), "run", "tests/schema-agreement.test.ts", "-t", "^of "], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, FUZZ_REQUESTS: requests, FUZZ_SEED: seed, FUZZ_REPORT: report },
  });
  const tallies = JSON.parse(readFileSync(report, "utf8"));
  const widest = Math.max(...tallies.map(({ operation }) => operation.length));
  for (const { operation, part, requests: tried, accepted, known, disagreements } of tallies) {
    const differences = Object.entries(known).map(([reason, count]) => `${reason} ${count}`);
    console.log(`${operation.padEnd(widest)} ${part.padEnd(5)} ${String(tried).padStart(6)} tried, ${String(accepted).padStart(6)} taken, ${disagreements.length} disagreed; known: ${differences.join(", ") || "none"}`);
  }
  const sum = (of) => tallies.reduce((total, tally) => total + of(tally), 0);
  console.log(`\n${sum((tally) => tally.requests)} requests of ${tallies.length} kinds, seed ${seed}: ${sum((tally) => tally.disagreements.length)} disagreements`);
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
