/** Ahead of all tests: joins the program of the server again if its modules have been compiled since, so that no test starts an old one. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** What vitest calls once. */
export async function setup(): Promise<void> {
  await promisify(execFile)(process.execPath, [fileURLToPath(new URL("../server/scripts/bundle.mjs", import.meta.url))]);
}
