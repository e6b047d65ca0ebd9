#!/usr/bin/env node
// The target `openapi` as a plugin of protoc and buf.
import { runPlugin } from "../dist/plugin/plugin.js";

await runPlugin("openapi", process.argv.slice(2), process);
