/** Runs the conformance suite in this process, and reads its report. */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { main } from "../conformance/src/main.js";

/** One line of a report. */
export interface Line {
  readonly id: string;
  readonly keyword: string;
  readonly protocol: string;
  readonly outcome: string;
  readonly detail: string;
}

/** What a run gave. */
export interface Run {
  readonly code: number;
  readonly lines: readonly Line[];
  /** Undefined where the run ended before there was a report. */
  readonly summary: { readonly passed: boolean; readonly seconds: number; readonly counts: Readonly<Record<string, number>> } | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

class Sink extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Runs the suite against a target; `seed` makes its random choices the same each time. */
export async function conform(target: string, password: string, argv: readonly string[] = [], seed = 1): Promise<Run> {
  const out = join(mkdtempSync(join(tmpdir(), "parapet-conform-")), "report.jsonl");
  const [stdout, stderr] = [new Sink(), new Sink()];
  const code = await main({
    argv: ["run", "--target", target, "--report", "jsonl", "--out", out, ...argv],
    env: { PARAPET_ADMIN_PASSWORD: password },
    stdout,
    stderr,
    now: Date.now,
    newSeed: () => seed,
  });
  const report = readReport(out);
  return { code, lines: report.slice(0, -1) as Line[], summary: (report.at(-1) as { summary: Run["summary"] } | undefined)?.summary, stdout: stdout.text, stderr: stderr.text };
}

function readReport(path: string): unknown[] {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as unknown);
  } catch {
    return [];
  }
}

/** The worst of several outcomes of one requirement, as texts such as `FAIL rest/h1: …`; empty if all passed. */
export function faultsOf(run: Run, id: string): string[] {
  return run.lines.filter((line) => line.id === id && line.outcome !== "PASS").map(({ protocol, outcome, detail }) => `${outcome} ${protocol}: ${detail}`);
}
