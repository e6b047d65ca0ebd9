/** The command `parapet-generate`. */
import { randomBytes } from "node:crypto";
import { type Command, type CommandIo, count, type Output, UsageError } from "./commands/command.js";
import { formatProblem, GeneratorError } from "./errors.js";
import { FileError } from "./files.js";

export type { Output } from "./commands/command.js";

/** Every subcommand; without a name it is `generate`. Each is loaded when it is asked for. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  generate: async () => (await import("./commands/generate.js")).generateCommand,
  check: async () => (await import("./commands/generate.js")).checkCommand,
  init: async () => (await import("./commands/init.js")).initCommand,
  credentials: async () => (await import("./commands/credentials.js")).credentialsCommand,
  lint: async () => (await import("./commands/lint.js")).lintCommand,
  image: async () => (await import("./commands/image.js")).imageCommand,
  diff: async () => (await import("./commands/diff.js")).diffCommand,
};

async function helpText(): Promise<string> {
  const { targets } = await import("./targets/index.js");
  const known = await Promise.all(Object.entries(commands).map(async ([name, load]) => ({ name, ...(await load()) })));
  return `Usage: parapet-generate [command] [options]

Commands:
${known.map(({ name, usage, summary }) => `  ${`${name === "generate" ? "[generate]" : name} ${usage}`}\n      ${summary}`).join("\n")}

The contract, for generate, check, lint and image:
  --proto DIR                 folder of protos: a buf module, or any other folder
  --path PATH                 a file or folder of --proto that is the contract, all others being only imported; may be repeated
  --policy FILE               YAML or JSON: policy and REST bindings for protos that are not yours to annotate

Options of generate and check:
  --out DIR                   folder to write to
  --target NAME[=DIR]         a target, and its folder in --out (default: its name); may be repeated (default: all)
  --option TARGET.NAME=VALUE  an option of a target; may be repeated
  --manifest FILE             what was read and written (default: manifest.json in --out)

Targets:
${targets.flatMap(({ name, summary, options = {} }) => [`  ${name.padEnd(20)}  ${summary}`, ...Object.entries(options).map(([option, text]) => `  ${"".padEnd(20)}    ${name}.${option}: ${text}`)]).join("\n")}

Each target is a plugin of protoc and buf as well: protoc-gen-parapet-<target> --help.
`;
}

/** Runs the command. Returns the exit status: 0 done, 1 the contract or the files are wrong, 2 the command line is. */
export async function main(args: readonly string[], output: Output, tools: Pick<CommandIo, "randomBytes"> = { randomBytes }): Promise<number> {
  try {
    if (args.some((argument) => argument === "--help" || argument === "-h")) {
      output.out((await helpText()).trimEnd());
      return 0;
    }
    const [first = "", ...rest] = args;
    const named = !first.startsWith("-") && first !== "";
    const name = named ? first : "generate";
    const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (load === undefined) throw new UsageError(`unknown command "${first}"`);
    const command = await load();
    return await command.run(named ? rest : args, { out: (line) => output.out(line), err: (line) => output.err(line), ...tools });
  } catch (error) {
    if (error instanceof GeneratorError) {
      error.problems.forEach((problem) => output.err(formatProblem(problem)));
      output.err(`parapet-generate: ${count(error.problems.length, "problem")}`);
      return 1;
    }
    if (error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS")) {
      output.err(`parapet-generate: ${(error as Error).message}`);
      output.err("Try: parapet-generate --help");
      return 2;
    }
    if (error instanceof FileError) {
      output.err(`parapet-generate: ${error.message}`);
      return 1;
    }
    // What else the system refuses.
    if ((error as NodeJS.ErrnoException).syscall !== undefined) {
      output.err(`parapet-generate: ${(error as Error).message}`);
      return 1;
    }
    throw error;
  }
}
