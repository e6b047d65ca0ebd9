#!/usr/bin/env node
// The target `typescript` as a plugin of protoc and buf.
import { runPlugin } from "../dist/plugin/plugin.js";

await runPlugin("typescript", process.argv.slice(2), process);
