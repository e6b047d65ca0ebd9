/** The command: `battery [options] -- COMMAND [ARGUMENT…]`. */
import { parseArgs } from "node:util";
import { runAll } from "./run-all.js";
import { scenarios } from "./scenarios.js";
import { formatTable } from "./table.js";

/** What the command stands in. */
export interface Terminal {
  readonly argv: readonly string[];
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

const usage = `Usage: battery [options] -- COMMAND [ARGUMENT…]

Runs a client through nine faults and prints a table. COMMAND is started once for each fault.

  --name NAME     what the table calls the client (default: the command)
  --only ID,ID    these faults alone: ${scenarios.map(({ id }) => id).join(", ")}
  --strict        status 1 unless every cell is as wanted
  --json          the verdicts as JSON instead of a table
`;

/** Runs it; resolves with the exit status: 0, 1 for a cell that is not as wanted with --strict, 2 for wrong usage. */
export async function main({ argv, stdout, stderr }: Terminal): Promise<number> {
  // npx takes the first `--` for itself: what is left starts at the first word that is no option.
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true });
  const start = tokens.find(({ kind }) => kind === "positional" || kind === "option-terminator");
  const split = start?.index ?? argv.length;
  let values;
  try {
    ({ values } = parseArgs({ args: argv.slice(0, split), options }));
  } catch (error) {
    stderr.write(`battery: ${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (values.help) {
    stdout.write(usage);
    return 0;
  }
  const [command, ...args] = argv.slice(start?.kind === "option-terminator" ? split + 1 : split);
  const only = values.only?.split(",");
  const chosen = only ? scenarios.filter(({ id }) => only.includes(id)) : scenarios;
  if (command === undefined || chosen.length < (only?.length ?? 1)) {
    stderr.write(command === undefined ? usage : `battery: --only takes ${scenarios.map(({ id }) => id).join(", ")}\n`);
    return 2;
  }
  const client = { name: values.name ?? [command, ...args].join(" "), command, args };
  try {
    const rows = await runAll([client], chosen, (_, scenario, text) => stderr.write(`battery: ${scenario}: ${text}\n`));
    stdout.write(values.json ? `${JSON.stringify(rows[0]?.verdicts)}\n` : `\n${formatTable(chosen, rows)}`);
    return values.strict && rows.some(({ verdicts }) => Object.values(verdicts).some(({ good }) => !good)) ? 1 : 0;
  } catch (error) {
    stderr.write(`battery: ${(error as Error).message}\n`);
    return 2;
  }
}

const options = {
  name: { type: "string" },
  only: { type: "string" },
  strict: { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;
