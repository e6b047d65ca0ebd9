// Copies the protos that strangers' contracts import into the generator's package, before it is packed.

import { cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const target = join(root, "sdk/generator/protos");

rmSync(target, { recursive: true, force: true });
cpSync(join(root, ".vendor"), target, { recursive: true, filter: (path) => !path.endsWith("stamp.txt") });
for (const name of ["policy", "error"]) cpSync(join(root, "proto/parapet", name), join(target, "parapet", name), { recursive: true });
console.log(`bundle-protos: ${readdirSync(target, { recursive: true }).filter((path) => path.endsWith(".proto")).length} files`);
