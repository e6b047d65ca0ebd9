/** Logs in, and keeps the token where the other commands find it. */
import { authLogin } from "@parapet/sdk";
import { createClient } from "@parapet/sdk/runtime";
import { type AskIo, keepSecret } from "./rpc/credential.js";
import { UsageError } from "./rpc/command-line.js";
import type { Site } from "./rpc/profiles.js";
import { askSecret } from "./rpc/prompt.js";

/** Runs it; resolves to the exit code. The password comes from a prompt or from stdin, never from the command line. */
export async function login(site: Site, io: AskIo): Promise<number> {
  return await keepSecret(site, io, async ({ server, positionals: [username, ...more] }) => {
    if (username === undefined || more.length > 0) throw new UsageError("login takes one user name");
    const password = await askSecret(`password of ${username}`, io.stdin, io.stderr);
    const { token } = await authLogin(createClient({ baseUrl: server }), { username, password });
    return { kind: "token", secret: token, said: `logged in to ${server} as ${username}; the token is in` };
  });
}
