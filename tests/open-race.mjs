// Opens an LMDB environment again and again while another process commits in it, and reports whether a commit was undone.
//
//   node tests/open-race.mjs [guarded|unguarded]
//
// `unguarded` shows what lmdb does without admission: a commit is lost, or the environment is damaged.

import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const { open } = createRequire(new URL("../server/package.json", import.meta.url))("lmdb");
const { admit, awaitAdmission, mappedHook } = await import("../server/dist/store/admission.js");
const [mode = "guarded", directory] = process.argv.slice(2);
const openers = 2;
/** So many times the environment is opened, or so long it is tried, in milliseconds. */
const [opensMax, durationMsMax] = [1_000, 20_000];

const environment = (path, onMapped) =>
  open({ path: join(path, "data.mdb"), encoding: "binary", keyEncoding: "binary", overlappingSync: false, eventTurnBatching: false, cache: false, noSync: true, mapSize: 2 ** 26, ...mappedHook(onMapped) });

if (directory !== undefined) await openAgainAndAgain();
else await commit();

async function openAgainAndAgain() {
  for (;;) {
    process.send("opening");
    const db = environment(directory, mode === "guarded" ? await awaitAdmission(directory) : undefined);
    await db.close();
    await new Promise((resolve) => process.send("opened", resolve));
  }
}

async function commit() {
  const path = mkdtempSync(join(tmpdir(), "parapet-race-"));
  const db = environment(path);
  const key = Buffer.from("count");
  let [last, lost, opens, damaged] = [0, 0, 0, ""];
  const children = Array.from({ length: openers }, () => {
    const child = fork(fileURLToPath(import.meta.url), [mode, path], { stdio: ["ignore", "inherit", "ignore", "ipc"] });
    child.on("message", (what) => {
      if (what === "opened") opens++;
      else if (mode === "guarded") db.transactionSync(() => admit(path, child.pid));
    });
    child.on("exit", (code) => (damaged ||= code === null ? "" : `an opener ended with ${code}`));
    return child;
  });
  const untilMs = performance.now() + durationMsMax;
  while (opens < opensMax && performance.now() < untilMs && damaged === "") {
    try {
      for (let i = 0; i < 20; i++) {
        db.transactionSync(() => {
          const found = db.get(key)?.readDoubleLE() ?? 0;
          if (found !== last) lost++;
          last = found + 1;
          const value = Buffer.alloc(8);
          value.writeDoubleLE(last);
          db.putSync(key, value);
        });
      }
    } catch (error) {
      damaged = String(error);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const child of children) child.kill("SIGKILL");
  console.log(JSON.stringify({ commits: last, opens, lost, damaged }));
  rmSync(path, { recursive: true, force: true });
  process.exit(0);
}
