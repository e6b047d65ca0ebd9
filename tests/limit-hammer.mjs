// Lets processes spend one budget as fast as they can, kills some of them, and reports how what was admitted compares with the bound.
//
//   node tests/limit-hammer.mjs TOKEN_BUCKET|STRICT_WINDOW

import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const { openSharedLimiter, prepareSharedLimits } = await import("../server/dist/limit/shared-limiter.js");
const { awaitAdmission } = await import("../server/dist/store/admission.js");

const buckets = {
  TOKEN_BUCKET: { name: "api", algorithm: 1, requests: 500, burst: 100, windowMs: 1_000 },
  STRICT_WINDOW: { name: "login", algorithm: 2, requests: 50, burst: 0, windowMs: 500 },
};
/** Processes that are killed, each once its successor spends. */
const killsMax = 4;
const hostMs = () => Number(process.hrtime.bigint()) / 1e6;
const [algorithm, directory] = process.argv.slice(2);
const bucket = buckets[algorithm];

if (directory !== undefined) await hammer();
else await judge();

async function hammer() {
  // The time of a call is what the limiter itself read, since a process may be put to sleep between two instructions.
  let atMs = 0;
  process.send({ opening: true });
  const limiter = openSharedLimiter({ directory, buckets: [bucket], nowMs: () => (atMs = hostMs()), onMapped: await awaitAdmission(directory) });
  const turn = () => {
    const admitted = [];
    let refused = 0;
    for (let i = 0; i < 200; i++) {
      if (limiter.spend(bucket, "u:everybody", 1).admitted) admitted.push(atMs);
      else refused++;
    }
    process.send({ admitted, refused }, () => setImmediate(turn));
  };
  turn();
}

async function judge() {
  const path = mkdtempSync(join(tmpdir(), "parapet-hammer-"));
  const keeper = await prepareSharedLimits(path, 4 * 1024 * 1024);
  const times = [];
  let [refused, kills] = [0, 0];
  /** Resolves with a process that has begun to spend. */
  const start = () =>
    new Promise((resolve) => {
      const child = fork(fileURLToPath(import.meta.url), [algorithm, path], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
      child.on("message", (told) => {
        if (told.opening) return keeper.admit(child.pid);
        times.push(...told.admitted);
        refused += told.refused;
        resolve(child);
      });
    });
  const children = await Promise.all([start(), start()]);
  const startedMs = hostMs();
  while (kills < killsMax) {
    // Long enough for windows to pass; the bounds are judged by the times that were told, not by this.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const gone = new Promise((resolve) => children[0].once("exit", resolve));
    children[0].kill("SIGKILL");
    await gone;
    kills++;
    children.shift();
    children.push(await start());
  }
  const untilMs = hostMs();
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(children.map((child) => new Promise((resolve) => child.once("close", resolve))));
  await keeper.close();
  rmSync(path, { recursive: true });

  times.sort((a, b) => a - b);
  const { requests, burst, windowMs } = bucket;
  let excess = -Infinity;
  if (algorithm === "TOKEN_BUCKET") {
    // Most admitted in any interval beyond its bound: a running maximum of i - rate * t, clock grains of a microsecond forgiven.
    let least = Infinity;
    times.forEach((at, i) => {
      least = Math.min(least, i - (at * requests) / windowMs);
      excess = Math.max(excess, i + 1 - (at * requests) / windowMs - least - (requests + burst) - 0.01);
    });
  } else {
    for (let i = 0, first = 0; i < times.length; i++) {
      while (times[i] - times[first] >= windowMs + 0.001) first++;
      // The call exactly one window ago has come back.
      const within = times.slice(first, i + 1).filter((at) => times[i] - at < windowMs - 0.002).length;
      excess = Math.max(excess, within - requests);
    }
  }
  // What killed processes had admitted and not yet told is missing here, so liveness is judged with room.
  const whole = algorithm === "TOKEN_BUCKET" ? requests + burst + ((untilMs - startedMs) * requests) / windowMs : requests * Math.floor((untilMs - startedMs) / windowMs);
  console.log(JSON.stringify({ admitted: times.length, refused, least: Math.floor(whole / 4), excess, kills }));
}
