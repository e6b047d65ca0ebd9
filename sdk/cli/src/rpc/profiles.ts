/** Where a call goes and what it proves itself with: environment first, then a profile of the configuration file. */
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { UsageError } from "./command-line.js";

/** A server with its credential. */
export interface Connection {
  readonly server: string;
  readonly apiKey?: string;
  readonly token?: string;
}

/** One profile of the file. Credentials stand in files of their own. */
interface Profile {
  readonly server?: string;
  readonly apiKeyFile?: string;
  readonly tokenFile?: string;
}

interface ConfigFile {
  readonly profile?: string;
  readonly profiles?: Readonly<Record<string, Profile>>;
}

/** Environment of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

const serverDefault = "http://localhost:11023";

/** The folder of configuration: PARAPET_CLI_CONFIG_DIR, else `parapet` in XDG_CONFIG_HOME or ~/.config. */
export function configFolder(env: Environment): string {
  return env["PARAPET_CLI_CONFIG_DIR"] ?? join(env["XDG_CONFIG_HOME"] ?? join(env["HOME"] ?? ".", ".config"), "parapet");
}

/** The connection of a call. Throws a UsageError for a file that is wrong, or a credential that others may read. */
export function connectionOf(env: Environment, given: { readonly server?: string | undefined; readonly profile?: string | undefined }): Connection {
  const config = readConfig(env);
  const name = given.profile ?? env["PARAPET_CLI_PROFILE"] ?? config.profile ?? "default";
  const profile = config.profiles !== undefined && Object.hasOwn(config.profiles, name) ? config.profiles[name]! : undefined;
  if (profile === undefined && (given.profile !== undefined || env["PARAPET_CLI_PROFILE"] !== undefined)) throw new UsageError(`there is no profile ${JSON.stringify(name)} in ${configPath(env)}`);
  const server = given.server ?? env["PARAPET_CLI_SERVER"] ?? profile?.server ?? serverDefault;
  const [apiKey, token] = [env["PARAPET_CLI_API_KEY"], env["PARAPET_CLI_TOKEN"]];
  if (apiKey) return { server, apiKey };
  if (token) return { server, token };
  const [keyFile, tokenFile] = [env["PARAPET_CLI_API_KEY_FILE"] ?? fromConfig(env, profile?.apiKeyFile), env["PARAPET_CLI_TOKEN_FILE"] ?? fromConfig(env, profile?.tokenFile)];
  // A profile's credential is for the profile's server: another one must not be given it.
  const ours = profile?.server === undefined || sameOrigin(server, profile.server);
  if (keyFile !== undefined && (ours || env["PARAPET_CLI_API_KEY_FILE"] !== undefined)) return { server, apiKey: readSecretFile(keyFile) };
  if (tokenFile !== undefined && (ours || env["PARAPET_CLI_TOKEN_FILE"] !== undefined)) return { server, token: readSecretFile(tokenFile) };
  return { server };
}

function sameOrigin(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).origin === new URL(b).origin;
}

/** Remembers a token in a 0600 file, and its server in the profile. Returns the file's path. */
export function rememberToken(env: Environment, name: string, server: string, token: string): string {
  if (!/^[\w.-]{1,64}$/.test(name) || name.startsWith(".")) throw new UsageError(`--profile ${JSON.stringify(name)}: wanted letters, digits, dots, dashes and underscores`);
  const path = join(configFolder(env), "credentials", name);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, `${token}\n`, { mode: 0o600 });
  chmodSync(path, 0o600);
  const config = readConfig(env);
  const profiles = { ...config.profiles, [name]: { server, tokenFile: join("credentials", name) } };
  writeFileSync(configPath(env), `${JSON.stringify({ profile: config.profile ?? name, profiles }, null, 2)}\n`, { mode: 0o600 });
  return path;
}

/** A secret from a file that only its owner may read; a line end is no part of it. Throws a UsageError that never quotes it. */
export function readSecretFile(path: string): string {
  try {
    const { mode } = statSync(path);
    if (process.platform !== "win32" && (mode & 0o077) !== 0) throw new UsageError(`${path} can be read by other users: chmod 600 ${path}`);
    return readFileSync(path, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`);
  }
}

function configPath(env: Environment): string {
  return join(configFolder(env), "config.json");
}

function fromConfig(env: Environment, path: string | undefined): string | undefined {
  return path === undefined || path.startsWith("/") ? path : join(configFolder(env), path);
}

function readConfig(env: Environment): ConfigFile {
  let text: string;
  try {
    text = readFileSync(configPath(env), "utf8");
  } catch {
    return {};
  }
  try {
    return JSON.parse(text) as ConfigFile;
  } catch {
    throw new UsageError(`${configPath(env)} is not JSON`);
  }
}
