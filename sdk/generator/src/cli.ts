/** The command `parapet-generate`. */
import { randomBytes } from "node:crypto";
import { checkCommand, generateCommand } from "./commands/generate.js";
import { type Command, type CommandIo, count, type Output, UsageError } from "./commands/command.js";
import { credentialsCommand } from "./commands/credentials.js";
import { diffCommand } from "./commands/diff.js";
import { initCommand } from "./commands/init.js";
import { lintCommand } from "./commands/lint.js";
import { formatProblem, GeneratorError } from "./errors.js";
import { targets } from "./targets/index.js";

export type { Output } from "./commands/command.js";

/** Every subcommand; without a name it is `generate`. */
const commands: Readonly<Record<string, Command>> = {
  generate: generateCommand,
  check: checkCommand,
  init: initCommand,
  credentials: credentialsCommand,
  lint: lintCommand,
  diff: diffCommand,
};

const help = `Usage: parapet-generate [command] [options]

Commands:
${Object.entries(commands).map(([name, { usage, summary }]) => `  ${`${name === "generate" ? "[generate]" : name} ${usage}`}\n      ${summary}`).join("\n")}

Options of generate and check:
  --proto DIR                 folder of protos: a buf module, or any other folder
  --out DIR                   folder to write to
  --target NAME[=DIR]         a target, and its folder in --out (default: its name); may be repeated (default: all)
  --option TARGET.NAME=VALUE  an option of a target; may be repeated
  --manifest FILE             what was read and written (default: manifest.json in --out)
  --help                      this text

Targets:
${targets.flatMap(({ name, summary, options = {} }) => [`  ${name.padEnd(20)}  ${summary}`, ...Object.entries(options).map(([option, text]) => `  ${"".padEnd(20)}    ${name}.${option}: ${text}`)]).join("\n")}
`;

/** Runs the command. Returns the exit status: 0 done, 1 the contract or the files are wrong, 2 the command line is. */
export async function main(args: readonly string[], output: Output, tools: Pick<CommandIo, "randomBytes"> = { randomBytes }): Promise<number> {
  try {
    if (args.some((argument) => argument === "--help" || argument === "-h")) {
      output.out(help.trimEnd());
      return 0;
    }
    const [first = "", ...rest] = args;
    const named = !first.startsWith("-") && first !== "";
    const command = commands[named ? first : "generate"];
    if (command === undefined || (named && !Object.hasOwn(commands, first))) throw new UsageError(`unknown command "${first}"`);
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
    throw error;
  }
}
