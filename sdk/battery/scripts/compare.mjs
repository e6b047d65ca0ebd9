// Runs the SDK's layers and their peers through the battery in one go; fails if a cell of the SDK is not as the target row says.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { formatTable, runAll, scenarios } from "../dist/index.js";

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

if (!existsSync(here("peers/node_modules/openai"))) {
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--prefix", here("peers")], { stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error("the peers cannot be installed");
}

const clients = Object.entries({
  "@parapet/sdk": "clients/parapet.mjs",
  "@parapet/sdk/rest": "clients/parapet-rest.mjs",
  "@parapet/sdk/connect/web": "clients/parapet-web.mjs",
  "openai 7 (Stainless)": "peers/openai.mjs",
  "connect-web": "clients/connect-web.mjs",
  "openapi-fetch": "clients/openapi-fetch.mjs",
}).map(([name, file]) => ({ name, command: process.execPath, args: [here(file)] }));

const start = performance.now();
const rows = await runAll(clients, scenarios, () => {});
console.log(formatTable(scenarios, rows));
const ours = rows.filter(({ name }) => name.startsWith("@parapet/"));
let failed = false;
for (const { name, verdicts } of ours) {
  const wrong = Object.entries(verdicts).filter(([, { good }]) => !good);
  for (const [id, { text }] of wrong) console.error(`battery: ${name} in ${id}: ${text}`);
  failed ||= wrong.length > 0 || Object.keys(verdicts).length !== scenarios.length;
  console.log(`battery: ${name} passes ${scenarios.length - wrong.length} of ${scenarios.length}`);
}
console.log(`battery: ${((performance.now() - start) / 1000).toFixed(0)} s`);
process.exitCode = failed || ours.length === 0 ? 1 : 0;
