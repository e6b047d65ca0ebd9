#!/usr/bin/env node
// The target `conformance` as a plugin of protoc and buf.
import { runPlugin } from "../dist/plugin/plugin.js";

await runPlugin("conformance", process.argv.slice(2), process);
