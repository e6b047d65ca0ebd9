// Measures the generator on a contract of 1,000 RPCs: the wall time of `parapet-generate` with every target, from its start to
// its exit, as the median of five runs into empty folders; and where the time goes, phase by phase. `--check` fails over 3 s.
//
// The phases are measured in a process of their own that does one after the other. The command does some of them side by side
// (it loads modules while buf runs, and shares examples and targets with a second thread), so it may take less than their sum.

import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const services = 50;
const methodsPerService = 20;
/** Most that the median may take, in seconds. */
const budgetSeconds = 3;
/** Linux counts CPU time in hundredths of a second. */
const ticksPerSecond = 100;

const { values } = parseArgs({ options: { check: { type: "boolean", default: false }, runs: { type: "string", default: "5" }, phases: { type: "string" } } });
const runs = Number(values.runs);
if (!Number.isInteger(runs) || runs < 1) throw new Error("--runs is a number of runs");
if (values.phases === undefined) await measure();
else console.log(JSON.stringify(await phases(values.phases)));

async function measure() {
  const { writeLargeContract } = await import("../dist/testing/large-contract.js");
  const bin = fileURLToPath(new URL("../bin/parapet-generate.js", import.meta.url));
  const folder = await mkdtemp(join(tmpdir(), "parapet-bench-"));
  try {
    const protos = join(folder, "protos");
    await writeLargeContract(protos, services, methodsPerService);
    const whole = [];
    const split = [];
    for (let run = 1; run <= runs; run++) {
      const measured = timed(() => node(bin, "--proto", protos, "--out", join(folder, "out")));
      await rm(join(folder, "out"), { recursive: true });
      whole.push(measured);
      split.push(JSON.parse(node(fileURLToPath(import.meta.url), "--phases", folder)));
      console.log(`run ${run}: ${seconds(measured.wall)} wall, ${seconds(measured.cpu)} CPU`);
    }
    console.log("\nphase, each after the other (medians)");
    for (const name of Object.keys(split[0])) console.log(`  ${name.padEnd(22)}${seconds(median(split.map((each) => each[name]))).padStart(8)}`);
    const wall = median(whole.map((each) => each.wall));
    console.log(`\nbench: ${services * methodsPerService} RPCs, every target: ${seconds(wall)} wall, ${seconds(median(whole.map((each) => each.cpu)))} CPU (medians of ${runs}; budget ${budgetSeconds} s wall)`);
    if (wall > budgetSeconds && values.check) process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Wall seconds of each phase. */
async function phases(folder) {
  await import("../bin/tune.js");
  const taken = {};
  const phase = async (name, work) => {
    const start = performance.now();
    const result = await work();
    taken[name] = (performance.now() - start) / 1000;
    return result;
  };
  const { compile, readImage, draftModel, targets, madeOf, manifestOf, writeFiles } = await phase("load modules", async () =>
    Object.assign({}, ...(await Promise.all(["compile", "image", "build/build-model", "targets/index", "made", "write"].map((name) => import(`../dist/${name}.js`))))),
  );
  const bytes = await phase("buf", () => compile(join(folder, "protos")));
  const image = await phase("read image", () => readImage(bytes));
  const draft = await phase("model", () => draftModel(image));
  const examples = await phase("examples", () => Array.from({ length: draft.methodCount }, (_, index) => draft.examplesOf(index)));
  const model = draft.finish(examples);
  const files = [];
  for (const target of targets) files.push(...(await phase(`target ${target.name}`, () => madeOf(target.name, target.emit(model, {}, image)))));
  const out = join(folder, "phases");
  await phase("write", () => writeFiles(out, join(out, "manifest.json"), files, manifestOf(image.inputs, files)));
  await rm(out, { recursive: true });
  return taken;
}

function node(...args) {
  const { status, stderr, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`node ${args[0]} ended with ${status}\n${stderr.slice(0, 2000)}`);
  return stdout;
}

function timed(work) {
  const [start, cpu] = [performance.now(), childSeconds()];
  work();
  return { wall: (performance.now() - start) / 1000, cpu: childSeconds() - cpu };
}

function seconds(value) {
  return `${value.toFixed(2)} s`;
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

/** CPU time of all children that ended, theirs included; 0 where /proc is missing. */
function childSeconds() {
  try {
    const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1].split(" ");
    return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
  } catch {
    return 0;
  }
}
