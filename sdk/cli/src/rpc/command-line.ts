/** Turns a command line into the request of an RPC. */
import type { JsonObject, JsonValue } from "@parapet/sdk/runtime";
import type { CommandField, RpcCommand } from "../gen/commands.js";

/** A command line that makes no sense. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What a command takes beside the fields of its request. */
export const ownFlags = {
  server: "URL of the server",
  profile: "profile of the configuration file",
  output: "table, json or ndjson (default: table on a terminal, else json); a stream's json is one message a line",
  columns: "columns of a table, with commas",
  filter: "rows with NAME=VALUE, NAME!=VALUE or NAME~REGEX; may be repeated",
  all: "every page instead of the first",
  input: "file with a message on each line, for RPCs that take a stream; - is stdin",
  request: "the whole request as JSON, or @FILE; flags go over it",
  timeout: "seconds for the call (default 30)",
} as const;

type OwnFlag = keyof typeof ownFlags;
const repeatable = new Set<OwnFlag>(["filter"]);
const switches = new Set<string>(["all"]);

/** True for a flag of the command line's own, with its dashes, that is followed by a value. */
export function takesValue(flag: string): boolean {
  const name = flag.replace(/^--/, "");
  return flag.startsWith("--") && Object.hasOwn(ownFlags, name) && !switches.has(name);
}

/** A read command line. */
export interface CommandLine {
  /** Without its secrets; an object, unless the command is bare. Of a bare command undefined where the command line says none. */
  readonly request: JsonValue | undefined;
  /** Secret fields, with the file of each, where one was named. */
  readonly secrets: readonly { readonly field: CommandField; readonly file: string | undefined }[];
  readonly own: Readonly<Partial<Record<OwnFlag, readonly string[]>>>;
}

/** Reads the arguments after the command's name. Throws a UsageError. `readFile` serves `--request @FILE`. */
export function readCommandLine(command: RpcCommand, argv: readonly string[], readFile: (path: string) => string): CommandLine {
  const own: Partial<Record<OwnFlag, string[]>> = {};
  const given = new Map<CommandField, string[]>();
  const files = new Map<CommandField, string>();
  const fields = new Map([...command.positionals, ...command.flags].map((field) => [field.flag, field]));
  const places = [...command.positionals];
  let literal = false;

  const note = (field: CommandField, value: string): void => {
    const before = given.get(field) ?? [];
    if (before.length > 0 && !field.repeated) throw new UsageError(`--${field.flag} was given twice`);
    given.set(field, [...before, value]);
  };

  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]!;
    if (literal || !argument.startsWith("--")) {
      const field = places.find((each) => !given.has(each));
      if (field === undefined) throw new UsageError(`unexpected argument ${JSON.stringify(argument)}`);
      note(field, argument);
      continue;
    }
    if (argument === "--") {
      literal = true;
      continue;
    }
    const [, name = "", inline] = /^--([^=]+)(?:=([\s\S]*))?$/.exec(argument) ?? [];
    const value = (): string => {
      const found = inline ?? argv[++at];
      if (found === undefined) throw new UsageError(`--${name}: wanted a value`);
      return found;
    };
    if (Object.hasOwn(ownFlags, name)) {
      const flag = name as OwnFlag;
      if (own[flag] !== undefined && !repeatable.has(flag)) throw new UsageError(`--${name} was given twice`);
      own[flag] = [...(own[flag] ?? []), switches.has(name) ? "true" : value()];
      continue;
    }
    const secret = fields.get(name.replace(/-file$/, ""));
    if (name.endsWith("-file") && secret?.secret) {
      files.set(secret, value());
      continue;
    }
    const field = fields.get(name) ?? fields.get(name.replace(/^no-/, ""));
    if (field === undefined || (name !== field.flag && field.kind !== "bool")) throw new UsageError(`unknown flag --${name}`);
    // Arguments can be read by every user of the machine, and stay in the shell's history.
    if (field.secret) throw new UsageError(`--${name} is a secret and is never taken from the command line: use --${name}-file FILE, or leave it out to be asked`);
    note(field, field.kind === "bool" ? (inline ?? String(name === field.flag)) : value());
  }

  if (command.bare) return { request: bareRequest(command, given, own, readFile), secrets: [], own };
  const request: Record<string, JsonValue | undefined> = { ...wholeRequest(own.request?.[0], readFile) };
  const shown = own.request?.[0]?.startsWith("@") ? undefined : command.flags.find(({ secret, jsonName }) => secret && request[jsonName] !== undefined);
  if (shown) throw new UsageError(`--request: ${shown.jsonName} is a secret and is never taken from the command line: use --${shown.flag}-file FILE, or --request @FILE`);
  for (const [field, texts] of given) request[field.jsonName] = valueOf(field, texts);
  const missing = command.positionals.filter(({ jsonName }) => request[jsonName] === undefined);
  if (own.request === undefined && missing.length > 0) throw new UsageError(`missing: ${missing.map(({ flag }) => flag.toUpperCase()).join(" ")}`);
  const secrets = command.flags.filter(({ secret, jsonName }) => secret && request[jsonName] === undefined).map((field) => ({ field, file: files.get(field) }));
  return { request: request as JsonObject, secrets, own };
}

/** The request of a bare command: its argument, or `--request`; undefined where its messages come from a file. */
function bareRequest({ positionals: [field] }: RpcCommand, given: ReadonlyMap<CommandField, readonly string[]>, { request, input }: CommandLine["own"], readFile: (path: string) => string): JsonValue | undefined {
  const texts = given.get(field!);
  if (texts !== undefined && request !== undefined) throw new UsageError(`--request and ${field!.flag.toUpperCase()} say the same: give one`);
  if (texts !== undefined) return valueOf(field!, texts);
  if (request !== undefined) return requestOf(request[0]!, readFile);
  if (input !== undefined) return undefined;
  throw new UsageError(`missing: ${field!.flag.toUpperCase()}`);
}

function requestOf(text: string, readFile: (path: string) => string): JsonValue {
  return jsonOf("request", text.startsWith("@") ? readFile(text.slice(1)) : text);
}

function wholeRequest(text: string | undefined, readFile: (path: string) => string): JsonObject {
  if (text === undefined) return {};
  const value = requestOf(text, readFile);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new UsageError("--request: wanted a JSON object");
  return value as JsonObject;
}

function valueOf(field: CommandField, texts: readonly string[]): JsonValue {
  if (field.kind === "pairs") return pairsOf(field, texts);
  const values = texts.map((text) => single(field, text));
  if (!field.repeated) return values[0]!;
  // A list may be given item by item, or as the JSON of the whole.
  return values.length === 1 && Array.isArray(values[0]) ? values[0] : values;
}

function pairsOf({ flag, lists }: CommandField, texts: readonly string[]): JsonObject {
  const pairs: Record<string, JsonValue[]> = {};
  for (const text of texts) {
    const at = text.indexOf("=");
    if (at < 1) throw new UsageError(`--${flag} ${JSON.stringify(text)}: wanted NAME=VALUE`);
    const name = text.slice(0, at);
    Object.defineProperty(pairs, name, { value: [...(Object.hasOwn(pairs, name) ? pairs[name]! : []), text.slice(at + 1)], enumerable: true, configurable: true, writable: true });
  }
  return Object.fromEntries(Object.entries(pairs).map(([name, values]) => [name, lists ? values : values.at(-1)!]));
}

function single(field: CommandField, text: string): JsonValue {
  const { flag, kind, values } = field;
  if (values !== undefined) return enumValue(flag, values, text);
  if (kind === "json") return jsonOf(flag, text);
  if (kind === "bool") {
    if (text !== "true" && text !== "false") throw new UsageError(`--${flag}=${text}: wanted true or false`);
    return text === "true";
  }
  if (kind !== "number") return text;
  // protobuf-JSON has texts for the numbers that JSON lacks.
  if (["NaN", "Infinity", "-Infinity"].includes(text)) return text;
  const number = Number(text);
  if (text.trim() === "" || Number.isNaN(number)) throw new UsageError(`--${flag} ${JSON.stringify(text)}: wanted a number`);
  return number;
}

/** A value by its whole name, or by the part that tells it from the others, in any case. */
function enumValue(flag: string, values: readonly string[], text: string): string {
  const wanted = text.toUpperCase().replaceAll("-", "_");
  const tests: readonly ((value: string) => boolean)[] = [(value) => value === text, (value) => value.toUpperCase() === wanted, (value) => value.toUpperCase().endsWith(`_${wanted}`)];
  const found = tests.map((test) => values.find(test)).find((value) => value !== undefined);
  if (found === undefined) throw new UsageError(`--${flag} ${JSON.stringify(text)}: wanted ${values.join(", ")}`);
  return found;
}

function jsonOf(flag: string, text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw new UsageError(`--${flag}: wanted JSON`);
  }
}
