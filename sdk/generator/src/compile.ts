/** Compiles a folder of protos with buf, offline: the bytes of an image. Loads nothing heavy, so that buf can run while the rest of the program is loaded. */
import { execFile } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, realpath, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { GeneratorError } from "./errors.js";
import { FileError, refused } from "./files.js";
import { temporaryFolder } from "./temporary-folder.js";

const run = promisify(execFile);

/** Largest image that is read, in bytes. */
const imageBytesMax = 512 * 1024 * 1024;
/** Names of configuration files that make a folder a buf workspace. */
const bufConfigs = ["buf.yaml", "buf.work.yaml"];

/** A run of buf that has begun. */
export interface Compilation {
  /** The image; rejected with a GeneratorError of rule `build-failed`, its message what buf said. */
  readonly image: Promise<Uint8Array>;
  /** Bytes of the protos in the folder: how much work is ahead. */
  sourceBytes(): Promise<number>;
}

/**
 * Compiles a folder to a buf image; see `startCompile`.
 * @throws GeneratorError with rule `build-failed`, its message what buf said
 */
export async function compile(protoDir: string, paths: readonly string[] = []): Promise<Uint8Array> {
  return (await startCompile(protoDir, paths)).image;
}

/**
 * Starts to compile a folder to a buf image: when this resolves, buf is running. A folder that is a buf workspace, or a module
 * of one, is built as it is. For any other folder the protos that it imports and does not hold are taken from those that
 * come with the generator.
 * @param paths files and folders within it; where some are given, all others are only imported
 * @throws GeneratorError with rule `build-failed` where there is nothing to compile
 */
export async function startCompile(protoDir: string, paths: readonly string[] = []): Promise<Compilation> {
  const folder = resolve(protoDir);
  if (await isBufModule(folder)) {
    return { image: bufBuild(folder, dirname(folder), paths), sourceBytes: async () => bytesOf(folder, await protosIn(folder)) };
  }
  const own = await protosIn(folder).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof FileError) throw error;
    throw unusable(error.path ?? folder, unreadable[error.code ?? ""] ?? error.message);
  });
  if (own.length === 0) throw unusable(folder, "there is no .proto file in this folder");
  const { path: workspace, remove } = await temporaryFolder("parapet-generate-");
  try {
    await layOut(folder, own, workspace);
  } catch (error) {
    await remove();
    throw refused(workspace, error);
  }
  const image = bufBuild(join(workspace, "own"), workspace, paths);
  // Nobody waits for that; what is left behind lies in the system's folder for such files.
  image.then(remove, remove).catch(() => undefined);
  return { image, sourceBytes: () => bytesOf(folder, own) };
}

/** What is wrong with a folder of protos, by the code of the system's error. */
const unreadable: Readonly<Record<string, string>> = {
  ENOENT: "there is no such folder",
  ENOTDIR: "this is no folder",
  EACCES: "this folder may not be read",
};

function unusable(place: string, message: string): GeneratorError {
  return new GeneratorError([{ rule: "build-failed", place, message }]);
}

async function bufBuild(input: string, cwd: string, paths: readonly string[]): Promise<Uint8Array> {
  try {
    const [command, ...args] = bufCommand();
    const { stdout } = await run(command, [...args, "build", input, ...paths.flatMap((path) => ["--path", join(input, path)]), "-o", "-#format=bin"], {
      cwd,
      encoding: "buffer",
      maxBuffer: imageBytesMax,
      // A program that is over in a moment need not collect its garbage often.
      env: { GOGC: "400", ...process.env },
    });
    return stdout;
  } catch (error) {
    const { code, signal, stderr } = error as { code?: string | number; signal?: string; stderr?: Buffer };
    // A number is what buf says itself; else it did not come so far.
    if (typeof code !== "number") throw unusable("buf build", signal ? `buf was ended by ${signal}` : `buf cannot run: ${(error as Error).message}`);
    const said = String(stderr).trim();
    const lines = said.split("\n").map((line) => line.replaceAll(`${input}${sep}`, ""));
    throw new GeneratorError(
      lines.map((line) => {
        const [, place, message] = /^(\S+?\.proto(?::\d+:\d+)?):\s*(.*)$/.exec(line) ?? [];
        return { rule: "build-failed", place: place ?? "buf build", message: message ?? line };
      }),
    );
  }
}

/** The program itself where npm installed it for this platform; else the script of the same package, which starts one more Node to find it. */
function bufCommand(): [command: string, ...args: string[]] {
  const { resolve: locate } = createRequire(import.meta.url);
  const arch = { arm: "armv7", arm64: process.platform === "linux" ? "aarch64" : "arm64" }[process.arch as string] ?? process.arch;
  try {
    return [locate(`@bufbuild/buf-${process.platform}-${arch}/bin/buf${process.platform === "win32" ? ".exe" : ""}`)];
  } catch {
    return [process.execPath, join(dirname(locate("@bufbuild/buf")), "bin/buf")];
  }
}

/** True if buf itself knows the folder: it is a workspace, or a workspace above names it as a module. */
async function isBufModule(folder: string): Promise<boolean> {
  for (let above = folder; ; above = dirname(above)) {
    for (const name of bufConfigs) {
      const text = await readFile(join(above, name), "utf8").catch(() => undefined);
      if (text === undefined) continue;
      if (above === folder) return true;
      const { parse } = await import("yaml");
      const config = (parse(text) ?? {}) as { modules?: { path?: string }[]; directories?: string[] };
      const paths = [...(config.modules ?? []).map((module) => module.path ?? "."), ...(config.directories ?? [])];
      if (paths.some((path) => resolve(above, path) === folder)) return true;
    }
    if (above === dirname(above)) return false;
  }
}

/** Lays out a workspace of two modules: the folder's protos, and those of ours that it does not hold itself. */
async function layOut(folder: string, own: readonly string[], workspace: string): Promise<void> {
  const bundled = new Map<string, string>();
  const roots = bundledRoots();
  for (const [index, paths] of (await Promise.all(roots.map(({ root, prefix }) => protosIn(join(root, prefix)).catch(() => [])))).entries()) {
    const { root, prefix } = roots[index]!;
    for (const path of paths) bundled.set(`${prefix}${path}`, join(root, prefix, path));
  }
  for (const path of own) bundled.delete(path);
  const copies = [
    ...own.map((path) => [join(folder, path), join(workspace, "own", path)] as const),
    ...[...bundled].map(([path, source]) => [source, join(workspace, "bundled", path)] as const),
  ];
  const folders = new Set([join(workspace, "bundled"), ...copies.map(([, target]) => dirname(target))]);
  await Promise.all([...folders].map((each) => mkdir(each, { recursive: true })));
  await Promise.all([
    ...copies.map(([source, target]) => copyFile(source, target).catch((error: unknown) => Promise.reject(refused(source, error)))),
    writeFile(join(workspace, "buf.yaml"), "version: v2\nmodules:\n  - path: own\n  - path: bundled\n"),
  ]);
}

/**
 * Paths of the protos in a folder, installed packages left out. Links count as what they lead to, as buf takes them.
 * @param followed where the links on the way have led to
 * @throws FileError for a proto that is a link to nothing
 */
async function protosIn(folder: string, below = "", followed: readonly string[] = []): Promise<string[]> {
  const entries = await readdir(join(folder, below), { withFileTypes: true });
  const found = entries.map(async (entry): Promise<string[]> => {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isSymbolicLink()) return linkedProtos(folder, path, followed);
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : protosIn(folder, path, followed);
    return entry.isFile() && entry.name.endsWith(".proto") ? [path] : [];
  });
  return (await Promise.all(found)).flat().sort();
}

/** What a link leads to. A folder that it is in, or has been led to before, would never end. */
async function linkedProtos(folder: string, path: string, followed: readonly string[]): Promise<string[]> {
  const link = join(folder, path);
  const isProto = path.endsWith(".proto");
  const found = await stat(link).catch((error: unknown) => {
    if (isProto) throw new FileError(link, "this link leads nowhere", { cause: error });
    return undefined;
  });
  if (!found?.isDirectory()) return found?.isFile() && isProto ? [path] : [];
  const [root, place, target] = await Promise.all([realpath(folder), realpath(dirname(link)), realpath(link)]);
  if (basename(target) === "node_modules" || [root, place, ...followed].some((each) => isWithin(each, target))) return [];
  return protosIn(folder, path, [...followed, target]);
}

const isWithin = (path: string, folder: string): boolean => `${path}${sep}`.startsWith(`${folder}${sep}`);

async function bytesOf(folder: string, paths: readonly string[]): Promise<number> {
  const sizes = await Promise.all(paths.map(async (path) => (await stat(join(folder, path))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
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
