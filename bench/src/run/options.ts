/** What `npm run bench` takes on its command line. */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { documentsFew, documentsWanted } from "./comparisons.js";

/** How much is measured. */
export interface BenchOptions {
  /** Rounds; every comparison gives two pairs of stretches in one, or several times two. */
  readonly rounds: number;
  /** Seconds of one stretch. */
  readonly seconds: number;
  /** Load ahead of the first round of a row: so many seconds, and longer where fewer requests were served by then. Undefined: none. */
  readonly warmUp: WarmUp | undefined;
  /** Documents in the larger of the two stores that are compared. */
  readonly documents: number;
  /** Rows and comparisons whose names hold one of these texts; empty: all. */
  readonly only: readonly string[];
  /** The row to profile instead of measuring; undefined: none. */
  readonly cpuProfile: string | undefined;
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

  --rounds N       rounds; ratios are medians over all their pairs of stretches (12)
  --seconds S      seconds of a stretch (0.25; at most 1)
  --only TEXT      only rows and comparisons whose name or protocol holds TEXT; may be repeated
  --documents N    documents of the store that is compared with one of ${documentsFew} (${documentsWanted})
  --out FILE       where results are written, with a chart beside it (bench/results/latest.json)
  --quick          one short round of everything, with few documents, to see that it runs
  --cpu-prof ROW   profile the server of one row instead, by name and protocol: "Parapet Get grpc"
`;

const resultsFile = fileURLToPath(new URL("../../results/latest.json", import.meta.url));
const full = { rounds: 12, seconds: 0.25, documents: documentsWanted, warmUp: { seconds: 0.8, secondsMax: 8, requests: 8_000 } };
const quick = { rounds: 1, seconds: 0.15, documents: 2_000, warmUp: undefined };

/** Longer, and a server may close connections that wait for their next stretch. In seconds. */
const secondsMax = 1;
const roundsMax = 1_000;
const documentsMax = 50_000_000;

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
      documents: { type: "string" },
      only: { type: "string", multiple: true },
      out: { type: "string" },
      quick: { type: "boolean" },
      "cpu-prof": { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return "help";
  const base = values.quick ? quick : full;
  return {
    warmUp: base.warmUp,
    rounds: whole("--rounds", values.rounds ?? base.rounds, 1, roundsMax),
    seconds: within("--seconds", values.seconds ?? base.seconds, 0.01, secondsMax),
    documents: whole("--documents", values.documents ?? base.documents, 1, documentsMax),
    only: values.only ?? [],
    cpuProfile: values["cpu-prof"],
    out: values.out ?? resultsFile,
  };
}

function within(name: string, given: string | number, min: number, max: number): number {
  const value = Number(given);
  if (!(value >= min && value <= max)) throw new Error(`${name}: ${given} is not a number from ${min} to ${max}`);
  return value;
}

function whole(name: string, given: string | number, min: number, max: number): number {
  const value = within(name, given, min, max);
  if (!Number.isInteger(value)) throw new Error(`${name}: ${given} is not a whole number`);
  return value;
}
