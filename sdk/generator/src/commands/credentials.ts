/** The command `credentials`: what a development server and its conformance run prove each other with. */
import { access, chmod, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeFolder } from "../files.js";
import { developmentCredentials, type RandomBytes } from "../init/credentials.js";
import { type Command, UsageError } from "./command.js";

/** Resource on which the roles of development hold their rights, unless another is named. */
export const resourceDefault = "handbook";

/** Makes both files, unless one is there. */
export const credentialsCommand: Command = {
  usage: "[DIR] [--resource NAME]",
  summary: "make credentials.json for a development server, and tokens.json (mode 0600) for its conformance run",
  async run(args, { out, randomBytes }) {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: { resource: { type: "string" } } });
    if (positionals.length > 1) throw new UsageError("credentials takes one folder");
    for (const path of await writeCredentials(positionals[0] ?? ".", values.resource ?? resourceDefault, randomBytes)) out(`parapet-generate: ${path} written`);
    return 0;
  },
};

/** Writes both files; returns their names. Throws a UsageError if one exists. */
export async function writeCredentials(folder: string, resource: string, randomBytes: RandomBytes): Promise<string[]> {
  const { credentials, tokens } = developmentCredentials(resource, randomBytes);
  for (const { path } of [credentials, tokens]) {
    const exists = await access(join(folder, path)).then(() => true, () => false);
    if (exists) throw new UsageError(`${path} exists; move both credentials.json and tokens.json away first`);
  }
  await makeFolder(resolve(folder));
  for (const { path, content } of [credentials, tokens]) {
    await writeFile(join(folder, path), content, { flag: "wx", mode: 0o600 });
    await chmod(join(folder, path), 0o600);
  }
  return [credentials.path, tokens.path];
}
