// Repeats ten properties over six encodings against a server on default limits, under load: verdicts must not change, and no run may take a minute.
//
//   node scripts/checks/conformance-stability.mjs [--repeats 10] [--load 2] [--smoke]
//
// The load is threads that compute for nothing. With --smoke it is the whole smoke profile that is repeated; a minute is its budget without load.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, Worker } from "node:worker_threads";

const root = fileURLToPath(new URL("../..", import.meta.url));
const properties = ["AN-01", "AN-05", "AN-21", "AN-22", "AZ-05", "AZ-08", "ER-03", "RL-04", "RL-10", "AU-04"];
const encodings = ["grpc/h2", "grpc-web/h1", "connect-proto/h1", "connect-json/h2", "connect-get/h1", "rest/h1"];
const secondsMax = 60;

const { values } = parseArgs({
  options: { repeats: { type: "string", default: "10" }, load: { type: "string", default: String(availableParallelism()) }, smoke: { type: "boolean", default: false } },
});

if (isMainThread) process.exitCode = await main({ repeats: Number(values.repeats), load: Number(values.load), smoke: values.smoke });
// A worker is the load.
else for (let sum = 0; ; ) sum = (sum * 31 + 7) % 1_000_003;

async function main({ repeats, load, smoke }) {
  const folder = mkdtempSync(join(tmpdir(), "parapet-stability-"));
  const password = "a password for ten runs";
  const port = await freePort();
  const server = spawn(process.execPath, [join(root, "sdk/cli/bin/parapet.js"), "serve"], {
    cwd: folder,
    env: { ...process.env, PARAPET_ADDR: `127.0.0.1:${port}`, PARAPET_AUTH_ADMIN_PASSWORD: password },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const workers = Array.from({ length: load }, () => new Worker(fileURLToPath(import.meta.url)));
  try {
    await answers(port);
    return judge(await runs({ repeats, smoke, port, password, folder }), load, smoke && load > 0 ? Number.POSITIVE_INFINITY : secondsMax);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
    server.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the suite again and again; gives the verdicts and the seconds of each run. */
async function runs({ repeats, smoke, port, password, folder }) {
  const done = [];
  for (let run = 1; run <= repeats; run++) {
    const out = join(folder, `run-${run}.jsonl`);
    const selection = smoke ? [] : ["--only", properties.join(","), "--protocol", encodings.join(",")];
    const code = await conform(["run", "--target", `http://127.0.0.1:${port}`, "--report", "jsonl", "--out", out, "--seed", String(run), ...selection], password);
    const lines = readFileSync(out, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
    const { summary } = lines.pop();
    const verdicts = new Map(lines.map(({ id, protocol, outcome, detail }) => [`${id} over ${protocol}`, { outcome, detail }]));
    console.log(`run ${run}: exit ${code}, ${verdicts.size} verdicts, ${summary.requests} requests in ${summary.seconds.toFixed(1)} s`);
    done.push({ code, verdicts, seconds: summary.seconds });
  }
  return done;
}

function judge(done, load, bound) {
  const [first] = done;
  const changes = done.flatMap(({ verdicts }, index) =>
    [...new Set([...first.verdicts.keys(), ...verdicts.keys()])]
      .filter((name) => verdicts.get(name)?.outcome !== first.verdicts.get(name)?.outcome)
      .map((name) => `run ${index + 1}: ${name} is ${verdicts.get(name)?.outcome}, was ${first.verdicts.get(name)?.outcome}: ${verdicts.get(name)?.detail}`),
  );
  for (const change of changes) console.log(change);
  const slowest = Math.max(...done.map(({ seconds }) => seconds));
  const failed = done.filter(({ code }) => code !== 0).length;
  console.log(`${done.length} runs beside ${load} busy threads: ${changes.length} verdicts changed, ${failed} runs failed, the slowest took ${slowest.toFixed(1)} s (at most ${bound})`);
  return changes.length === 0 && failed === 0 && slowest < bound ? 0 : 1;
}

function conform(argv, password) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, "conformance/bin/parapet-conformance.js"), ...argv], {
      env: { ...process.env, PARAPET_ADMIN_PASSWORD: password },
      stdio: ["ignore", "ignore", "ignore"],
    });
    child.on("error", reject);
    child.on("close", resolve);
  });
}

async function answers(port) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const response = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the server did not start");
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
