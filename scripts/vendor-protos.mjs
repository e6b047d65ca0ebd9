// Fills the git-ignored folder .vendor with the protos that the contract imports, taken from installed npm packages.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const target = join(root, ".vendor");
const stampFile = join(target, "stamp.txt");
const validatePath = "buf/validate/validate.proto";

/** Where each copied proto comes from: package, folder in that package, path there → import path. */
const copies = [
  ...["api/annotations", "api/field_behavior", "api/http", "api/httpbody", "rpc/code", "rpc/error_details", "rpc/status"].map(
    (name) => ({ package: "google-gax", file: `build/protos/google/${name}.proto`, path: `google/${name}.proto` }),
  ),
  { package: "grpc-health-check", file: "proto/health/v1/health.proto", path: "grpc/health/v1/health.proto" },
  {
    package: "@grpc/reflection",
    file: "build/proto/grpc/reflection/v1/reflection.proto",
    path: "grpc/reflection/v1/reflection.proto",
  },
];
/** Packages whose code takes part in printing validate.proto. */
const printers = ["@bufbuild/protobuf", "@bufbuild/protovalidate", "@bufbuild/buf"];

const packages = new Map(
  [...new Set([...copies.map((copy) => copy.package), ...printers])].map((name) => [name, findPackage(name)]),
);
const stamp = makeStamp();
if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== stamp) {
  rmSync(target, { recursive: true, force: true });
  for (const copy of copies) write(copy.path, readFileSync(join(packages.get(copy.package).folder, copy.file)));
  await printValidate();
  write("stamp.txt", stamp);
  console.log(`vendor-protos: ${copies.length + 1} files written to .vendor`);
}

/** The npm packages ship validate.proto as generated code only: print it from the descriptor, then prove the print. */
async function printValidate() {
  const { createFileRegistry, createRegistry, fromBinary, toBinary } = await import("@bufbuild/protobuf");
  const { FileDescriptorProtoSchema, FileDescriptorSetSchema } = await import("@bufbuild/protobuf/wkt");
  const { file_buf_validate_validate: file } = await import("@bufbuild/protovalidate/gen/buf/validate/validate_pb.js");
  const { printProtoFile } = await import("./proto-printer.mjs");
  const { name, version } = packages.get("@bufbuild/protovalidate");
  const text = printProtoFile(file.proto, createRegistry(file));
  write(validatePath, `// Printed from the descriptor in ${name} ${version}: generated, not for editing.\n\n${text}`);

  const buf = join(packages.get("@bufbuild/buf").folder, "bin/buf");
  const only = ["--path", join(target, validatePath), "--as-file-descriptor-set", "--exclude-source-info"];
  const image = execFileSync(process.execPath, [buf, "build", target, ...only, "-o", "-"]);
  // A registry fills in the default json_name of every field, so both sides are compared in the same form.
  const rebuilt = createFileRegistry(fromBinary(FileDescriptorSetSchema, image)).getFile(validatePath)?.proto;
  const bytesOf = (proto) => Buffer.from(toBinary(FileDescriptorProtoSchema, proto));
  if (rebuilt === undefined || !bytesOf(rebuilt).equals(bytesOf(file.proto))) {
    throw new Error(`${validatePath} as printed does not compile to the descriptor in ${name} ${version}.`);
  }
}

/** Names everything that decides the content: package versions and the text of these scripts. */
function makeStamp() {
  const scripts = ["vendor-protos.mjs", "proto-printer.mjs"].map((name) => {
    const text = readFileSync(new URL(name, import.meta.url));
    return `${name} ${createHash("sha256").update(text).digest("hex")}\n`;
  });
  return [...[...packages.values()].map(({ name, version }) => `${name} ${version}\n`), ...scripts].join("");
}

/** Finds a package by its entry point, because not every package exports its package.json. */
function findPackage(name) {
  let folder = dirname(fileURLToPath(import.meta.resolve(name)));
  for (; folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (!existsSync(manifest)) continue;
    const found = JSON.parse(readFileSync(manifest, "utf8"));
    if (found.name === name) return { name, version: found.version, folder };
  }
  throw new Error(`Package ${name} has no package.json above its entry point.`);
}

function write(path, content) {
  const file = join(target, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}
