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

/** Whose command line it is: names of variables and folders begin with the program's. */
export interface Site {
  readonly program: string;
  /** URL of the server where nobody names another. */
  readonly server: string;
}

/** What is kept in a file of its own. */
export type SecretKind = "apiKey" | "token";

/** What an environment variable of a program says, such as `PARAPET_CLI_SERVER`; an empty one says nothing. */
export function setting({ program }: Site, env: Environment, name: string): string | undefined {
  return env[`${program.toUpperCase().replaceAll("-", "_")}_CLI_${name}`] || undefined;
}

/** The folder of configuration: `<PROGRAM>_CLI_CONFIG_DIR`, else the program's own in XDG_CONFIG_HOME or ~/.config. */
export function configFolder(site: Site, env: Environment): string {
  return setting(site, env, "CONFIG_DIR") ?? join(env["XDG_CONFIG_HOME"] ?? join(env["HOME"] ?? ".", ".config"), site.program);
}

/** The connection of a call. Throws a UsageError for a file that is wrong, or a credential that others may read. */
export function connectionOf(site: Site, env: Environment, given: { readonly server?: string | undefined; readonly profile?: string | undefined }): Connection {
  const config = readConfig(site, env);
  const own = (name: string): string | undefined => setting(site, env, name);
  const name = given.profile ?? own("PROFILE") ?? config.profile ?? "default";
  const profile = config.profiles !== undefined && Object.hasOwn(config.profiles, name) ? config.profiles[name]! : undefined;
  if (profile === undefined && (given.profile !== undefined || own("PROFILE") !== undefined)) throw new UsageError(`there is no profile ${JSON.stringify(name)} in ${configPath(site, env)}`);
  const server = given.server ?? own("SERVER") ?? profile?.server ?? site.server;
  const [apiKey, token] = [own("API_KEY"), own("TOKEN")];
  if (apiKey) return { server, apiKey };
  if (token) return { server, token };
  const [keyFile, tokenFile] = [own("API_KEY_FILE") ?? fromConfig(site, env, profile?.apiKeyFile), own("TOKEN_FILE") ?? fromConfig(site, env, profile?.tokenFile)];
  // A profile's credential is for the profile's server: another one must not be given it.
  const ours = profile?.server === undefined || sameOrigin(server, profile.server);
  if (keyFile !== undefined && (ours || own("API_KEY_FILE") !== undefined)) return { server, apiKey: readSecretFile(keyFile) };
  if (tokenFile !== undefined && (ours || own("TOKEN_FILE") !== undefined)) return { server, token: readSecretFile(tokenFile) };
  return { server };
}

/** Where a profile that is being made, or made anew, has its server: it need not exist yet. */
export function serverOf(site: Site, env: Environment, profile: string, given: string | undefined): string {
  const { profiles } = readConfig(site, env);
  return given ?? setting(site, env, "SERVER") ?? (profiles !== undefined && Object.hasOwn(profiles, profile) ? profiles[profile]!.server : undefined) ?? site.server;
}

function sameOrigin(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).origin === new URL(b).origin;
}

/** Keeps a secret in a 0600 file, and its server in the profile. Returns the file's path. */
export function rememberSecret(site: Site, env: Environment, name: string, server: string, kind: SecretKind, secret: string): string {
  if (!/^[\w.-]{1,64}$/.test(name) || name.startsWith(".")) throw new UsageError(`--profile ${JSON.stringify(name)}: wanted letters, digits, dots, dashes and underscores`);
  const path = join(configFolder(site, env), "credentials", name);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, `${secret}\n`, { mode: 0o600 });
  chmodSync(path, 0o600);
  const config = readConfig(site, env);
  const profiles = { ...config.profiles, [name]: { server, [`${kind}File`]: join("credentials", name) } };
  writeFileSync(configPath(site, env), `${JSON.stringify({ profile: config.profile ?? name, profiles }, null, 2)}\n`, { mode: 0o600 });
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

function configPath(site: Site, env: Environment): string {
  return join(configFolder(site, env), "config.json");
}

function fromConfig(site: Site, env: Environment, path: string | undefined): string | undefined {
  return path === undefined || path.startsWith("/") ? path : join(configFolder(site, env), path);
}

function readConfig(site: Site, env: Environment): ConfigFile {
  let text: string;
  try {
    text = readFileSync(configPath(site, env), "utf8");
  } catch {
    return {};
  }
  try {
    return JSON.parse(text) as ConfigFile;
  } catch {
    throw new UsageError(`${configPath(site, env)} is not JSON`);
  }
}
