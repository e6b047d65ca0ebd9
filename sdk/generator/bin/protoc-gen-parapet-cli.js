#!/usr/bin/env node
// The target `cli` as a plugin of protoc and buf.
import { runPlugin } from "../dist/plugin/plugin.js";

await runPlugin("cli", process.argv.slice(2), process);
