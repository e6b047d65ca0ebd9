#!/usr/bin/env node
// Runs the demo out of the build, which it makes first where it is missing.
import { load } from "./load.js";

const { main } = await load("demo/main.js");
process.exitCode = await main(process.argv.slice(2));
