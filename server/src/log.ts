/** Structured log lines: one JSON object a line, never with a secret. */

/** Fields of a line. Errors become their message and stack. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where lines go. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** How much is logged. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 };

/** A log that writes lines at or above `level`. */
export function createLog(level: LogLevel, write: (line: string) => void, now: () => Date = () => new Date()): Log {
  const at = (name: Exclude<LogLevel, "silent">) => (message: string, fields: LogFields = {}) => {
    if (ranks[name] < ranks[level]) return;
    write(`${JSON.stringify({ time: now().toISOString(), level: name, message, ...fields }, plain)}\n`);
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A log whose lines carry more fields, e.g. which process wrote them. */
export function withFields(log: Log, more: LogFields): Log {
  const at = (name: Exclude<LogLevel, "silent">) => (message: string, fields: LogFields = {}) => log[name](message, { ...more, ...fields });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A log that says nothing. */
export const silentLog: Log = createLog("silent", () => undefined);

function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (!(value instanceof Error)) return value;
  return { name: value.name, message: value.message, stack: value.stack, ...(value.cause === undefined ? {} : { cause: plain("", value.cause) }) };
}
