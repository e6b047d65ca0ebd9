// Takes the browser bundle of the documentation page out of the pinned package, so that nobody installs its 47 MB and its dependencies.
//
//   node tools/docs-page/vendor.mjs            writes server/assets/docs-page/scalar.js.gz
//   node tools/docs-page/vendor.mjs --check    fails if that is not the bundle of the pinned package

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { constants, gunzipSync, gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("../..", import.meta.url));
const asset = join(root, "server/assets/docs-page/scalar.js.gz");
const { name, version, integrity, file, sha256 } = JSON.parse(readFileSync(new URL("scalar.json", import.meta.url), "utf8"));

function run(command, args, cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed:\n${stdout}${stderr}`);
  return stdout;
}

/** The bundle as its authors published it, without the line that names a source map which is not served. */
function published() {
  const folder = mkdtempSync(join(tmpdir(), "parapet-scalar-"));
  try {
    run("npm", ["pack", `${name}@${version}`, "--silent"], folder);
    const tarball = join(folder, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
    const [algorithm, wanted] = integrity.split(/-(.*)/s);
    const got = createHash(algorithm).update(readFileSync(tarball)).digest("base64");
    if (got !== wanted) throw new Error(`${name}@${version} is ${algorithm}-${got}, not what scalar.json says`);
    run("tar", ["-xzf", tarball, "-C", folder, `package/${file}`], folder);
    return readFileSync(join(folder, "package", file), "utf8").replace(/\n\/\/# sourceMappingURL=\S+\s*$/, "\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const bundle = published();
const found = createHash("sha256").update(bundle).digest("hex");
if (found !== sha256) throw new Error(`the bundle's SHA-256 is ${found}, not what scalar.json says`);
if (process.argv.includes("--check")) {
  // Another zlib compresses to other bytes: what counts is what comes out.
  const same = gunzipSync(readFileSync(asset)).toString() === bundle;
  console.log(`${asset} ${same ? "is" : "IS NOT"} the bundle of ${name}@${version}`);
  process.exitCode = same ? 0 : 1;
} else {
  const packed = gzipSync(bundle, { level: constants.Z_BEST_COMPRESSION });
  writeFileSync(asset, packed);
  console.log(`${asset}: ${bundle.length} bytes, ${packed.length} compressed`);
}
