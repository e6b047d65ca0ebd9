/** The parapet command: picks the subcommand that the first argument names. */
import { readFileSync } from "node:fs";
import { ConfigError, describeConfig, loadConfig, serve, variablesMarkdown } from "@parapet/server";

/** Where a command reads from and writes to. */
export interface CommandIo {
  /** Arguments after the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
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

const commands: Readonly<Record<string, Command>> = {
  serve: { usage: "[--config FILE] [--workers N]", summary: "start the server", run: serve },
  config: { usage: "[--config FILE | --markdown]", summary: "print the configuration in force, secrets redacted, or the table of all variables", run: printConfig },
  help: { usage: "", summary: "print this", run: ({ stdout }) => print(stdout, help()) },
};

const synonyms: Readonly<Record<string, string>> = { "--help": "help", "-h": "help", "-V": "--version" };

/** Runs the command line; resolves to the exit code. */
export async function main(io: CommandIo): Promise<number> {
  const [given = "help", ...rest] = io.argv;
  const name = synonyms[given] ?? given;
  if (name === "--version") return print(io.stdout, `parapet ${version()}\n`);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    io.stderr.write(`parapet: unknown command ${JSON.stringify(given)}\n\n${help()}`);
    return usageExit;
  }
  if (rest.some((argument) => synonyms[argument] === "help")) return print(io.stdout, `parapet ${name} ${command.usage}\n\n  ${command.summary}\n`);
  return await command.run({ ...io, argv: rest });
}

function printConfig({ argv, env, stdout, stderr }: CommandIo): number {
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
