// Runs every linter of the repository side by side, then prints one line per linter.

import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const openapi = "openapi/parapet.openapi.yaml";
/** Documents with what our own contract does not have, such as events and every kind of rule. */
const goldens = "sdk/generator/src/targets/openapi/golden";
/** Has names that Redocly itself cannot read; the generator warns of them (`json-name-taken`). */
const unreadable = "taken.openapi.yaml";
const redocly = "tools/redocly";

/** What our own linter finds in the contract and is meant: the rule with the RPC. */
const meant = [
  // A second change of a password is refused, as the current one is another by then; an import is repeated by its caller.
  "idempotency-missing:parapet.auth.v1.AuthService/ChangePassword",
  "idempotency-missing:parapet.document.v1.DocumentService/Import",
  // A user's grants are few, and the seeds print them as one list.
  "paging-missing:parapet.auth.v1.AuthService/ListPermissions",
];

/** Each linter is a list of commands; the first that fails ends it. */
const linters = [
  { name: "buf", what: "proto/", commands: [["buf", "lint"]] },
  { name: "policy", what: "proto/", commands: [["parapet-generate", "lint", "--proto", "proto", ...meant.flatMap((name) => ["--except", name])]] },
  { name: "oxlint", what: "TypeScript and scripts", commands: [["oxlint"]] },
  {
    name: "redocly",
    what: openapi,
    skip: !existsSync(join(root, openapi)),
    warningsFail: true,
    commands: [
      ...(existsSync(join(root, redocly, "node_modules/.bin/redocly")) ? [] : [["npm", "ci", "--prefix", redocly]]),
      ["redocly", "lint", openapi, ...readdirSync(join(root, goldens)).filter((name) => name.endsWith(".openapi.yaml") && name !== unreadable).map((name) => `${goldens}/${name}`)],
    ],
  },
];

/** How linters count their warnings. */
const warning = /([1-9]\d*) warnings?\b/;

const results = await Promise.all(linters.map(run));
for (const { name, state, output } of results) {
  if (state === "failed") console.log(`── ${name}\n${output.trim()}\n`);
}
for (const { name, what, state, output, seconds } of results) {
  const warnings = Number(warning.exec(output)?.[1] ?? 0);
  const notes = state === "skipped" ? ["there is no such file yet"] : [`${seconds.toFixed(1)} s`];
  if (warnings > 0) notes.push(`warnings: ${warnings}`);
  console.log(`lint: ${name.padEnd(8)} ${state.padEnd(8)} ${what} (${notes.join(", ")})`);
}
process.exitCode = results.some(({ state }) => state === "failed") ? 1 : 0;

async function run(linter) {
  if (linter.skip) return { ...linter, state: "skipped", output: "", seconds: 0 };
  const start = performance.now();
  let output = "";
  let state = "passed";
  for (const command of linter.commands) {
    const result = await execute(command);
    output += result.output;
    if (result.ok && !(linter.warningsFail && warning.test(result.output))) continue;
    state = "failed";
    break;
  }
  return { ...linter, state, output, seconds: (performance.now() - start) / 1000 };
}

function execute([command, ...args]) {
  const path = [join(root, "node_modules/.bin"), join(root, redocly, "node_modules/.bin"), process.env.PATH];
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, PATH: path.join(delimiter), REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    }
    child.on("error", (error) => resolve({ ok: false, output: `${command}: ${error.message}\n` }));
    child.on("close", (code) => resolve({ ok: code === 0, output }));
  });
}
