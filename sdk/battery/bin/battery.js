#!/usr/bin/env node
// Starts the battery; small enough to exist before the first build, as npm links only bins that do.
const { main } = await import("../dist/main.js").catch((error) => {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
  process.stderr.write("battery: not built yet; run `npm run build` first\n");
  process.exit(70);
});
// A reader that goes away, as `head` does, ends it as SIGPIPE would.
process.stdout.on("error", (error) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(141);
});
process.exitCode = await main({ argv: process.argv.slice(2), stdout: process.stdout, stderr: process.stderr });
