/** Puts generated files on disk, and knows which files it may touch. */
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { OutputFile } from "./model.js";
import { generatedMark } from "./targets/mark.js";

/** What was read and written: the memory between two runs. */
export interface Manifest {
  /** Name of the generator. */
  readonly generator: string;
  /** Own proto files with the SHA-256 of their descriptors, comments included. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Generated files, relative to the output folder, with their SHA-256. */
  readonly outputs: Readonly<Record<string, string>>;
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

/** A generated text's SHA-256 in hex. */
export function hashOf(content: string): string {
  // Bytes are hashed several times faster than text, even if they have to be made first.
  return createHash("sha256").update(Buffer.from(content)).digest("hex");
}

/** The manifest of a set of files. */
export function manifestOf(inputs: Readonly<Record<string, string>>, files: readonly OutputFile[]): Manifest {
  const outputs = Object.fromEntries(sorted(ours(files)).map(({ path, content }) => [path, hashOf(content)]));
  return { generator: "parapet-generate", inputs, outputs };
}

/** Compares a folder with what would be written. A file is ours if the manifest lists it or its first line has our mark. */
export async function driftOf(out: string, manifestFile: string, files: readonly OutputFile[]): Promise<Drift> {
  const drift = { missing: [] as string[], changed: [] as string[], stale: [] as string[], foreign: [] as string[] };
  const known = (await readManifest(manifestFile))?.outputs ?? {};
  const wanted = sorted(ours(files));
  const texts = await inParallel(wanted, ({ path }) => readText(join(out, path)));
  for (const [index, { path, content }] of wanted.entries()) {
    const there = texts[index];
    if (there === undefined) drift.missing.push(path);
    else if (there === content) continue;
    else if (path in known || there.slice(0, there.indexOf("\n")).includes(generatedMark)) drift.changed.push(path);
    else drift.foreign.push(path);
  }
  const paths = new Set(files.map(({ path }) => path));
  for (const path of Object.keys(known)) {
    if (!paths.has(path) && (await readText(join(out, path))) !== undefined) drift.stale.push(path);
  }
  return drift;
}

/** Writes what is missing or changed, removes what is stale and untouched since, writes the manifest. Says what it did. */
export async function writeFiles(out: string, manifestFile: string, files: readonly OutputFile[], manifest: Manifest): Promise<Drift> {
  const drift = await driftOf(out, manifestFile, files);
  if (drift.foreign.length > 0) return drift;
  const due = new Set([...drift.missing, ...drift.changed]);
  await inParallel(files, async ({ path, content, once }) => {
    if (once ? (await readText(join(out, path))) === undefined : due.has(path)) await writeText(join(out, path), content);
  });
  const known = (await readManifest(manifestFile))?.outputs ?? {};
  for (const path of drift.stale) {
    const text = await readText(join(out, path));
    if (text !== undefined && hashOf(text) === known[path]) await rm(join(out, path));
  }
  const text = manifestText(manifest);
  if ((await readText(manifestFile)) !== text) await writeText(manifestFile, text);
  return drift;
}

/** True if the manifest on disk is the one given. */
export async function manifestHolds(manifestFile: string, manifest: Manifest): Promise<boolean> {
  return (await readText(manifestFile)) === manifestText(manifest);
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
  const text = await readText(file);
  return text === undefined ? undefined : (JSON.parse(text) as Manifest);
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function writeText(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

/** What is generated for good: files written once are their owner's. */
function ours(files: readonly OutputFile[]): readonly OutputFile[] {
  return files.filter(({ once }) => once !== true);
}

function sorted(files: readonly OutputFile[]): OutputFile[] {
  return [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
}
