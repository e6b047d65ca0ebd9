/** The bench measures every row against right answers and writes what a program can read. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const bench = fileURLToPath(new URL("../bench/bin/bench.js", import.meta.url));

/** What a run prints, at most. */
const maxBuffer = 16 * 1024 * 1024;

/** Comparisons and rows of every kind: three protocols, most peers, several processes, and a row by itself: what is added. */
const measured = [
  "fast path, REST, against Fastify",
  "gRPC Get's p99",
  "REST Get by path",
  "the gate's own cost, Connect JSON",
  "one port against",
  "two workers",
  "audited, one at a time",
];

describe("npm run bench", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "bench-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("reports rows for three protocols and ratios to peers", { timeout: 300_000 }, async () => {
    const out = join(folder, "results.json");
    const only = measured.flatMap((text) => ["--only", text]);
    const { stdout } = await run(process.execPath, [bench, "--quick", "--seconds", "0.02", "--out", out, ...only], { maxBuffer });
    const report = JSON.parse(await readFile(out, "utf8")) as Report;
    expect(report.machine).toMatchObject({ node: process.version, rounds: 1 });
    const parapet = report.rows.filter(({ name }) => name.startsWith("Parapet"));
    expect(new Set(parapet.map(({ protocol }) => protocol))).toEqual(new Set(["grpc", "connect-json", "rest", "rest-get"]));
    for (const row of report.rows) {
      for (const figure of [row.requestsPerSecond, row.p50Ms, row.p99Ms, row.cpuMicrosPerRequest, row.rssPeakMiB]) expect(figure, row.name).toBeGreaterThan(0);
      expect(stdout).toContain(row.name);
    }
    for (const peer of ["grpc-js", "Fastify", "node:http", "gate", "one port", "bare"]) {
      expect(report.ratios.some(({ name, value }) => name.includes(peer) && value > 0), peer).toBe(true);
    }
    for (const alone of ["2 workers", "durable and audited"]) expect(report.rows.some(({ name }) => name.includes(alone)), alone).toBe(true);
    for (const { name, value, low, high } of report.ratios) expect(low <= value && value <= high, name).toBe(true);
    const svg = await readFile(join(folder, "ratios.svg"), "utf8");
    for (const { name, target } of report.ratios) expect(svg.includes(`>${name}<`), name).toBe(target !== null);
  });

  it("profiles the server of a row", { timeout: 180_000 }, async () => {
    const { stdout } = await run(process.execPath, [bench, "--quick", "--cpu-prof", "node:http echo rest", "--out", join(folder, "results.json")]);
    expect(stdout).toMatch(/^ *\d+\.\d {2}\S+ +node:\S+:\d+$/m);
    const profile = JSON.parse(await readFile(/^the whole profile.*: (.*)$/m.exec(stdout)![1]!, "utf8")) as Profile;
    expect(profile.nodes.filter(({ callFrame }) => callFrame.url.endsWith("bench/dist/peers/node-http.js"))).not.toEqual([]);
  });

  it.each([[["--frobnicate"]], [["--only", "no such row"]], [["--rounds", "none"]], [["--cpu-prof", "echo"]]])("refuses %o", async (argv) => {
    await expect(run(process.execPath, [bench, ...argv])).rejects.toMatchObject({ code: 64 });
  });
});

interface Profile {
  readonly nodes: readonly { readonly callFrame: { readonly url: string } }[];
}

interface Report {
  readonly machine: { readonly node: string; readonly rounds: number };
  readonly rows: readonly { readonly name: string; readonly protocol: string; readonly requestsPerSecond: number; readonly p50Ms: number; readonly p99Ms: number; readonly cpuMicrosPerRequest: number; readonly rssPeakMiB: number }[];
  readonly ratios: readonly { readonly name: string; readonly value: number; readonly target: number | null; readonly low: number; readonly high: number }[];
}
