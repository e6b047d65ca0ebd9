/** Runs the command of one RPC: reads the command line, calls, prints. */
import { createReadStream, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { type Client, clientStream, createClient, type JsonObject, type JsonValue, paged, type Paging, ParapetError, serverStream, unary } from "@parapet/sdk/runtime";
import type { CommandField, RpcCommand } from "../gen/commands.js";
import { type CommandLine, ownFlags, readCommandLine, UsageError } from "./command-line.js";
import { type Output, outputs } from "./outputs.js";
import { filterOf, isObject, recordOf, tableOf } from "./print.js";
import { connectionOf, type Environment, readSecretFile, type Site } from "./profiles.js";
import { askSecret, type Input, Interrupted } from "./prompt.js";

/** What a command works with. */
export interface RpcIo {
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly stdin: Input;
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
}

/** Exit codes: the call failed; the command line is wrong (sysexits.h EX_USAGE). */
const exit = { done: 0, failed: 1, usage: 64 } as const;

/** Runs it; resolves to the exit code. */
export async function runRpc(site: Site, command: RpcCommand, io: RpcIo): Promise<number> {
  try {
    if (io.argv.includes("--help") || io.argv.includes("-h")) {
      io.stdout.write(usageOf(site, command));
      return exit.done;
    }
    const line = readCommandLine(command, io.argv, readText);
    const { own } = line;
    const output = outputOf(own.output?.[0], io);
    const seconds = Number(own.timeout?.[0] ?? 30);
    if (!(seconds > 0)) throw new UsageError("--timeout: wanted a number of seconds");
    const { server, ...credential } = connectionOf(site, io.env, { server: own.server?.[0], profile: own.profile?.[0] });
    const client = createClient({ baseUrl: server, ...credential, timeoutMs: seconds * 1_000 });
    const request = command.bare ? line.request : { ...(line.request as JsonObject), ...(await secretsOf(line, io)) };
    await call(command, client, request, line, output, io);
    return exit.done;
  } catch (error) {
    if (error instanceof Interrupted) return error.exit;
    if (error instanceof UsageError) {
      io.stderr.write(`${site.program}: ${error.message}\nTry: ${site.program} ${command.group} ${command.name} --help\n`);
      return exit.usage;
    }
    if (!(error instanceof ParapetError)) throw error;
    io.stderr.write(explained(site, error));
    return exit.failed;
  }
}

async function call(command: RpcCommand, client: Client, request: JsonValue | undefined, { own }: CommandLine, output: Output, io: RpcIo): Promise<void> {
  const { method, items } = command;
  const columns = own.columns?.[0]?.split(",") ?? command.columns;
  const keep = filterOf(own.filter ?? []);
  const lines = (message: JsonValue): void => void io.stdout.write(`${JSON.stringify(message)}\n`);

  if (method.kind === "server_streaming") {
    // A stream may be long: its messages are printed as they come, whatever the form.
    const show = output === "table" ? (message: JsonValue) => void io.stdout.write(recordOf(message)) : lines;
    for await (const message of serverStream<JsonValue>(client, method, request)) if (keep(message)) show(message);
    return;
  }
  if (own.all !== undefined && method.paging !== undefined) {
    const paging = { ...method, paging: method.paging as Paging };
    const rows: JsonObject[] = [];
    for await (const item of paged<JsonObject, JsonObject, string>(client, paging, request as JsonObject)) {
      if (!keep(item)) continue;
      if (output === "ndjson") lines(item);
      else rows.push(item);
    }
    if (output === "table") io.stdout.write(tableOf(rows, columns));
    else if (output === "json") io.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
    return;
  }
  const message = method.kind === "client_streaming" ? await clientStream<JsonValue, string>(client, method, messagesOf(own.input?.[0], request, io)) : await unary<JsonValue, string>(client, method, request);
  // Of what is no object there is nothing more to say than itself.
  const fields = message as JsonObject;
  const listed = items === "" ? undefined : ((fields[items] ?? []) as JsonObject[]).filter(keep);
  if (output === "json") io.stdout.write(`${JSON.stringify(listed === undefined ? message : { ...fields, [items]: listed }, null, 2)}\n`);
  else if (output === "ndjson") (listed ?? [message]).forEach(lines);
  else io.stdout.write(listed === undefined ? recordOf(message) : listOf(fields, items, listed, columns));
  if (output !== "json" && method.paging !== undefined && fields[method.paging.next]) io.stderr.write("there are more: --all shows every page\n");
}

/** What an answer says about its list, which the table shows. */
const aboutList: ReadonlySet<string> = new Set(["nextPageToken", "totalSize"]);

/** A list as a table, and below it what the answer says beside it. */
function listOf(message: JsonObject, items: string, listed: readonly JsonObject[], columns: readonly string[]): string {
  const beside = Object.fromEntries(Object.entries(message).filter(([name]) => name !== items && !aboutList.has(name)));
  if (Object.keys(beside).length === 0) return tableOf(listed, columns);
  return listed.length === 0 ? recordOf(beside) : `${tableOf(listed, columns)}\n${recordOf(beside)}`;
}

/** Messages of a file or of stdin, one on each line; what the command line says of the request goes into each. */
async function* messagesOf(path: string | undefined, request: JsonValue | undefined, { stdin }: RpcIo): AsyncGenerator<JsonValue | undefined> {
  if (path === undefined) return yield request;
  let number = 0;
  for await (const line of createInterface({ input: path === "-" ? stdin : createReadStream(path), crlfDelay: Infinity })) {
    number++;
    if (line.trim() === "") continue;
    try {
      const message = JSON.parse(line) as JsonValue;
      yield isObject(request) && isObject(message) ? { ...request, ...message } : message;
    } catch {
      throw new UsageError(`--input: line ${number} is not JSON`);
    }
  }
}

async function secretsOf({ secrets }: CommandLine, io: RpcIo): Promise<JsonObject> {
  const found: Record<string, string> = {};
  for (const { field, file } of secrets) {
    const name: CommandField["jsonName"] = field.jsonName;
    if (file !== undefined && file !== "-") found[name] = readSecretFile(file);
    else if (file === "-" || field.required) found[name] = await askSecret(field.flag, io.stdin, io.stderr);
  }
  return found;
}

function outputOf(given: string | undefined, { stdout }: RpcIo): Output {
  if (given === undefined) return stdout.isTTY === true ? "table" : "json";
  const found = outputs.find((output) => output === given);
  if (found === undefined) throw new UsageError(`--output ${JSON.stringify(given)}: wanted ${outputs.join(", ")}`);
  return found;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`);
  }
}

function explained({ program }: Site, { reason, message, fieldViolations, requestId, retryAfterMs }: ParapetError): string {
  const lines = [
    `${program}: ${reason}: ${message}`,
    ...fieldViolations.map(({ field, description }) => `  ${field}: ${description}`),
    ...(retryAfterMs === undefined ? [] : [`  try again in ${Math.ceil(retryAfterMs / 1_000)} s`]),
    ...(requestId === "" ? [] : [`  request id ${requestId}`]),
  ];
  return `${lines.join("\n")}\n`;
}

/** The help of one command. */
export function usageOf({ program }: Site, { group, name, summary, needs, positionals, flags }: RpcCommand): string {
  const rows: (readonly [string, string])[] = [
    ...positionals.map((field) => [field.flag.toUpperCase(), field.summary] as const),
    ...flags.map((field) => [`--${field.flag}${field.secret ? "-file FILE" : kinds[field.kind]}`, `${field.summary}${field.values === undefined ? "" : ` One of ${field.values.join(", ")}.`}${field.secret && field.required ? " Asked for if it is left out." : ""}`] as const),
  ];
  const own = Object.entries(ownFlags).map(([flag, text]) => [`--${flag}${flag === "all" ? "" : " …"}`, text] as const);
  const width = Math.max(...[...rows, ...own].map(([left]) => left.length));
  const table = (entries: readonly (readonly [string, string])[]): string => entries.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("");
  const places = positionals.map(({ flag }) => ` ${flag.toUpperCase()}`).join("");
  return `${program} ${group} ${name}${places} [flags]\n\n  ${summary}\n  Needs ${needs}.\n\n${table(rows)}${rows.length > 0 ? "\n" : ""}${table(own)}`;
}

const kinds: Readonly<Record<CommandField["kind"], string>> = { text: " TEXT", number: " N", bool: "", json: " JSON", pairs: " NAME=VALUE" };
