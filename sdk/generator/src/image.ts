/** Compiles a folder of protos with buf into descriptors with their comments, offline. */
import { createFileRegistry, type DescFile, type FileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parse as parseYaml } from "yaml";
import { GeneratorError } from "./errors.js";

const run = promisify(execFile);

/** Largest image that is read, in bytes. */
const imageBytesMax = 512 * 1024 * 1024;
/** Field of FileDescriptorProto in which buf says whether a file is only imported (buf/alpha/image/v1/image.proto). */
const bufExtensionNumber = 8042;
/** Names of configuration files that make a folder a buf workspace. */
const bufConfigs = ["buf.yaml", "buf.work.yaml"];

/** A compiled contract. */
export interface Image {
  /** Every file with its imports, comments included. */
  readonly registry: FileRegistry;
  /** The contract's own files, sorted by name; the others are imports. */
  readonly ownFiles: readonly DescFile[];
  /** SHA-256 in hex of the own files without comments. */
  readonly hash: string;
  /** Own files by name, with the SHA-256 in hex of their descriptors, comments included. */
  readonly inputs: Readonly<Record<string, string>>;
}

/**
 * Builds the image of a folder. A folder that is a buf workspace, or a module of one, is built as it is. For any other
 * folder the protos that it imports and does not hold are taken from those that come with the generator.
 * @throws GeneratorError with rule `build-failed`, its message what buf said
 */
export async function buildImage(protoDir: string): Promise<Image> {
  const folder = resolve(protoDir);
  if (await isBufModule(folder)) return readImage(await bufBuild(folder, dirname(folder)));
  const workspace = await mkdtemp(join(tmpdir(), "parapet-generate-"));
  try {
    await overlay(folder, workspace);
    return readImage(await bufBuild(join(workspace, "own"), workspace));
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}

/** Reads the bytes of a FileDescriptorSet or of a buf image. Files that buf marks as imports are not own. */
export function readImage(bytes: Uint8Array): Image {
  const set = fromBinary(FileDescriptorSetSchema, bytes);
  const own = set.file.filter((file) => !isImport(file)).sort((a, b) => (a.name < b.name ? -1 : 1));
  // What buf notes about a file is no part of it.
  for (const file of set.file) delete file.$unknown;
  // The registry fills in defaults, so the hashes are taken first.
  const hash = sha256(own.map(bytesWithoutComments));
  const inputs = Object.fromEntries(own.map((file) => [file.name, sha256([toBinary(FileDescriptorProtoSchema, file)])]));
  const registry = createFileRegistry(set);
  return { registry, ownFiles: own.map((file) => registry.getFile(file.name)!), hash, inputs };
}

function bytesWithoutComments(file: FileDescriptorProto): Uint8Array {
  const { sourceCodeInfo } = file;
  delete file.sourceCodeInfo;
  const bytes = toBinary(FileDescriptorProtoSchema, file);
  if (sourceCodeInfo) file.sourceCodeInfo = sourceCodeInfo;
  return bytes;
}

function sha256(parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}\n`).update(part);
  return hash.digest("hex");
}

function isImport(file: FileDescriptorProto): boolean {
  const note = file.$unknown?.find((unknown) => unknown.no === bufExtensionNumber);
  if (note === undefined) return false;
  const outer = new BinaryReader(note.data);
  const reader = new BinaryReader(outer.bytes());
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === 1) return reader.bool();
    reader.skip(wireType, number);
  }
  return false;
}

async function bufBuild(input: string, cwd: string): Promise<Uint8Array> {
  const buf = join(dirname(createRequire(import.meta.url).resolve("@bufbuild/buf")), "bin/buf");
  try {
    const { stdout } = await run(process.execPath, [buf, "build", input, "-o", "-#format=bin"], {
      cwd,
      encoding: "buffer",
      maxBuffer: imageBytesMax,
    });
    return stdout;
  } catch (error) {
    const said = String((error as { stderr?: Buffer }).stderr ?? error).trim();
    const lines = said.split("\n").map((line) => line.replaceAll(`${input}${sep}`, ""));
    throw new GeneratorError(
      lines.map((line) => {
        const [, place, message] = /^(\S+?\.proto(?::\d+:\d+)?):\s*(.*)$/.exec(line) ?? [];
        return { rule: "build-failed", place: place ?? "buf build", message: message ?? line };
      }),
    );
  }
}

/** True if buf itself knows the folder: it is a workspace, or a workspace above names it as a module. */
async function isBufModule(folder: string): Promise<boolean> {
  for (let above = folder; ; above = dirname(above)) {
    for (const name of bufConfigs) {
      const text = await readFile(join(above, name), "utf8").catch(() => undefined);
      if (text === undefined) continue;
      if (above === folder) return true;
      const config = (parseYaml(text) ?? {}) as { modules?: { path?: string }[]; directories?: string[] };
      const paths = [...(config.modules ?? []).map((module) => module.path ?? "."), ...(config.directories ?? [])];
      if (paths.some((path) => resolve(above, path) === folder)) return true;
    }
    if (above === dirname(above)) return false;
  }
}

/** Lays out a workspace of two modules: the folder's protos, and those of ours that it does not hold itself. */
async function overlay(folder: string, workspace: string): Promise<void> {
  const own = await protosIn(folder);
  if (own.length === 0) {
    throw new GeneratorError([{ rule: "build-failed", place: folder, message: "there is no .proto file in this folder" }]);
  }
  const bundled = new Map<string, string>();
  for (const { root, prefix } of bundledRoots()) {
    for (const path of await protosIn(join(root, prefix))) bundled.set(`${prefix}${path}`, join(root, prefix, path));
  }
  for (const path of own) {
    bundled.delete(path);
    await copyTo(join(folder, path), join(workspace, "own", path));
  }
  for (const [path, source] of bundled) await copyTo(source, join(workspace, "bundled", path));
  await mkdir(join(workspace, "bundled"), { recursive: true });
  await writeFile(join(workspace, "buf.yaml"), "version: v2\nmodules:\n  - path: own\n  - path: bundled\n");
}

async function copyTo(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await cp(source, target);
}

async function protosIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".proto"))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((path) => !path.split("/").includes("node_modules"))
    .sort();
}

/** Where the protos that come along are: in the published package, or in the checkout. */
function bundledRoots(): { root: string; prefix: string }[] {
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  return [
    { root: here("../protos"), prefix: "" },
    { root: here("../../../.vendor"), prefix: "" },
    { root: here("../../../proto"), prefix: "parapet/policy/" },
    { root: here("../../../proto"), prefix: "parapet/error/" },
  ];
}
