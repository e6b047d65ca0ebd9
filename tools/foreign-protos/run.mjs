// Tries the generator on contracts that are not ours: generates everything, compiles it, lints the OpenAPI document, starts the server, runs the contract profile.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");
const redoclyFolder = join(root, "tools/redocly");
for (const folder of [here, redoclyFolder]) {
  if (!existsSync(join(folder, "node_modules"))) must("npm", "ci", "--no-audit", "--no-fund", "--prefix", folder);
}
const { contracts, policyOf } = await import("./contracts.mjs");
const { createProject } = await import("./project.mjs");

const chosen = process.argv.slice(2);
let failures = 0;
for (const [name, contract] of Object.entries(contracts).filter(([each]) => chosen.length === 0 || chosen.includes(each))) {
  const project = createProject(contract, policyOf(name));
  const steps = {
    generate: () => project.generate(),
    compile: () => project.compile(),
    redocly: () => {
      const said = must(process.execPath, join(redoclyFolder, "node_modules/@redocly/cli/bin/cli.js"), "lint", "--config", join(root, "redocly.yaml"), project.openapi);
      if (/You have \d+ warning/.test(said)) throw new Error(said);
    },
    conformance: () => project.judge(),
  };
  try {
    for (const [step, run] of Object.entries(steps)) {
      const begun = performance.now();
      const said = await run();
      console.log(`${name.padEnd(14)} ${step.padEnd(12)} ok ${((performance.now() - begun) / 1000).toFixed(1)} s  ${step === "generate" ? said : ""}${step === "conformance" ? said.split("\n").find((line) => / results: /.test(line)) : ""}`);
    }
  } catch (error) {
    failures++;
    console.log(`${name.padEnd(14)} FAILED\n${error.message}`);
  } finally {
    project.remove();
  }
}
console.log(`foreign-protos: ${failures === 0 ? "everything held" : `${failures} FAILED`}`);
process.exitCode = failures === 0 ? 0 : 1;

function must(command, ...args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", env: { ...process.env, REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" } });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}\n${stdout}${stderr}`);
  return stdout + stderr;
}
