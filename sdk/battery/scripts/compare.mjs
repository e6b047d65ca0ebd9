// Runs the SDK and its peers through the battery in one go; fails if a cell of the SDK is not as the target row says.

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
  "openai 7 (Stainless)": "peers/openai.mjs",
  "connect-web": "clients/connect-web.mjs",
  "openapi-fetch": "clients/openapi-fetch.mjs",
}).map(([name, file]) => ({ name, command: process.execPath, args: [here(file)] }));

const start = performance.now();
const rows = await runAll(clients, scenarios, () => {});
console.log(formatTable(scenarios, rows));
const wrong = Object.entries(rows[0].verdicts).filter(([, { good }]) => !good);
for (const [id, { text }] of wrong) console.error(`battery: ${rows[0].name} in ${id}: ${text}`);
const count = Object.keys(rows[0].verdicts).length;
console.log(`battery: ${rows[0].name} passes ${count - wrong.length} of ${count} (${((performance.now() - start) / 1000).toFixed(0)} s)`);
process.exitCode = wrong.length === 0 && count === scenarios.length ? 0 : 1;
