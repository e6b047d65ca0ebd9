// Spells the descriptors for browsers out: names in plain text compress to half of what they do in base64.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../gen/src/web", import.meta.url));

for (const path of readdirSync(folder, { recursive: true })) {
  if (!path.endsWith("_pb.ts")) continue;
  const file = join(folder, path);
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replace(/\bfileDesc\("([^"]+)"/, (_, base64) => `fileDesc(/*@__PURE__*/ btoa(${literal(Buffer.from(base64, "base64"))})`));
}

/** Bytes as a string literal with one character a byte. */
function literal(bytes) {
  const plain = (byte) => byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
  return `"${Array.from(bytes, (byte) => (plain(byte) ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`)).join("")}"`;
}
