/** What `npm run bench` takes on its command line. */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** How much is measured. */
export interface BenchOptions {
  /** Rounds; medians are taken over them. */
  readonly rounds: number;
  /** Seconds that one row is measured for in one round. */
  readonly seconds: number;
  /** Load ahead of the first round of a row: so many seconds, and longer where fewer requests were served by then. */
  readonly warmUp: WarmUp;
  /** Rows whose name or protocol holds one of these texts; empty: all rows. */
  readonly only: readonly string[];
  /** File that the results are written to. */
  readonly out: string;
}

/** Long enough for a server's code to be compiled, which takes requests rather than time. */
export interface WarmUp {
  readonly seconds: number;
  readonly secondsMax: number;
  readonly requests: number;
}

/** What `--help` prints. */
export const usage = `npm run bench -- [options]

  --rounds N       rounds; medians are taken over them (5)
  --seconds S      seconds per row and round (1.5)
  --only TEXT      only rows whose name or protocol holds TEXT; may be repeated
  --out FILE       where results are written (bench/results/latest.json)
  --quick          one short round of everything, to see that it runs
`;

const resultsFile = fileURLToPath(new URL("../../results/latest.json", import.meta.url));
const full = { rounds: 5, seconds: 1.5, warmUp: { seconds: 1, secondsMax: 5, requests: 8_000 } };
const quick = { rounds: 1, seconds: 0.5, warmUp: { seconds: 0.2, secondsMax: 0.2, requests: 0 } };

/**
 * Reads the options; `help` where they ask for it.
 *
 * @throws Error for unknown options and for numbers that are none.
 */
export function readOptions(argv: readonly string[]): BenchOptions | "help" {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rounds: { type: "string" },
      seconds: { type: "string" },
      only: { type: "string", multiple: true },
      out: { type: "string" },
      quick: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return "help";
  const base = values.quick ? quick : full;
  const rounds = positive("--rounds", values.rounds ?? base.rounds);
  if (!Number.isInteger(rounds)) throw new Error(`--rounds: ${rounds} is not a whole number`);
  return { ...base, rounds, seconds: positive("--seconds", values.seconds ?? base.seconds), only: values.only ?? [], out: values.out ?? resultsFile };
}

function positive(name: string, given: string | number): number {
  const value = Number(given);
  if (!(value > 0 && value <= 3600)) throw new Error(`${name}: ${given} is not a number above 0`);
  return value;
}
