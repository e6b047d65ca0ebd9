/** The command line of a contract: picks the command that the first arguments name. */
import type { RpcCommand } from "./gen/commands.js";
import { complete, completionScript, shells } from "./rpc/completion.js";
import type { Site } from "./rpc/profiles.js";
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

/** A command beside those of RPCs. */
export interface Command {
  /** What follows the command's name. */
  readonly usage: string;
  readonly summary: string;
  /** Runs with the arguments after the command's name; resolves to the exit code. */
  readonly run: (io: CommandIo) => Promise<number> | number;
}

/** What a command line is made of. */
export interface Program {
  /** What users type: letters, digits and dashes. Its environment variables begin with it: `ACME_CLI_SERVER`. */
  readonly name: string;
  /** One sentence, above the list of commands. */
  readonly summary: string;
  /** What the generator's target `cli` wrote. */
  readonly commands: readonly RpcCommand[];
  /** URL of the server where nobody names another. */
  readonly server: string;
  /** What `--version` prints beside the name. Absent: there is no such flag. */
  readonly version?: () => string;
  /** Further commands, ahead of those that every program has. */
  readonly also?: Readonly<Record<string, Command>>;
}

/** Exit code for wrong usage (sysexits.h EX_USAGE). */
const usageExit = 64;
/** Exit code of a program whose reader went away: as if SIGPIPE had ended it. */
const brokenPipeExit = 128 + 13;

const synonyms: Readonly<Record<string, string>> = { "--help": "help", "-h": "help", "-V": "--version" };

/** Makes the command line; what it gives runs one command and resolves to the exit code. Throws a RangeError for a name that no shell would take. */
export function createProgram({ name: program, summary, commands: rpcCommands, server, version, also = {} }: Program): (io: CommandIo) => Promise<number> {
  if (!/^[A-Za-z][\w-]*$/.test(program)) throw new RangeError(`${JSON.stringify(program)} is no name of a program: wanted letters, digits and dashes`);
  const site: Site = { program, server };

  const commands: Readonly<Record<string, Command>> = {
    ...also,
    credential: {
      usage: "[--server URL] [--profile NAME]",
      summary: "ask for an API key, and keep it in a 0600 file of the profile",
      run: async (io) => (await import("./rpc/credential.js")).keepCredential(site, { ...io, stdin: io.stdin ?? process.stdin }),
    },
    completion: { usage: shells.join("|"), summary: "print the script by which a shell completes commands", run: printCompletion },
    help: { usage: "", summary: "print this", run: ({ stdout }) => print(stdout, help()) },
  };

  async function runGroup(name: string, group: readonly RpcCommand[], io: CommandIo): Promise<number> {
    const [given = "help", ...rest] = io.argv;
    const command = group.find((each) => each.name === given);
    if (command !== undefined) return await (await import("./rpc/run.js")).runRpc(site, command, { ...io, stdin: io.stdin ?? process.stdin, argv: rest });
    const width = Math.max(...group.map((each) => each.name.length));
    const lines = group.map((each) => `${`  ${program} ${name} ${each.name.padEnd(width)}  ${each.summary}`.trimEnd()}\n`).join("");
    if ((synonyms[given] ?? given) === "help") return print(io.stdout, lines);
    io.stderr.write(`${program}: unknown command ${JSON.stringify(`${name} ${given}`)}\n\n${lines}`);
    return usageExit;
  }

  function printCompletion({ argv: [shell = ""], stdout, stderr }: CommandIo): number {
    const script = completionScript(program, shell);
    if (script !== undefined) return print(stdout, script);
    stderr.write(`${program}: wanted one of ${shells.join(", ")}\n`);
    return usageExit;
  }

  function help(): string {
    const rows = Object.entries(commands).map(([name, { usage, summary: text }]) => [`${name} ${usage}`.trim(), text] as const);
    for (const name of new Set(rpcCommands.map(({ group }) => group))) {
      rows.push([`${name} COMMAND`, rpcCommands.flatMap((command) => (command.group === name ? [command.name] : [])).join(", ")]);
    }
    if (version !== undefined) rows.push(["--version", "print the version"]);
    const width = Math.max(...rows.map(([left]) => left.length));
    return `${summary}\n\n${rows.map(([left, right]) => `  ${program} ${left.padEnd(width)}  ${right}\n`).join("")}`;
  }

  return async (io) => {
    const [given = "help", ...rest] = io.argv;
    const name = synonyms[given] ?? given;
    if (name === "--version" && version !== undefined) return print(io.stdout, `${program} ${version()}\n`);
    if (name === "complete") return print(io.stdout, complete(rest[0] === "--" ? rest.slice(1) : rest, rpcCommands, Object.keys(commands)).map((word) => `${word}\n`).join(""));
    const group = rpcCommands.filter((each) => each.group === name);
    if (group.length > 0) return await runGroup(name, group, { ...io, argv: rest });
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command === undefined) {
      io.stderr.write(`${program}: unknown command ${JSON.stringify(given)}\n\n${help()}`);
      return usageExit;
    }
    if (rest.some((argument) => synonyms[argument] === "help")) return print(io.stdout, `${program} ${name} ${command.usage}\n\n  ${command.summary}\n`);
    return await command.run({ ...io, argv: rest });
  };
}

/** Runs a command line as this process: with its arguments, its environment and its streams. A reader that goes away ends it without a word. */
export async function runProcess(run: (io: CommandIo) => Promise<number>): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit(brokenPipeExit);
    });
  }
  process.exitCode = await run({ argv: process.argv.slice(2), env: process.env, stdout: process.stdout, stderr: process.stderr });
}

function print(stream: NodeJS.WritableStream, text: string): number {
  stream.write(text);
  return 0;
}
