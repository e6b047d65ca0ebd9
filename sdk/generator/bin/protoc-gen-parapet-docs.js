#!/usr/bin/env node
// The target `docs` as a plugin of protoc and buf.
import { runPlugin } from "../dist/plugin/plugin.js";

await runPlugin("docs", process.argv.slice(2), process);
