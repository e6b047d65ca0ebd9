#!/usr/bin/env node
// Starts the command `parapet-generate` from its build.
import module from "node:module";

// Where Node can keep compiled modules between runs, the second run starts sooner.
module.enableCompileCache?.();
const { main } = await import("../dist/cli.js");
process.exitCode = await main(process.argv.slice(2), { out: console.log, err: console.error });
