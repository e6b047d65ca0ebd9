/** Logs in, and keeps the token where the other commands find it. */
import { createClient, ParapetError } from "@parapet/sdk/runtime";
import { authLogin } from "@parapet/sdk";
import { UsageError } from "./rpc/command-line.js";
import { connectionOf, type Environment, rememberToken } from "./rpc/profiles.js";
import { askSecret, type Input } from "./rpc/prompt.js";
import { parseArgs } from "node:util";

/** What the command works with. */
export interface LoginIo {
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly stdin: Input;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

const exit = { done: 0, failed: 1, usage: 64 } as const;

/** Runs it; resolves to the exit code. The password comes from a prompt or from stdin, never from the command line. */
export async function login({ argv, env, stdin, stdout, stderr }: LoginIo): Promise<number> {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: { server: { type: "string" }, profile: { type: "string" } } });
    const [username, ...more] = positionals;
    if (username === undefined || more.length > 0) throw new UsageError("login takes one user name");
    const name = values.profile ?? env["PARAPET_CLI_PROFILE"] ?? "default";
    // A profile that is being made need not exist yet.
    const { server } = connectionOf({ ...env, PARAPET_CLI_PROFILE: undefined }, { server: values.server });
    const password = await askSecret(`password of ${username}`, stdin, stderr);
    const { token } = await authLogin(createClient({ baseUrl: server }), { username, password });
    const path = rememberToken(env, name, server, token);
    stdout.write(`logged in to ${server} as ${username}; the token is in ${path}\n`);
    return exit.done;
  } catch (error) {
    if (error instanceof ParapetError) {
      stderr.write(`parapet: ${error.reason}: ${error.message}\n`);
      return exit.failed;
    }
    if (!(error instanceof UsageError) && !(error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS")) throw error;
    stderr.write(`parapet: ${(error as Error).message}\n`);
    return exit.usage;
  }
}
