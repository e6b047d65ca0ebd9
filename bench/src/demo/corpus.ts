/** Finds the README files of the installed packages and makes documents of them. */
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";

/** One README as a document to add. */
export interface CorpusDocument {
  /** Name of the package; the file's path where another README of that package came first. */
  readonly key: string;
  readonly lang: string;
  /** What its package.json says of it: name, version, license, keywords, author. */
  readonly meta: Readonly<Record<string, readonly string[]>>;
  readonly contentMd: string;
}

/** The facts of a package.json that become meta data. Anything may stand in such a file. */
interface Manifest {
  readonly name?: unknown;
  readonly version?: unknown;
  readonly license?: unknown;
  readonly licenses?: unknown;
  readonly keywords?: unknown;
  readonly author?: unknown;
}

const readmeName = /^readme\.md$/i;
/** `Name <address> (page)`: only the name is wanted. */
const nameInAuthor = /^[^<(]+/;

/** All README files below a `node_modules` folder, in the order of their paths. Links are not followed: they lead to packages of one's own. */
export async function readCorpus(nodeModules: string): Promise<readonly CorpusDocument[]> {
  const paths = (await readmesBelow(nodeModules)).sort((a, b) => depthOf(a) - depthOf(b) || (a < b ? -1 : 1));
  const keys = new Set<string>();
  const documents: CorpusDocument[] = [];
  for (const path of paths) {
    const contentMd = await readFile(path, "utf8");
    const manifest = await manifestOf(dirname(path), nodeModules);
    const name = textOf(manifest.name);
    const key = name !== undefined && !keys.has(name) ? name : relative(nodeModules, path).split(sep).join("/");
    keys.add(key);
    documents.push({ key, lang: "en", meta: metaOf(manifest), contentMd });
  }
  return documents;
}

function depthOf(path: string): number {
  return path.split(sep).length;
}

async function readmesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return readmesBelow(path);
      return entry.isFile() && readmeName.test(entry.name) ? [path] : [];
    }),
  );
  return found.flat();
}

/** The nearest package.json that names a package; many packages have others, without a name, further down. */
async function manifestOf(folder: string, top: string): Promise<Manifest> {
  for (let at = folder; at.length > top.length; at = dirname(at)) {
    const manifest = await readManifest(join(at, "package.json"));
    if (textOf(manifest?.name) !== undefined) return manifest!;
  }
  return {};
}

async function readManifest(path: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Manifest;
  } catch {
    return undefined;
  }
}

/** Meta data of a package; what its manifest does not say is left out. */
export function metaOf({ name, version, license, licenses, keywords, author }: Manifest): Readonly<Record<string, readonly string[]>> {
  const values = {
    name: textsOf(name),
    version: textsOf(version),
    license: textsOf(license ?? licenses, "type"),
    keywords: textsOf(keywords),
    author: textsOf(author, "name").map((text) => nameInAuthor.exec(text)?.[0].trim() ?? text),
  };
  return Object.fromEntries(Object.entries(values).filter(([, texts]) => texts.length > 0));
}

/** Texts of a value that may be a text, an object with a text in `field`, or a list of such. */
function textsOf(value: unknown, field?: string): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => textsOf(one, field));
  const text = textOf(value) ?? (field === undefined || typeof value !== "object" ? undefined : textOf((value as Record<string, unknown> | null)?.[field]));
  return text === undefined ? [] : [text];
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
