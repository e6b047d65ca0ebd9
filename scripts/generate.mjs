// Makes everything that the contract is the source of: TypeScript messages, REST routes, OpenAPI, SDK and conformance cases.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Each target of the generator with the folder it writes to. */
const targets = [
  "contract=gen/src",
  "rest=gen/src/rest",
  "openapi=openapi",
  "openapi-module=gen/src/openapi",
  "conformance=gen/src/conformance",
  "typescript=sdk/typescript",
  "cli=sdk/cli/src/gen",
  "docs=docs/reference",
];
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const info = [
  "title=Parapet",
  `version=${version}`,
  "description=Documents behind authentication, limits and an audit log: the REST side of a contract that gRPC, gRPC-Web and Connect serve alike.",
  "license=Apache 2.0",
  "licenseId=Apache-2.0",
  "sdk=@parapet/sdk",
];
const options = ["openapi.name=parapet", "typescript.source=src/gen", "typescript.package=@parapet/sdk", "cli.main=false", "docs.title=Parapet: every method", ...["openapi", "openapi-module"].flatMap((target) => info.map((setting) => `${target}.${setting}`))];

/** Contracts that are not Parapet's own, each a folder with `proto/`, `buf.gen.yaml` and the generated `src/gen/`. */
const examples = ["examples/bring-your-own"];

const bin = (folder, name) => join(root, folder, "node_modules", name);
const steps = [
  { name: "vendor protos", args: [join(root, "scripts/vendor-protos.mjs")] },
  { name: "buf generate", args: [bin("", "@bufbuild/buf/bin/buf"), "generate"] },
  { name: "descriptors for browsers", args: [join(root, "scripts/web-descriptors.mjs")] },
  { name: "build the generator", args: [bin("", "typescript/bin/tsc"), "-b", "sdk/generator"] },
  {
    name: "parapet-generate",
    args: [
      join(root, "sdk/generator/bin/parapet-generate.js"),
      "--proto", "proto", "--out", ".", "--manifest", "gen/manifest.json",
      ...targets.flatMap((target) => ["--target", target]),
      ...options.flatMap((option) => ["--option", option]),
    ],
  },
  {
    name: "openapi-typescript",
    args: [join(root, "sdk/openapi-types/generate.mjs"), "openapi/parapet.openapi.yaml", "gen/src/openapi/types.ts"],
  },
  ...examples.flatMap((folder) => [
    { name: `buf generate ${folder}`, args: [bin("", "@bufbuild/buf/bin/buf"), "generate", "--template", `${folder}/buf.gen.yaml`] },
    {
      name: `parapet-generate ${folder}`,
      args: [join(root, "sdk/generator/bin/parapet-generate.js"), "--proto", `${folder}/proto`, "--out", `${folder}/src/gen`, "--target", "rest"],
    },
  ]),
  { name: "build the contract", args: [bin("", "typescript/bin/tsc"), "-b", "gen"] },
];

for (const { name, args } of steps) {
  const start = performance.now();
  const path = [bin("", ".bin"), process.env.PATH].join(process.platform === "win32" ? ";" : ":");
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit", env: { ...process.env, PATH: path } });
  console.log(`generate: ${name} ${status === 0 ? "done" : "FAILED"} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  if (status !== 0) process.exit(status ?? 1);
}
