// Loads a module of the build, which it makes first where it is missing.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The module at a path within `dist/`. Ends the process if it cannot be built. */
export async function load(path) {
  const module = new URL(`../dist/${path}`, import.meta.url);
  if (!existsSync(module)) {
    const { status } = spawnSync("npm", ["run", "build"], { cwd: fileURLToPath(new URL("../..", import.meta.url)), stdio: "inherit" });
    if (status !== 0) process.exit(status ?? 1);
  }
  return import(module);
}
