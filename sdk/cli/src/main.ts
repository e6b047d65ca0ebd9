/** The parapet command: one command for every RPC of its contract, beside the server's own. */
import { readFileSync } from "node:fs";
import { rpcCommands } from "./gen/commands.js";
import { type CommandIo, createProgram } from "./program.js";
import type { Site } from "./rpc/profiles.js";

/** Exit code for a configuration that does not hold (sysexits.h EX_CONFIG). */
const configExit = 78;

const site: Site = { program: "parapet", server: "http://localhost:11023" };

/** Runs the command line; resolves to the exit code. */
export const main: (io: CommandIo) => Promise<number> = createProgram({
  name: site.program,
  summary: "One port for gRPC, gRPC-Web, Connect and REST.",
  commands: rpcCommands,
  server: site.server,
  version: () => (JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string }).version,
  // What only some commands need is loaded by them: the server is most of what there is to load.
  also: {
    serve: { usage: "[--config FILE] [--workers N]", summary: "start the server", run: async (io) => (await import("@parapet/server/program")).serve(io) },
    config: { usage: "[--config FILE | --markdown]", summary: "print the configuration in force, secrets redacted, or the table of all variables", run: printConfig },
    login: {
      usage: "USER [--server URL] [--profile NAME]",
      summary: "ask for the password, and keep the token in a 0600 file of the profile",
      run: async (io) => (await import("./login.js")).login(site, { ...io, stdin: io.stdin ?? process.stdin }),
    },
  },
});

async function printConfig({ argv, env, stdout, stderr }: CommandIo): Promise<number> {
  const { ConfigError, describeConfig, loadConfig, variablesMarkdown } = await import("@parapet/server/program");
  try {
    stdout.write(argv.length === 1 && argv[0] === "--markdown" ? variablesMarkdown() : describeConfig(loadConfig({ argv, env, stderr })));
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    stderr.write(`parapet: ${error.message}\n`);
    return configExit;
  }
}
