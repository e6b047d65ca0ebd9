// Runs the storms of tests/storm.test.ts at full size on every layer of the SDK: 10,000 calls on one signal, 1,000 calls to a dead server, 1,000 resets.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const { status } = spawnSync(process.execPath, ["--disable-warning=MaxListenersExceededWarning", join(root, "node_modules/vitest/vitest.mjs"), "run", "tests/storm.test.ts", "--reporter=verbose"], {
  cwd: root,
  stdio: ["ignore", "inherit", "inherit"],
  env: { ...process.env, STORMS: "large" },
});
process.exitCode = status ?? 1;
