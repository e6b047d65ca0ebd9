#!/usr/bin/env node
// Starts the command `parapet-generate` from its build.
import "./tune.js";

const { main } = await import("../dist/cli.js");
process.exitCode = await main(process.argv.slice(2), { out: console.log, err: console.error });
