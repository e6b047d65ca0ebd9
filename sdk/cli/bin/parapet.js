#!/usr/bin/env node
// Starts the command line; small enough to exist before the first build, as npm links only bins that do.
const { main, runProcess } = await import("../dist/index.js").catch((error) => {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
  process.stderr.write("parapet: not built yet; run `npm run build` first\n");
  process.exit(70);
});
await runProcess(main);
