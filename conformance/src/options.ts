/** Reads the command line of the suite. */
import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { type AnyContract, FileError, parseContract, parseTokens, type RoleTokens } from "./contract-profile/files.js";
import { type Profile, profiles } from "./run/check.js";
import { reportForms } from "./run/report.js";
import { protocolLabels } from "./run/runner.js";

/** What the command line says. */
export interface RunCommand {
  readonly command: "run" | "plan";
  readonly target: URL;
  readonly adminUser: string;
  readonly adminPassword: string;
  readonly profile: Profile;
  /** Set for the profile `contract`: any contract, in place of Parapet's own. */
  readonly anyContract: { readonly contract: AnyContract; readonly tokens: RoleTokens } | undefined;
  readonly report: keyof typeof reportForms | undefined;
  readonly out: string | undefined;
  readonly seed: number | undefined;
  readonly timeoutMs: number;
  readonly requestsMax: number;
  /** Ids of requirements; empty: all. */
  readonly only: readonly string[];
  readonly required: readonly string[];
  readonly protocols: readonly string[];
  readonly signingKey: Uint8Array | undefined;
  readonly origin: string | undefined;
  readonly ca: string | undefined;
  readonly warnings: readonly string[];
}

/** What else a command line can ask for. */
export type Options = RunCommand | { readonly command: "help" | "version" } | { readonly command: "wrong"; readonly problems: readonly string[] };

/** Reads one option's value. */
type Take = (name: string) => string | undefined;

const valued = [
  "target", "admin-user", "admin-password-file", "admin-password", "profile", "report", "out", "seed", "timeout", "requests-max", "only", "require", "protocol", "signing-key-file", "origin", "ca", "contract", "credentials",
] as const;

/** Options that may be repeated; each may hold several values separated by commas. */
const repeated = new Set<string>(["only", "require", "protocol"]);

/** The profile that knows nothing of Parapet's own services. */
const contractProfileName = "contract";

/** The usage text. */
export const usage = `parapet-conformance run --target URL --admin-user NAME [options]
parapet-conformance run --profile contract --target URL --contract FILE --credentials FILE [options]
parapet-conformance plan [--profile NAME]

The admin's password comes from PARAPET_ADMIN_PASSWORD or --admin-password-file.

  --profile NAME             ${profiles.join(", ")} (default smoke), or ${contractProfileName}
  --contract FILE            contract.json of any annotated contract, written by parapet-generate's target conformance-contract
  --credentials FILE         tokens of the roles nobody, reader, writer, owner and admin, and the resource they are for
  --report FORM --out FILE   ${Object.keys(reportForms).join(" or ")}, written to FILE
  --only ID                  these requirements alone, e.g. AN-01 (may repeat, or a list with commas)
  --protocol LABEL           these ways to call alone: ${protocolLabels.join(", ")}
  --require ID               not claiming this requirement is a failure
  --seed NUMBER              repeat the random choices of an earlier run
  --timeout SECONDS          longest wait for one answer (default 15)
  --requests-max NUMBER      ceiling on all requests of a run (default 100000)
  --signing-key-file FILE    the secret that signs tokens, for checks that make their own
  --origin ORIGIN            a browser origin that the deployment allows
  --ca FILE                  PEM certificates to trust for https
`;

/** Reads arguments and environment. Every problem is reported at once. */
export function readOptions(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Options {
  const [command = "help", ...rest] = argv;
  if (["help", "--help", "-h"].includes(command) || rest.includes("--help")) return { command: "help" };
  if (["version", "--version", "-V"].includes(command)) return { command: "version" };
  if (command !== "run" && command !== "plan") return { command: "wrong", problems: [`unknown command ${JSON.stringify(command)}: wanted run, plan or help`] };
  const problems: string[] = [];
  const given = collect(rest, problems);
  const take: Take = (name) => given.get(name)?.at(-1);
  const lists = (name: string): string[] => (given.get(name) ?? []).flatMap((value) => value.split(",")).map((value) => value.trim()).filter((value) => value !== "");
  const warnings: string[] = [];
  const protocols = lists("protocol");
  for (const label of protocols) if (!protocolLabels.includes(label)) problems.push(`--protocol ${label}: wanted ${protocolLabels.join(", ")}`);
  const contractProfile = take("profile") === contractProfileName;
  const signingKey = readBytes(take("signing-key-file"), "--signing-key-file", problems);
  const options: RunCommand = {
    command,
    target: targetOf(take("target"), command, problems),
    adminUser: take("admin-user") ?? "admin",
    adminPassword: command === "plan" || contractProfile ? "" : passwordOf(take, env, problems, warnings),
    profile: contractProfile ? "smoke" : oneOf(take("profile") ?? "smoke", profiles, "--profile", problems),
    anyContract: contractProfile && command === "run" ? contractOf(take, problems) : undefined,
    report: take("report") === undefined ? undefined : oneOf(take("report")!, Object.keys(reportForms) as (keyof typeof reportForms)[], "--report", problems),
    out: take("out"),
    seed: take("seed") === undefined ? undefined : numberOf(take("seed")!, "--seed", problems),
    timeoutMs: numberOf(take("timeout") ?? "15", "--timeout", problems) * 1_000,
    requestsMax: numberOf(take("requests-max") ?? "100000", "--requests-max", problems),
    only: lists("only"),
    required: lists("require"),
    protocols,
    signingKey: signingKey === undefined ? undefined : withoutLineEnd(signingKey),
    origin: take("origin"),
    ca: readBytes(take("ca"), "--ca", problems)?.toString("utf8"),
    warnings,
  };
  if ((options.report === undefined) !== (options.out === undefined)) problems.push("--report and --out belong together");
  return problems.length > 0 ? { command: "wrong", problems } : options;
}

function contractOf(take: Take, problems: string[]): RunCommand["anyContract"] {
  const read = <T>(name: string, parse: (text: string) => T): T | undefined => {
    if (take(name) === undefined) problems.push(`--${name} is missing: the profile ${contractProfileName} needs it`);
    const text = readBytes(take(name), `--${name}`, problems)?.toString("utf8");
    try {
      return text === undefined ? undefined : parse(text);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      problems.push(`--${name}: ${error.message}`);
      return undefined;
    }
  };
  const [contract, tokens] = [read("contract", parseContract), read("credentials", parseTokens)];
  return contract && tokens && { contract, tokens };
}

function collect(argv: readonly string[], problems: string[]): Map<string, string[]> {
  const given = new Map<string, string[]>();
  for (let index = 0; index < argv.length; index++) {
    const [, name = "", inline] = /^--([a-z-]+)(?:=([\s\S]*))?$/.exec(argv[index]!) ?? [];
    if (!(valued as readonly string[]).includes(name)) {
      problems.push(`unknown argument ${JSON.stringify(argv[index])}`);
      continue;
    }
    const value = inline ?? argv[++index];
    if (value === undefined || value === "") problems.push(`--${name}: wanted a value`);
    else if (given.has(name) && !repeated.has(name)) problems.push(`--${name} was given twice`);
    else given.set(name, [...(given.get(name) ?? []), value]);
  }
  return given;
}

function targetOf(text: string | undefined, command: string, problems: string[]): URL {
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === "/" && url.search === "" && url.username === "") return url;
  if (command === "run") problems.push(`--target: ${text === undefined ? "missing" : JSON.stringify(text)}; wanted http://host:port or https://host:port`);
  return new URL("http://localhost");
}

function passwordOf(take: Take, env: Readonly<Record<string, string | undefined>>, problems: string[], warnings: string[]): string {
  const inline = take("admin-password");
  if (inline !== undefined) warnings.push("--admin-password shows the password to every user of this machine; use PARAPET_ADMIN_PASSWORD or --admin-password-file");
  const fromFile = readBytes(take("admin-password-file"), "--admin-password-file", problems);
  const password = inline ?? (fromFile === undefined ? undefined : withoutLineEnd(fromFile).toString("utf8")) ?? env["PARAPET_ADMIN_PASSWORD"];
  if (!password) problems.push("the admin's password is missing: set PARAPET_ADMIN_PASSWORD or --admin-password-file");
  return password ?? "";
}

function readBytes(path: string | undefined, name: string, problems: string[]): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    problems.push(`${name} ${JSON.stringify(path)}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
    return undefined;
  }
}

/** Without the line end that editors and `echo` add to a text; bytes that are no text stay as they are. */
function withoutLineEnd(bytes: Buffer): Buffer {
  if (bytes.some((byte) => byte < 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) || !isUtf8(bytes)) return bytes;
  let end = bytes.length;
  if (bytes[end - 1] === 0x0a) end--;
  if (bytes[end - 1] === 0x0d) end--;
  return bytes.subarray(0, end);
}

function oneOf<const T extends string>(given: string, words: readonly T[], name: string, problems: string[]): T {
  const found = words.find((word) => word === given);
  if (found === undefined) problems.push(`${name} ${JSON.stringify(given)}: wanted ${words.join(", ")}`);
  return found ?? words[0]!;
}

function numberOf(given: string, name: string, problems: string[]): number {
  if (/^\d{1,10}$/.test(given)) return Number(given);
  problems.push(`${name} ${JSON.stringify(given)}: wanted a whole number`);
  return 0;
}
