// Copies protos into the packages that strangers' contracts import them from, before those are packed: `bundle-protos.mjs [generator|contract]`.

import { cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Each package with the folder it ships, and the packages of our own contract that go into it; all that they import comes along. */
const packages = {
  generator: { folder: "sdk/generator/protos", own: ["policy", "error"] },
  contract: { folder: "gen/proto", own: readdirSync(join(root, "proto/parapet")) },
};

const { folder, own } = packages[process.argv[2] ?? "generator"];
const target = join(root, folder);

rmSync(target, { recursive: true, force: true });
cpSync(join(root, ".vendor"), target, { recursive: true, filter: (path) => !path.endsWith("stamp.txt") });
for (const name of own) cpSync(join(root, "proto/parapet", name), join(target, "parapet", name), { recursive: true });
console.log(`bundle-protos: ${readdirSync(target, { recursive: true }).filter((path) => path.endsWith(".proto")).length} files`);
