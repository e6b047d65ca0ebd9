/** What a subcommand of `parapet-generate` is. */
import type { RandomBytes } from "../init/credentials.js";

/** Where a command writes. */
export interface Output {
  out(line: string): void;
  err(line: string): void;
}

/** What a command works with. */
export interface CommandIo extends Output {
  readonly randomBytes: RandomBytes;
}

/** A subcommand. */
export interface Command {
  /** What follows its name, for the help. */
  readonly usage: string;
  readonly summary: string;
  /** Runs with the arguments after the command's name; resolves to the exit status: 0 done, 1 what was looked at is wrong. */
  run(args: readonly string[], io: CommandIo): Promise<number>;
}

/** A command line that makes no sense. */
export class UsageError extends Error {}

/** A number with its noun. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
