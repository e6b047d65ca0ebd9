/** The command `init`: a small annotated contract with everything around it, in an empty folder. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeFolder } from "../files.js";
import { type Command, UsageError } from "./command.js";
import { resourceDefault, writeCredentials } from "./credentials.js";

const templates = fileURLToPath(new URL("../../templates/notes", import.meta.url));
/** npm leaves files of these names out of packages, so they are packed under others. */
const renamed: Readonly<Record<string, string>> = { gitignore: ".gitignore" };
/** What a folder may hold and count as empty. */
const harmless = new Set([".git", ".DS_Store"]);

/** Writes the project. */
export const initCommand: Command = {
  usage: "[DIR]",
  summary: "write a small annotated contract with a server, a README and credentials into an empty folder",
  async run(args, { out, randomBytes }) {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true, options: {} });
    if (positionals.length > 1) throw new UsageError("init takes one folder");
    const folder = resolve(positionals[0] ?? ".");
    const there = (await readdir(folder).catch(() => [])).filter((name) => !harmless.has(name));
    if (there.length > 0) throw new UsageError(`${folder} is not empty: it holds ${there[0]}`);
    const values = { name: packageName(basename(folder)), version: await ownVersion() };
    const written = [...(await writeTemplates(folder, values)), ...(await writeCredentials(folder, resourceDefault, randomBytes))];
    for (const path of written.sort()) out(path);
    out(`parapet-generate: ${written.length} files written; README.md says how to go on`);
    return 0;
  },
};

async function writeTemplates(folder: string, values: Readonly<Record<string, string>>): Promise<string[]> {
  const written: string[] = [];
  for (const entry of await readdir(templates, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const source = join(entry.parentPath, entry.name);
    const path = join(relative(templates, entry.parentPath), renamed[entry.name] ?? entry.name);
    const text = (await readFile(source, "utf8")).replace(/\{\{(\w+)\}\}/g, (whole, name: string) => values[name] ?? whole);
    await makeFolder(dirname(join(folder, path)));
    await writeFile(join(folder, path), text, { flag: "wx" });
    written.push(path);
  }
  return written;
}

/** A folder's name as npm takes it. */
function packageName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9._-]+/g, "-").replace(/^[._-]+|-+$/g, "") || "notes";
}

async function ownVersion(): Promise<string> {
  return (JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8")) as { version: string }).version;
}
