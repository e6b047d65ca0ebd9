// Kills a writing server process again and again, and proves each time that nothing acknowledged was lost, and nothing is half there.
//
//   node scripts/checks/kill-storm.mjs [--rounds 100] [--in-flight 64] [--abort-every 10] [--rounds-per-store 10] [--kill-within-ms 600] [--seed N]
//
// After each `kill -9` the store is opened again and read in full: every acknowledged document is there with its rows and
// its record at the acknowledged sequence; every record has its document and every document its record; none that was
// rolled back is there; sequences have no gap; tree and head equal what the stored bytes give. (A killed process does not
// lose what the kernel holds; that answers wait for the disk is what sync-order.mjs shows.)

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { collection, createLog, documentRows, isAborted, kinds, openLmdbStore, rangeOf, rootOf, tenant, verifyLog } from "./subject.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "100" },
    "in-flight": { type: "string", default: "64" },
    "abort-every": { type: "string", default: "10" },
    "rounds-per-store": { type: "string", default: "10" },
    "kill-within-ms": { type: "string", default: "600" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const rounds = Number(values.rounds);
const abortEvery = Number(values["abort-every"]);
const random = seeded(Number(values.seed));
const writer = fileURLToPath(new URL("writer.mjs", import.meta.url));
const totals = { acknowledged: 0, rolledBack: 0, stored: 0, storedUnacknowledged: 0, killedWhileOpening: 0 };
const faults = [];
console.log(`seed ${values.seed}`);

for (let round = 0, directory, acknowledged; round < rounds; round++) {
  if (round % Number(values["rounds-per-store"]) === 0) {
    if (directory !== undefined) rmSync(directory, { recursive: true });
    directory = mkdtempSync(join(tmpdir(), "parapet-storm-"));
    acknowledged = new Map();
  }
  // One round in ten is killed while it opens the store; the others write for a while.
  const opening = random() < 0.1;
  const before = acknowledged.size;
  const { lines, ready } = await killed(directory, round, opening ? random() * 150 : random() * Number(values["kill-within-ms"]), opening);
  if (!ready) totals.killedWhileOpening++;
  for (const [word, id, sequence] of lines.map((line) => line.split(" "))) {
    if (word === "ack") acknowledged.set(id, Number(sequence));
    if (word === "aborted") totals.rolledBack++;
  }
  totals.acknowledged += acknowledged.size - before;
  const found = await inspect(directory, acknowledged);
  faults.push(...found.faults.map((fault) => `round ${round}: ${fault}`));
  if ((round + 1) % Number(values["rounds-per-store"]) === 0 || round + 1 === rounds) {
    totals.stored += found.documents;
    totals.storedUnacknowledged += found.documents - acknowledged.size;
    if (round + 1 === rounds) rmSync(directory, { recursive: true });
    console.log(`${round + 1} rounds: ${JSON.stringify(totals)}, faults: ${faults.length}`);
  }
}

for (const fault of faults.slice(0, 20)) console.log(fault);
console.log(faults.length === 0 && totals.acknowledged > 0 ? "whole after every kill" : "FAILED");
process.exitCode = faults.length === 0 && totals.acknowledged > 0 ? 0 : 1;

/** Runs the writer and kills it `delayMs` after it is ready (or after its start); resolves with the complete lines it said. */
function killed(directory, round, delayMs, whileOpening) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [writer, "--directory", directory, "--round", String(round), "--in-flight", values["in-flight"], "--abort-every", values["abort-every"]], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    let armed = whileOpening;
    const arm = () => setTimeout(() => child.kill("SIGKILL"), delayMs);
    if (whileOpening) arm();
    child.stdout.setEncoding("latin1").on("data", (chunk) => {
      said += chunk;
      if (!armed && said.includes("ready\n")) {
        armed = true;
        arm();
      }
    });
    child.on("error", reject).on("close", (code, signal) => {
      if (signal !== "SIGKILL") reject(new Error(`the writer ended by itself (${code ?? signal})`));
      resolve({ lines: said.slice(0, said.lastIndexOf("\n")).split("\n"), ready: said.includes("ready\n") });
    });
  });
}

/** Opens the store as the next server would and reads all of it. */
async function inspect(directory, acknowledged) {
  const store = openLmdbStore({ directory });
  const found = [];
  const log = createLog(store);
  const report = await verifyLog(store, tenant);
  for (const { kind, sequence } of report.faults) found.push(`${kind} at ${sequence}`);
  const head = log.head(tenant).edge;
  if (head.size !== report.records) found.push(`the head counts ${head.size} of ${report.records} records`);
  if (Buffer.compare(rootOf(head), report.root) !== 0) found.push("the head has another root than the records");

  const ids = new Map();
  for (let sequence = 0; sequence < report.records; sequence++) {
    const record = log.read(tenant, BigInt(sequence));
    if (record === undefined) continue;
    if (ids.has(record.requestId)) found.push(`two records of ${record.requestId}`);
    ids.set(record.requestId, sequence);
    if (isAborted(Number(record.requestId.split("-")[1]), abortEvery)) found.push(`${record.requestId} was rolled back and has a record`);
    for (const [key, value] of documentRows(record.requestId)) {
      const stored = store.get(key);
      if (stored === undefined || Buffer.compare(stored, value) !== 0) found.push(`${record.requestId} has a record and lacks a row`);
    }
  }
  for (const [id, sequence] of acknowledged) {
    if (ids.get(id) !== sequence) found.push(`${id} was acknowledged as record ${sequence} and is ${ids.get(id)}`);
  }
  let documents = 0;
  for (const _ of store.keys(rangeOf([tenant, kinds.document, collection]))) documents++;
  if (documents !== ids.size) found.push(`${documents} documents and ${ids.size} records`);
  for (const [kind, rows] of [[kinds.documentByKey, 1], [kinds.documentByMeta, 3]]) {
    let count = 0;
    for (const _ of store.keys(rangeOf([tenant, kind, collection]))) count++;
    if (count !== documents * rows) found.push(`${count} rows of kind ${kind} for ${documents} documents`);
  }
  await store.close();
  return { documents, faults: found };
}

/** Numbers from 0 to 1 (mulberry32), so that a storm can be repeated. */
function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
