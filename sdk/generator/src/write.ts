/** Puts generated files on disk, and knows which files it may touch. */
import { join } from "node:path";
import { FileError, readBytes, remove, write, writeWhole } from "./files.js";
import { hashOf, type MadeFile } from "./made.js";
import { generatedMark } from "./targets/mark.js";

/** What was read and written: the memory between two runs. */
export interface Manifest {
  /** Name of the generator. */
  readonly generator: string;
  /** Own proto files with the SHA-256 of their descriptors, comments included. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Generated files, relative to the output folder, with their SHA-256. */
  readonly outputs: Readonly<Record<string, string>>;
  /** True from the first file that a run writes or removes to its last one: `outputs` are then those before and those to come. */
  readonly unfinished?: true;
}

/** How a folder differs from what would be written, by path. */
export interface Drift {
  /** Generated files that are not there. */
  readonly missing: readonly string[];
  /** Generated files whose text is another. */
  readonly changed: readonly string[];
  /** Files of an earlier run that are not generated any more. */
  readonly stale: readonly string[];
  /** Files that would be overwritten, but were not written by this program. */
  readonly foreign: readonly string[];
}

/**
 * Files that are their owner's, are gone, and are missed by a generated one, by path.
 * @throws FileError
 */
export async function goneOf(out: string, files: readonly MadeFile[]): Promise<{ readonly path: string; readonly importedBy: string }[]> {
  const missed = files.flatMap(({ path, importedBy }) => (importedBy === undefined ? [] : [{ path, importedBy }]));
  const found = await inParallel(missed, ({ path }) => readBytes(join(out, path)));
  return missed.filter((_, index) => found[index] === undefined);
}

/** The manifest of a set of files. */
export function manifestOf(inputs: Readonly<Record<string, string>>, files: readonly MadeFile[]): Manifest {
  const outputs = Object.fromEntries(sorted(ours(files)).map(({ path, hash }) => [path, hash]));
  return { generator: "parapet-generate", inputs, outputs };
}

/**
 * Compares a folder with what would be written. A file is ours if the manifest lists it or its first line has our mark.
 * @throws FileError
 */
export async function driftOf(out: string, manifestFile: string, files: readonly MadeFile[]): Promise<Drift> {
  const drift = { missing: [] as string[], changed: [] as string[], stale: [] as string[], foreign: [] as string[] };
  const known = (await readManifest(manifestFile))?.outputs ?? {};
  const wanted = sorted(ours(files));
  const found = await inParallel(wanted, ({ path }) => readBytes(join(out, path)));
  for (const [index, { path, bytes }] of wanted.entries()) {
    const there = found[index];
    if (there === undefined) drift.missing.push(path);
    else if (there.equals(bytes)) continue;
    else if (Object.hasOwn(known, path) || isMarked(there)) drift.changed.push(path);
    else drift.foreign.push(path);
  }
  const paths = new Set(files.map(({ path }) => path));
  for (const path of Object.keys(known)) {
    if (!paths.has(path) && (await readBytes(join(out, path))) !== undefined) drift.stale.push(path);
  }
  return drift;
}

/**
 * Writes what is missing or changed, removes what is stale and untouched since, writes the manifest. Says what it did. A run
 * that is stopped leaves a manifest that says so, and lists what it was about to write: the next one goes on.
 * @throws FileError
 */
export async function writeFiles(out: string, manifestFile: string, files: readonly MadeFile[], manifest: Manifest): Promise<Drift & { readonly written: number }> {
  const drift = await driftOf(out, manifestFile, files);
  if (drift.foreign.length > 0) return { ...drift, written: 0 };
  const due = new Set([...drift.missing, ...drift.changed]);
  const known = (await readManifest(manifestFile))?.outputs ?? {};
  if (due.size + drift.stale.length > 0) {
    await writeWhole(manifestFile, manifestText({ ...manifest, outputs: { ...known, ...manifest.outputs }, unfinished: true }));
  }
  const writes = await inParallel(files, async ({ path, bytes, once }) => {
    const file = join(out, path);
    // Half of a file that is its owner's would never be noticed.
    const isNew = once && (await readBytes(file)) === undefined;
    if (isNew) await writeWhole(file, bytes);
    else if (due.has(path)) await write(file, bytes);
    return isNew || due.has(path);
  });
  for (const path of drift.stale) {
    const bytes = await readBytes(join(out, path));
    if (bytes !== undefined && hashOf(bytes) === known[path]) await remove(join(out, path));
  }
  if (!(await manifestHolds(manifestFile, manifest))) await writeWhole(manifestFile, manifestText(manifest));
  return { ...drift, written: writes.filter(Boolean).length };
}

/**
 * True if the manifest on disk is the one given.
 * @throws FileError
 */
export async function manifestHolds(manifestFile: string, manifest: Manifest): Promise<boolean> {
  return (await readBytes(manifestFile))?.toString("utf8") === manifestText(manifest);
}

/**
 * True if a run that wrote here was stopped before its end.
 * @throws FileError
 */
export async function isUnfinished(manifestFile: string): Promise<boolean> {
  return (await readManifest(manifestFile))?.unfinished === true;
}

/** Files that are worked on at once: enough to keep a disk busy, few enough for the system's limit of open files. */
const filesAtOnce = 16;

/** Does the same with every item, some at a time; results in the order of the items. */
async function inParallel<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const lane = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: filesAtOnce }, lane));
  return results;
}

function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

async function readManifest(file: string): Promise<Manifest | undefined> {
  const text = (await readBytes(file))?.toString("utf8");
  if (text === undefined) return undefined;
  try {
    const manifest = JSON.parse(text) as Partial<Manifest> | null;
    const outputs = manifest?.outputs;
    if (typeof outputs === "object" && outputs !== null && Object.values(outputs).every((hash) => typeof hash === "string")) return manifest as Manifest;
    throw new Error("it has no outputs");
  } catch (error) {
    throw new FileError(file, `this is no manifest of parapet-generate: ${(error as Error).message}. Restore it, or remove it and generate again`, { cause: error });
  }
}

/** True if the first line says that this program wrote the file. */
function isMarked(bytes: Buffer): boolean {
  const end = bytes.indexOf("\n");
  return bytes.toString("utf8", 0, end === -1 ? bytes.length : end).includes(generatedMark);
}

/** What is generated for good: files written once are their owner's. */
function ours(files: readonly MadeFile[]): readonly MadeFile[] {
  return files.filter(({ once }) => once !== true);
}

function sorted(files: readonly MadeFile[]): MadeFile[] {
  return [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
}
