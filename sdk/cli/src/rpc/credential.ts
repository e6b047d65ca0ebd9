/** Keeps a credential where the commands of RPCs find it: in a 0600 file of a profile. */
import { parseArgs } from "node:util";
import { ParapetError } from "@parapet/sdk/runtime";
import { UsageError } from "./command-line.js";
import { type Environment, rememberSecret, type SecretKind, serverOf, setting, type Site } from "./profiles.js";
import { askSecret, type Input, Interrupted } from "./prompt.js";

/** What a command that asks for a secret works with. */
export interface AskIo {
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly stdin: Input;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/** What there is to keep. */
export interface Kept {
  readonly kind: SecretKind;
  readonly secret: string;
  /** What is said of it, ahead of the path of its file. */
  readonly said: string;
}

const exit = { done: 0, failed: 1, usage: 64 } as const;

/** Reads `--server` and `--profile`, gets a secret by `make`, and keeps it; resolves to the exit code. */
export async function keepSecret(site: Site, { argv, env, stdout, stderr }: AskIo, make: (given: { readonly server: string; readonly positionals: readonly string[] }) => Promise<Kept>): Promise<number> {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: { server: { type: "string" }, profile: { type: "string" } } });
    const name = values.profile ?? setting(site, env, "PROFILE") ?? "default";
    const server = serverOf(site, env, name, values.server);
    const { kind, secret, said } = await make({ server, positionals });
    stdout.write(`${said} ${rememberSecret(site, env, name, server, kind, secret)}\n`);
    return exit.done;
  } catch (error) {
    if (error instanceof Interrupted) return error.exit;
    if (error instanceof ParapetError) {
      stderr.write(`${site.program}: ${error.reason}: ${error.message}\n`);
      return exit.failed;
    }
    if (!(error instanceof UsageError) && !(error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS")) throw error;
    stderr.write(`${site.program}: ${(error as Error).message}\n`);
    return exit.usage;
  }
}

/** Asks for an API key and keeps it; resolves to the exit code. */
export async function keepCredential(site: Site, io: AskIo): Promise<number> {
  return await keepSecret(site, io, async ({ server, positionals }) => {
    if (positionals.length > 0) throw new UsageError("credential takes no argument: the API key is asked for, or read from stdin");
    const secret = await askSecret(`API key for ${server}`, io.stdin, io.stderr);
    if (secret === "") throw new UsageError("no secret was given");
    return { kind: "apiKey", secret, said: `the API key for ${server} is in` };
  });
}
