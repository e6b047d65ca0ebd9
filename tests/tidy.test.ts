// Keeps the rules of the house that neither the compiler nor the linter knows.

import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const linesMax = 600;

/** Folders that hold other people's work or what a build leaves behind. */
const foreign = new Set(["node_modules", "dist", "coverage", ".git", ".vendor", ".parapet"]);
/** Folders whose files a generator writes. */
const generated = new Set(["gen", "golden"]);
const readable = new Set([".ts", ".mjs", ".js", ".json", ".md", ".yaml", ".yml", ".proto", ".sh"]);

interface SourceFile {
  /** Relative to the root, with forward slashes. */
  path: string;
  lines: string[];
}

/** Direction of imports: what a folder must never import, with the reason. */
const bans = [
  { from: "sdk/typescript", never: "server", why: "a client that knows the server's code proves nothing about the contract" },
  { from: "conformance", never: "server", why: "conformance speaks over the wire, to any deployment" },
  { from: "server", never: "sdk/typescript", why: "the server stands below its clients" },
  { from: "server", never: "conformance", why: "the server stands below what judges it" },
];

const texts = listFiles("").map(read);
const sources = texts.filter(
  ({ path }) => [".ts", ".mjs"].includes(extname(path)) && !path.split("/").some((part) => generated.has(part)),
);
const tests = sources.filter(({ path }) => /\.test\.(?:ts|mjs)$/.test(path));

describe("every source file", () => {
  it("starts with its purpose in one line of comment", () => {
    const first = ({ lines }: SourceFile) => (lines[0]?.startsWith("#!") ? lines[1] : lines[0]) ?? "";
    expect(offenders(sources, (file) => (/^(?:\/\/|\/\*\*) \S/.test(first(file)) ? [] : [first(file)]))).toEqual([]);
  });

  it(`has at most ${linesMax} lines`, () => {
    expect(offenders(sources, ({ lines }) => (lines.length <= linesMax ? [] : [`${lines.length} lines`]))).toEqual([]);
  });

  it("is named in kebab-case", () => {
    const kebab = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*\.(?:ts|mjs)$/;
    expect(offenders(sources, ({ path }) => (kebab.test(basename(path)) ? [] : [basename(path)]))).toEqual([]);
  });

  it("imports only downwards", () => {
    const packages = packageFolders();
    const banned = (file: SourceFile) =>
      bans
        .filter(({ from }) => isInside(file.path, from))
        .flatMap(({ never, why }) =>
          importsOf(file)
            .filter((specifier) => isInside(targetOf(file, specifier, packages), never))
            .map((specifier) => `${specifier}: ${why}`),
        );
    expect(offenders(sources, banned)).toEqual([]);
  });
});

describe("every test", () => {
  it("runs: none is singled out or left out by hand", () => {
    const marked = /\b(?:it|test|describe|suite|bench)(?:\.\w+)*\.(?:only|skip|todo)\b/;
    expect(offenders(tests, ({ lines }) => lines.filter((line) => marked.test(line)))).toEqual([]);
  });
});

describe("every file", () => {
  it("is free of paths that exist on one machine only", () => {
    const machinePath = /(?<![\w.}~-])\/(?:home|Users|root|work)\/[\w.-]|\b[A-Z]:\\\\?Users\\/;
    expect(offenders(texts, ({ lines }) => lines.filter((line) => machinePath.test(line)))).toEqual([]);
  });
});

/** One text per violation, so that a failing test names file and fault. */
function offenders(files: SourceFile[], faultsOf: (file: SourceFile) => string[]): string[] {
  return files.flatMap((file) => faultsOf(file).map((fault) => `${file.path}: ${fault.trim()}`));
}

function listFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return foreign.has(entry.name) ? [] : listFiles(path);
    return entry.isFile() && readable.has(extname(entry.name)) ? [path] : [];
  });
}

function read(path: string): SourceFile {
  return { path, lines: readFileSync(join(root, path), "utf8").replace(/\n$/, "").split("\n") };
}

/** Package name → folder, for every package.json in the repository. */
function packageFolders(): Map<string, string> {
  return new Map(
    texts
      .filter(({ path }) => basename(path) === "package.json" && path !== "package.json")
      .map(({ path, lines }) => [(JSON.parse(lines.join("\n")) as { name: string }).name, dirname(path)]),
  );
}

function importsOf({ lines }: SourceFile): string[] {
  const specifier = /(?:\bfrom\s*|\bimport\s*\(?\s*)["']([^"']+)["']/g;
  return Array.from(lines.join("\n").matchAll(specifier), ([, found]) => found ?? "");
}

/** The repository path that a specifier leads to, or "" for what lies outside. */
function targetOf(file: SourceFile, specifier: string, packages: Map<string, string>): string {
  if (specifier.startsWith(".")) return normalize(join(dirname(file.path), specifier)).split(sep).join("/");
  const name = specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1);
  return packages.get(name.join("/")) ?? "";
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
