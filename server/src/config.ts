/** Turns environment, `.env` and YAML file into one checked configuration; nothing else reads the environment. */
import { relative, resolve, sep } from "node:path";
import { classify } from "./config/names.js";
import { productionChecklist } from "./config/production.js";
import { fromDotEnv, fromEnvironment, fromYaml, type Given, readText, type Source } from "./config/sources.js";
import { planned, type RawConfig, type Variable, type VariableKey, variables } from "./config/variables.js";

export type { Cidr, ListenAddress } from "./config/addresses.js";
export { describeConfig, variablesMarkdown } from "./config/describe.js";
export { type Control, productionChecklist } from "./config/production.js";

/** Everything an operator can set, read and checked. Durations end in `Ms`, sizes are bytes. */
export interface Config extends Omit<RawConfig, "metricsPublic"> {
  /** Whether `/metrics` needs no credential. */
  readonly metricsPublic: boolean;
}

/** What to read. */
export interface LoadOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Arguments after the command: `--config FILE`, `--workers N`. */
  readonly argv?: readonly string[];
  /** The YAML file; `--config` and PARAPET_CONFIG come first. */
  readonly file?: string;
  /** Directory of `.env` and base of relative paths; default: the working directory. */
  readonly directory?: string;
  /** Takes each warning as a line. */
  readonly stderr?: { write(line: string): unknown };
}

/** A configuration and how it came about. */
export interface Loaded {
  readonly config: Config;
  readonly warnings: readonly string[];
  /** Where each value came from, e.g. `environment` or `default`. */
  readonly sources: Readonly<Record<VariableKey, string>>;
}

/** Every problem of a configuration at once. Messages never hold the text of a secret. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: readonly string[]) {
    super(`The configuration has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n${problems.map((each) => `  - ${each}`).join("\n")}`);
  }
}

const entries = Object.entries(variables) as [VariableKey, Variable<unknown>][];
const secretFileSuffix = "_FILE";

/** Every name that means something, and the variable it belongs to; planned ones belong to none. */
const owners = new Map<string, { readonly key: VariableKey; readonly file: boolean } | undefined>();
for (const { name, alias } of planned) for (const each of [name, alias]) if (each) owners.set(each, undefined);
for (const [key, { name, alias, secret }] of entries) {
  for (const each of [name, alias]) {
    if (each === undefined) continue;
    owners.set(each, { key, file: false });
    if (secret) owners.set(each + secretFileSuffix, { key, file: true });
  }
}
const knownNames = [...owners.keys()];

/**
 * Reads and checks the configuration: arguments first, then the environment, then `.env` (not in production), then the YAML file, then defaults.
 * Throws ConfigError with all problems.
 */
export function loadConfig(options: LoadOptions): Loaded {
  const problems: string[] = [];
  const warnings: string[] = [];
  const sources = readSources(options, problems);
  const given = assign(sources, problems, warnings);
  const raw: Partial<Record<VariableKey, unknown>> = {};
  const origins = {} as Record<VariableKey, string>;
  for (const [key, variable] of entries) {
    const candidates = given.get(key) ?? [];
    const found = settle(variable, candidates, problems);
    raw[key] = found === undefined ? fallbackOf(variable) : found.value;
    origins[key] = found === undefined ? "default" : found.source;
  }
  const config = complete(raw as RawConfig, origins);
  problems.push(...contradictions(config, origins));
  warnings.push(...doubts(config));
  if (problems.length > 0) throw new ConfigError(problems);
  for (const warning of warnings) options.stderr?.write(`warning: ${warning}\n`);
  return { config, warnings, sources: origins };
}

/** The sources in the order of their precedence. */
function readSources({ env, argv = [], file, directory = process.cwd() }: LoadOptions, problems: string[]): Source[] {
  const argument = fromArguments(argv, problems);
  const path = argument.path ?? (env["PARAPET_CONFIG"] || undefined) ?? file;
  const environment = fromEnvironment(env);
  const yaml = path === undefined ? { given: [], problems: [] } : fromYaml(resolve(directory, path));
  const dotEnv = fromDotEnv(directory);
  const isProduction = [environment, yaml].some((source) => saysProduction(source));
  if (!isProduction && saysProduction(dotEnv)) {
    problems.push("PARAPET_PRODUCTION (.env): `.env` is not read in production; set it in the environment");
  }
  const all = isProduction ? [argument.source, environment, yaml] : [argument.source, environment, dotEnv, yaml];
  for (const source of all) problems.push(...source.problems.map((each) => `${each.source}: ${each.problem}`));
  return all;
}

/** What an argument says that takes a value, by its name. */
const knownArguments: Readonly<Record<string, { readonly variable?: VariableKey; readonly wanted: string }>> = {
  "--config": { wanted: "the path of a YAML file" },
  "--workers": { variable: "workers", wanted: "how many processes serve the port" },
};

/** The file that the arguments name, and the variables that they set. */
function fromArguments(argv: readonly string[], problems: string[]): { path: string | undefined; source: Source } {
  let path: string | undefined;
  const given: Given[] = [];
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index]!;
    const [name = "", ...rest] = argument.split("=");
    const option = Object.hasOwn(knownArguments, name) ? knownArguments[name] : undefined;
    if (option === undefined) {
      problems.push(`unknown argument ${JSON.stringify(argument)}: wanted --config FILE or --workers N`);
      continue;
    }
    const text = argument.includes("=") ? rest.join("=") : argv[++index];
    if (text === undefined || text === "") problems.push(`${name}: wanted ${option.wanted}`);
    else if (option.variable === undefined) path = text;
    else given.push({ name: variables[option.variable].name, text, source: name });
  }
  return { path, source: { given, problems: [] } };
}

function saysProduction({ given }: Source): boolean {
  const { name, alias, kind } = variables.production;
  return given.some((each) => {
    const reading = each.name === name || each.name === alias ? kind.read(each.text) : undefined;
    return reading !== undefined && "value" in reading && reading.value;
  });
}

/** What was given for each variable, the first source that names it winning; strangers become problems or warnings. */
function assign(sources: readonly Source[], problems: string[], warnings: string[]): Map<VariableKey, Given[]> {
  const given = new Map<VariableKey, Given[]>();
  for (const source of sources) {
    const here = new Map<VariableKey, Given[]>();
    for (const each of source.given) {
      const owner = owners.get(each.name);
      if (owner !== undefined) here.set(owner.key, [...(here.get(owner.key) ?? []), each]);
      else if (owners.has(each.name)) notBuilt(each, problems, warnings);
      else strange(each, problems, warnings);
    }
    for (const [key, candidates] of here) if (!given.has(key)) given.set(key, candidates);
  }
  return given;
}

function notBuilt({ name, source }: Given, problems: string[], warnings: string[]): void {
  const feature = planned.find((each) => each.name === name || each.alias === name)!;
  if (feature.whenSet === "refuse") problems.push(`${name} (${source}): not built yet; remove it, so that nobody relies on it`);
  else warnings.push(`${name} (${source}) has no effect yet`);
}

function strange({ name, source }: Given, problems: string[], warnings: string[]): void {
  const verdict = classify(name, knownNames);
  if (verdict.kind === "near miss") problems.push(`${name} (${source}): no such variable; did you mean ${verdict.suggestion}?`);
  else if (verdict.kind === "foreign" && source === "environment") return;
  else if (source !== "environment" && source !== ".env") problems.push(`${source}: no such setting`);
  else warnings.push(`${name} (${source}) is no variable of this server`);
}

/** The one value that the candidates of one source agree on. */
function settle(variable: Variable<unknown>, candidates: readonly Given[], problems: string[]): { value: unknown; source: string } | undefined {
  const readings = candidates.flatMap((each) => {
    const text = textOf(variable, each, problems);
    if (text === undefined) return [];
    const reading = variable.kind.read(text);
    if ("value" in reading) return [{ value: reading.value, each }];
    const was = variable.secret ? "" : `${JSON.stringify(text.slice(0, 100))} given, `;
    problems.push(`${each.name} (${each.source}): ${was}wanted ${reading.wanted}`);
    return [];
  });
  const [first, ...others] = readings;
  if (first === undefined) return undefined;
  for (const other of others) {
    if (variable.kind.print(other.value) === variable.kind.print(first.value)) continue;
    problems.push(`${first.each.name} and ${other.each.name} (${other.each.source}) mean the same variable and differ; set one of them`);
  }
  const file = isFileOf(first.each) ? "file of " : "";
  return { value: first.value, source: `${file}${first.each.source}${first.each.name === variable.name ? "" : ` (${first.each.name})`}` };
}

function isFileOf({ name }: Given): boolean {
  return owners.get(name)?.file ?? false;
}

/** The text itself, or that of the file it names, without the line end that editors add. */
function textOf(variable: Variable<unknown>, each: Given, problems: string[]): string | undefined {
  if (!isFileOf(each)) return each.text;
  const file = readText(each.text);
  if ("text" in file) return file.text.replace(/\r?\n$/, "");
  problems.push(`${each.name} (${each.source}): ${JSON.stringify(each.text)} ${"missing" in file ? "does not exist" : file.problem}; wanted the path of a file with the text of ${variable.name}`);
  return undefined;
}

function fallbackOf({ name, kind, fallback }: Variable<unknown>): unknown {
  if (fallback === undefined) return undefined;
  const reading = kind.read(fallback);
  if ("wanted" in reading) throw new Error(`the default of ${name} does not read: wanted ${reading.wanted}`);
  return reading.value;
}

/** Fills in what depends on other values. */
function complete(raw: RawConfig, origins: Record<VariableKey, string>): Config {
  const keysFollowData = origins.keyDir === "default" && origins.dataDir !== "default";
  return {
    ...raw,
    keyDir: keysFollowData ? `${raw.dataDir.replace(/\/+$/, "")}-keys` : raw.keyDir,
    authPasswordPolicy: raw.production ? "strict" : raw.authPasswordPolicy,
    metricsPublic: raw.metricsPublic ?? !raw.production,
  };
}

/** Values that are each fine and wrong together. */
function contradictions(config: Config, origins: Record<VariableKey, string>): string[] {
  const problems: string[] = [];
  if (!config.authEnabled && !config.address.loopback) {
    problems.push(`PARAPET_AUTH_ENABLED=false (${origins.authEnabled}): wanted true, or a loopback PARAPET_ADDR such as localhost:11023; it is ${variables.address.kind.print(config.address)}`);
  }
  if (config.workers > 1 && config.store === "memory") {
    problems.push(`PARAPET_WORKERS=${config.workers} (${origins.workers}): worker processes share a store; wanted PARAPET_STORE=lmdb, it is memory`);
  }
  if (config.storeBytesMax < 2 * config.storeBytesReserved) {
    problems.push(`PARAPET_STORE_BYTES_RESERVED=${variables.storeBytesReserved.kind.print(config.storeBytesReserved)} (${origins.storeBytesReserved}): wanted at most half of PARAPET_STORE_BYTES_MAX, which is ${variables.storeBytesMax.kind.print(config.storeBytesMax)}`);
  }
  if (config.tlsEnabled) problems.push(`PARAPET_TLS_ENABLED=true (${origins.tlsEnabled}): TLS is not built yet; wanted false, with TLS ending in front of the server`);
  if (isInside(config.keyDir, config.dataDir)) problems.push(`PARAPET_KEY_DIR (${origins.keyDir}): ${JSON.stringify(config.keyDir)} lies in the data directory; wanted a directory outside it and its backups`);
  else if (isInside(config.dataDir, config.keyDir)) problems.push(`PARAPET_DATA_DIR (${origins.dataDir}): ${JSON.stringify(config.dataDir)} lies in the key directory; wanted a directory outside it`);
  if (config.production) {
    const missing = productionChecklist(config).filter(({ satisfied }) => !satisfied);
    problems.push(...missing.map(({ name, detail }) => `PARAPET_PRODUCTION=true needs ${name}: ${detail}`));
  }
  return problems;
}

function isInside(path: string, folder: string): boolean {
  const way = relative(resolve(folder), resolve(path));
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`));
}

/** Values that are allowed and that an operator should know about. */
function doubts(config: Config): string[] {
  const warnings: string[] = [];
  if (!config.authEnabled) warnings.push("PARAPET_AUTH_ENABLED=false: everybody on this machine is admin");
  if (!config.auditEnabled) warnings.push("PARAPET_AUDIT_ENABLED=false: calls are not recorded");
  if (!config.rateLimitEnabled) warnings.push("PARAPET_RATE_LIMIT_ENABLED=false: calls are not limited");
  if (config.corsOrigins.includes("*")) warnings.push("PARAPET_CORS_ORIGINS=*: every web page may call");
  return warnings;
}
