#!/usr/bin/env node
// The target `server` as a plugin of protoc and buf.
import { runPlugin } from "../dist/plugin/plugin.js";

await runPlugin("server", process.argv.slice(2), process);
