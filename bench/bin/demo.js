#!/usr/bin/env node
// Runs the demo out of the build, which it makes first where it is missing.
import { load } from "./load.js";

const { main } = await load("demo/main.js");
// Whatever still runs after a stop has nobody left to report to.
process.exit(await main(process.argv.slice(2)));
