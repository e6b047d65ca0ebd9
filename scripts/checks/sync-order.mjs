// Shows with strace that no acknowledgement leaves before the disk has what it acknowledges.
//
//   node scripts/checks/sync-order.mjs [--count 500] [--in-flight 64] [--early]      (Linux, needs strace)
//
// A writer acknowledges each transaction on stdout. For each acknowledgement the trace must show, all before it began: a
// write to the data file that holds the mark of its document; behind that an fdatasync of the file that succeeded; behind
// that the meta page, through a descriptor opened with O_DSYNC. --early makes the writer acknowledge too soon: then the
// check must find it out.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { markOf } from "./subject.mjs";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "500" },
    "in-flight": { type: "string", default: "64" },
    early: { type: "boolean", default: false },
  },
});
const writer = fileURLToPath(new URL("writer.mjs", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "parapet-order-"));
const traceFile = join(directory, "trace");
const traced = "trace=openat,write,writev,pwrite64,pwritev,pwritev2,fdatasync,fsync,msync,sync_file_range,sendto,sendmsg";
const run = spawnSync(
  "strace",
  ["-f", "-qq", "-s", "4000000", "-e", traced, "-e", "signal=none", "-o", traceFile, process.execPath, writer, "--directory", join(directory, "data"), "--count", values.count, "--in-flight", values["in-flight"], ...(values.early ? ["--early"] : [])],
  { encoding: "utf8", maxBuffer: 2 ** 28 },
);
if (run.error !== undefined || run.status !== 0) {
  console.error(run.error?.code === "ENOENT" ? "strace is not installed" : `the traced writer failed: ${run.stderr.slice(0, 2_000)}`);
  process.exit(2);
}

const calls = callsOf(readFileSync(traceFile, "latin1"));
rmSync(directory, { recursive: true });
const data = new Set();
const synchronous = new Set();
for (const { name, args, result } of calls) {
  if (name !== "openat" || !args.includes("data.mdb\"") || result < 0) continue;
  (args.includes("O_DSYNC") ? synchronous : data).add(result);
}
const of = (call, ...sets) => sets.some((set) => set.has(Number.parseInt(call.args, 10)));
const writes = calls.filter((call) => /^p?write/.test(call.name) && of(call, data, synchronous));
const syncs = calls.filter((call) => /^fd?a?t?a?sync$/.test(call.name) && of(call, data) && call.result === 0);
const metas = writes.filter((call) => of(call, synchronous) && call.result > 0);
const acknowledgements = calls.flatMap((call) => {
  const id = call.name === "write" && /^1, "ack (\S+) /.exec(call.args)?.[1];
  return id ? [{ id, start: call.start }] : [];
});

let shared = 0;
const covering = new Map();
const early = acknowledgements.filter(({ id, start }) => {
  const written = writes.find((call) => call.args.includes(markOf(id)));
  const synced = written && syncs.find((call) => call.start > written.end);
  const visible = synced && metas.find((call) => call.start > synced.end);
  if (visible !== undefined) {
    if (covering.has(visible.end)) shared++;
    covering.set(visible.end, id);
  }
  return visible === undefined || visible.end > start;
});
console.log(
  `${acknowledgements.length} acknowledgements, ${writes.length} writes to the data file, ${syncs.length} fdatasync, ${metas.length} meta pages through O_DSYNC, ` +
    `${shared} acknowledgements shared a commit with another, ${early.length} came before their sync`,
);
for (const { id } of early.slice(0, 5)) console.log(`${id} was acknowledged before it was on disk`);
const ordered = acknowledgements.length > 0 && early.length === 0;
console.log(ordered ? "no acknowledgement precedes its sync" : "ACKNOWLEDGED TOO EARLY");
process.exitCode = ordered ? 0 : 1;

/** System calls with the lines they began and ended on; strace tears those apart that others interrupt. */
function callsOf(trace) {
  const calls = [];
  const unfinished = new Map();
  for (const [line, text] of trace.split("\n").entries()) {
    const pid = Number.parseInt(text, 10);
    const rest = text.slice(String(pid).length).trimStart();
    const resumed = /^<\.\.\. (\w+) resumed>/.exec(rest);
    if (resumed !== null) {
      const begun = unfinished.get(pid);
      unfinished.delete(pid);
      if (begun !== undefined) calls.push({ ...begun, end: line, args: begun.args + rest.slice(resumed[0].length), result: resultOf(rest) });
      continue;
    }
    const call = /^(\w+)\(/.exec(rest);
    if (call === null) continue;
    const args = rest.slice(call[0].length);
    if (rest.endsWith("<unfinished ...>")) unfinished.set(pid, { name: call[1], args, start: line });
    else calls.push({ name: call[1], args, start: line, end: line, result: resultOf(rest) });
  }
  return calls.sort((a, b) => a.start - b.start);
}

function resultOf(text) {
  return Number.parseInt(/= (-?\d+)[^=]*$/.exec(text.slice(-200))?.[1] ?? "-1", 10);
}
