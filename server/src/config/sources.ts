/** Gathers the texts of variables from the environment, `.env` and the YAML file. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseEnv } from "node:util";

/** For what only a YAML file needs: most servers have none, and its parser is an eighth of the modules that a start reads. */
const require = createRequire(import.meta.url);

/** A text that was given for a name. */
export interface Given {
  /** The name as it was written, e.g. `MDDB_AUTH_ENABLED`. */
  readonly name: string;
  readonly text: string;
  /** Where it was written, e.g. `environment`, `.env`, `parapet.yaml (auth.jwtSecret)`. */
  readonly source: string;
}

/** A problem of a source as a whole. */
export interface SourceProblem {
  readonly source: string;
  readonly problem: string;
}

/** What a source gave. */
export interface Source {
  readonly given: readonly Given[];
  readonly problems: readonly SourceProblem[];
}

const ours = /^(?:PARAPET|MDDB)_/;

/** Reads the environment. Empty texts count as not given, as container tools write them for unset variables. */
export function fromEnvironment(env: Readonly<Record<string, string | undefined>>): Source {
  const given = Object.entries(env).flatMap(([name, text]) => (ours.test(name) && text ? [{ name, text, source: "environment" }] : []));
  return { given, problems: [] };
}

/** Reads `.env` in a directory, where there is one. */
export function fromDotEnv(directory: string): Source {
  const file = readText(join(directory, ".env"));
  if ("missing" in file) return { given: [], problems: [] };
  if ("problem" in file) return { given: [], problems: [{ source: ".env", problem: file.problem }] };
  const entries = Object.entries(parseEnv(file.text));
  return { given: entries.flatMap(([name, text]) => (ours.test(name) && text ? [{ name, text, source: ".env" }] : [])), problems: [] };
}

/**
 * Reads a YAML file. The path of a value is the name of its variable: `auth: { jwtSecret: … }`, `auth: { jwt_secret: … }` and
 * `auth_jwt_secret: …` are all PARAPET_AUTH_JWT_SECRET.
 */
export function fromYaml(path: string): Source {
  const file = readText(path);
  if (!("text" in file)) return { given: [], problems: [{ source: path, problem: "missing" in file ? "there is no such file" : file.problem }] };
  const { parseDocument } = require("yaml") as typeof import("yaml");
  const document = parseDocument(file.text, { prettyErrors: false, uniqueKeys: true });
  if (document.errors.length > 0) {
    // The parser's message may quote the line, and the line may hold a secret: only its kind and place are passed on.
    const problems = document.errors.map(({ code, pos }) => ({ source: path, problem: `not YAML (${code.toLowerCase()} in line ${lineOf(file.text, pos[0])})` }));
    return { given: [], problems };
  }
  const given: Given[] = [];
  const problems: SourceProblem[] = [];
  const root = document.toJS({ maxAliasCount: 0 }) as unknown;
  if (root !== null && root !== undefined) walk(root, []);
  return { given, problems };

  function walk(value: unknown, at: readonly string[]): void {
    const dotted = at.join(".");
    if (isMap(value)) {
      for (const [key, each] of Object.entries(value)) walk(each, [...at, key]);
    } else if (at.length === 0) {
      problems.push({ source: path, problem: "wanted a map of settings" });
    } else if (value !== null && value !== "") {
      const text = scalarText(value);
      if (text === undefined) problems.push({ source: path, problem: `${dotted}: wanted a text, a number, a boolean or a list of them` });
      else given.push({ name: nameOfPath(at), text, source: `${path} (${dotted})` });
    }
  }
}

function nameOfPath(at: readonly string[]): string {
  const words = at.map((part) => part.replace(/([a-z\d])([A-Z])/g, "$1_$2").replace(/[-\s]/g, "_").toUpperCase()).join("_");
  return ours.test(words) ? words : `PARAPET_${words}`;
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return String(value);
  if (!Array.isArray(value)) return undefined;
  const parts = value.map((each) => (Array.isArray(each) ? undefined : scalarText(each)));
  return parts.includes(undefined) ? undefined : parts.join(",");
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function lineOf(text: string, position: number): number {
  return text.slice(0, position).split("\n").length;
}

/** Reads a whole file, or says why not. The path is the operator's own and may be shown. */
export function readText(path: string): { readonly text: string } | { readonly missing: true } | { readonly problem: string } {
  try {
    return { text: readFileSync(path, "utf8") };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? { missing: true } : { problem: `cannot be read (${code ?? "unknown error"})` };
  }
}
