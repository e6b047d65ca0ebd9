#!/usr/bin/env node
// The target `contract` as a plugin of protoc and buf.
import { runPlugin } from "../dist/plugin/plugin.js";

await runPlugin("contract", process.argv.slice(2), process);
