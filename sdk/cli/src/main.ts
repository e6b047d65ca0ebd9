/** The parapet command: picks the subcommand that the first argument names. */
import { readFileSync } from "node:fs";
import { type RpcCommand, rpcCommands } from "./gen/commands.js";
import { complete, completionScripts } from "./rpc/completion.js";
import type { Input } from "./rpc/prompt.js";

/** Where a command reads from and writes to. */
export interface CommandIo {
  /** Arguments after the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where secrets are asked for, and streams are read. Default: the process's own. */
  readonly stdin?: Input;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

interface Command {
  /** What follows the command's name. */
  readonly usage: string;
  readonly summary: string;
  /** Runs with the arguments after the command's name; resolves to the exit code. */
  readonly run: (io: CommandIo) => Promise<number> | number;
}

/** Exit code for wrong usage (sysexits.h EX_USAGE). */
const usageExit = 64;
/** Exit code for a configuration that does not hold (sysexits.h EX_CONFIG). */
const configExit = 78;

// What only some commands need is loaded by them: the server is most of what there is to load.
const commands: Readonly<Record<string, Command>> = {
  serve: { usage: "[--config FILE] [--workers N]", summary: "start the server", run: async (io) => (await import("@parapet/server")).serve(io) },
  config: { usage: "[--config FILE | --markdown]", summary: "print the configuration in force, secrets redacted, or the table of all variables", run: printConfig },
  login: { usage: "USER [--server URL] [--profile NAME]", summary: "ask for the password, and keep the token in a 0600 file of the profile", run: async (io) => (await import("./login.js")).login({ ...io, stdin: io.stdin ?? process.stdin }) },
  completion: { usage: Object.keys(completionScripts).join("|"), summary: "print the script by which a shell completes commands", run: printCompletion },
  help: { usage: "", summary: "print this", run: ({ stdout }) => print(stdout, help()) },
};

const synonyms: Readonly<Record<string, string>> = { "--help": "help", "-h": "help", "-V": "--version" };

/** Runs the command line; resolves to the exit code. */
export async function main(io: CommandIo): Promise<number> {
  const [given = "help", ...rest] = io.argv;
  const name = synonyms[given] ?? given;
  if (name === "--version") return print(io.stdout, `parapet ${version()}\n`);
  if (name === "complete") return print(io.stdout, complete(rest[0] === "--" ? rest.slice(1) : rest, Object.keys(commands)).map((word) => `${word}\n`).join(""));
  const group = rpcCommands.filter((each) => each.group === name);
  if (group.length > 0) return await runGroup(name, group, { ...io, argv: rest });
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    io.stderr.write(`parapet: unknown command ${JSON.stringify(given)}\n\n${help()}`);
    return usageExit;
  }
  if (rest.some((argument) => synonyms[argument] === "help")) return print(io.stdout, `parapet ${name} ${command.usage}\n\n  ${command.summary}\n`);
  return await command.run({ ...io, argv: rest });
}

async function runGroup(name: string, group: readonly RpcCommand[], io: CommandIo): Promise<number> {
  const [given = "help", ...rest] = io.argv;
  const command = group.find((each) => each.name === given);
  if (command !== undefined) return await (await import("./rpc/run.js")).runRpc(command, { ...io, stdin: io.stdin ?? process.stdin, argv: rest });
  const width = Math.max(...group.map((each) => each.name.length));
  const lines = group.map((each) => `  parapet ${name} ${each.name.padEnd(width)}  ${each.summary}\n`).join("");
  if ((synonyms[given] ?? given) === "help") return print(io.stdout, lines);
  io.stderr.write(`parapet: unknown command ${JSON.stringify(`${name} ${given}`)}\n\n${lines}`);
  return usageExit;
}

function printCompletion({ argv: [shell = ""], stdout, stderr }: CommandIo): number {
  if (Object.hasOwn(completionScripts, shell)) return print(stdout, completionScripts[shell as keyof typeof completionScripts]);
  stderr.write(`parapet: wanted one of ${Object.keys(completionScripts).join(", ")}\n`);
  return usageExit;
}

async function printConfig({ argv, env, stdout, stderr }: CommandIo): Promise<number> {
  const { ConfigError, describeConfig, loadConfig, variablesMarkdown } = await import("@parapet/server");
  if (argv.length === 1 && argv[0] === "--markdown") return print(stdout, variablesMarkdown());
  try {
    return print(stdout, describeConfig(loadConfig({ argv, env, stderr })));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    stderr.write(`parapet: ${error.message}\n`);
    return configExit;
  }
}

function help(): string {
  const rows = Object.entries(commands).map(([name, { usage, summary }]) => [`${name} ${usage}`.trim(), summary] as const);
  for (const name of new Set(rpcCommands.map(({ group }) => group))) {
    rows.push([`${name} COMMAND`, rpcCommands.flatMap((command) => (command.group === name ? [command.name] : [])).join(", ")]);
  }
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(([left, summary]) => `  parapet ${left.padEnd(width)}  ${summary}\n`);
  return `One port for gRPC, gRPC-Web, Connect and REST.\n\n${lines.join("")}  parapet ${"--version".padEnd(width)}  print the version\n`;
}

function print(stream: NodeJS.WritableStream, text: string): number {
  stream.write(text);
  return 0;
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return manifest.version;
}
