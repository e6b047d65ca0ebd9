/** Step: runs the smoke profile of the conformance suite against the server, as anybody would from the command line. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { claim } from "../claims.js";
import type { Progress } from "../progress.js";
import { secondsOf, type StepResult, type World } from "../world.js";

const cli = fileURLToPath(new URL("../../../../conformance/bin/parapet-conformance.js", import.meta.url));

/** One line of the suite's report; the last one holds a summary instead. */
interface CheckLine {
  readonly id?: string;
  readonly protocol?: string;
  readonly outcome?: string;
  readonly detail?: string;
}

/** Outcomes that a run without a fault may have beside PASS; they never stand for one. */
const harmless = new Set(["WARN", "NOT-TESTABLE", "NOT-CLAIMED", "INCONCLUSIVE"]);

/** A line of the suite's progress: so many of so many properties are checked. */
const checked = /^\[(\d+)\/(\d+)\] (.*)$/;

/** Runs it. */
export async function runConformance({ server, say, progress }: World): Promise<readonly StepResult[]> {
  const report = join(server.directory, "conformance.jsonl");
  const child = spawn(process.execPath, [cli, "run", "--target", server.url, "--admin-user", server.adminUser, "--profile", "smoke", "--report", "jsonl", "--out", report], {
    env: { ...process.env, PARAPET_ADMIN_PASSWORD: server.adminPassword },
    stdio: ["ignore", "pipe", "pipe"],
  });
  createInterface({ input: child.stdout }).on("line", (line) => say(`  ${line}`));
  let bar: Progress | undefined;
  let shown = 0;
  createInterface({ input: child.stderr }).on("line", (line) => {
    const [, done, total, outcome] = checked.exec(line) ?? [];
    if (done === undefined || outcome!.includes(" FAIL ")) say(`  ${line}`);
    if (done === undefined) return;
    bar ??= progress("conformance", Number(total));
    for (; shown < Number(done); shown++) bar.step();
  });
  let code: unknown;
  const seconds = await secondsOf(async () => {
    [code] = await once(child, "close");
  });
  bar?.end(`${shown} properties checked in ${seconds.toFixed(0)} s`);
  claim(code === 0, "the conformance suite ends with code 0", code);
  const checks = linesOf(await readFile(report, "utf8"));
  const passed = checks.filter(({ outcome }) => outcome === "PASS");
  const faults = checks.filter(({ outcome }) => outcome !== "PASS" && !harmless.has(outcome ?? ""));
  claim(passed.length > 0, "the conformance suite checked something");
  claim(faults.length === 0, "no check failed", faults);
  const ids = new Set(passed.map(({ id }) => id));
  say(`conformance: ${passed.length} checks of ${ids.size} properties passed, ${checks.length - passed.length} were not applicable or only advise`);
  return [{ what: "conformance smoke profile (checks)", protocol: "all", count: checks.length, seconds }];
}

function linesOf(report: string): readonly CheckLine[] {
  const lines = report.trim().split("\n").map((line) => JSON.parse(line) as CheckLine);
  return lines.filter(({ id }) => id !== undefined);
}
