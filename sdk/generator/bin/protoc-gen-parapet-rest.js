#!/usr/bin/env node
// The target `rest` as a plugin of protoc and buf.
import { runPlugin } from "../dist/plugin/plugin.js";

await runPlugin("rest", process.argv.slice(2), process);
