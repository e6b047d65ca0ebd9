#!/usr/bin/env node
// Runs the benchmarks out of the build, which it makes first where it is missing.
import { load } from "./load.js";

const { main } = await load("run/main.js");
process.exitCode = await main(process.argv.slice(2));
