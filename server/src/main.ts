/** The server as a process: environment, configuration, app, listen, drain. */
import { type Config, ConfigError, loadConfig, productionChecklist } from "./config.js";
import { createApp } from "./app.js";
import { ContractError } from "./gate/build-plans.js";
import type { Bootstrapped } from "./identity/bootstrap.js";
import { createLog, type Log } from "./log.js";
import { boundHeap } from "./heap.js";
import { version } from "./version.js";
import { type Primary, startPrimary } from "./workers/primary.js";

/** Where the process reads from and writes to. */
export interface ServeOptions {
  /** Arguments after `serve`. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** Exit code for a configuration that does not hold (sysexits.h EX_CONFIG). */
const configExit = 78;
/** Exit code after a second Ctrl-C (128 and the number of SIGINT). */
const interruptedExit = 130;
/** Exit code for a server that could not start (sysexits.h EX_UNAVAILABLE). */
const unavailableExit = 69;

/** Runs the server until SIGTERM, SIGINT or SIGHUP; resolves to the exit code after the last call has ended. */
export async function serve({ argv, env, stderr }: ServeOptions): Promise<number> {
  let config;
  try {
    ({ config } = loadConfig({ argv, env, stderr }));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    stderr.write(`parapet: ${error.message}\n`);
    return configExit;
  }
  const missing = productionChecklist(config).filter(({ satisfied }) => !satisfied);
  if (config.production && missing.length > 0) {
    stderr.write(`parapet: production mode refuses to start:\n${missing.map(({ name, detail }) => `  - ${name}: ${detail}`).join("\n")}\n`);
    return configExit;
  }
  const log = createLog(config.logLevel, (line) => void stderr.write(line));
  let server: Running;
  try {
    server = config.workers > 1 ? await startPrimary({ config, log }) : await startAlone(config, log);
  } catch (error) {
    stderr.write(`parapet: ${error instanceof ContractError ? error.message : `cannot start: ${(error as Error).message}`}\n`);
    return unavailableExit;
  }
  await boundHeap();
  const { port } = server;
  announceAdmin(server.bootstrapped, stderr);
  if (!config.authEnabled) stderr.write("parapet: authentication is off; only programs on this machine may call\n");
  const host = config.address.host === "" ? "localhost" : config.address.host;
  const more = `${config.socket === undefined ? "" : ` and ${config.socket}`}${config.workers > 1 ? `, ${config.workers} workers` : ""}`;
  stderr.write(`parapet ${version} listening on http://${host.includes(":") ? `[${host}]` : host}:${port}${more}\n`);

  const signal = await stopSignal();
  log.info("draining", { signal });
  await server.close();
  return 0;
}

/** A server that listens, in this process or in workers. */
type Running = Primary;

/** The whole server in this process. */
async function startAlone(config: Config, log: Log): Promise<Running> {
  const app = await createApp({ config, log });
  try {
    return { port: await app.listen(), bootstrapped: app.bootstrapped, close: app.close };
  } catch (error) {
    await app.close();
    throw error;
  }
}

/** A generated password is shown on a terminal once; elsewhere only the path of its file is. */
function announceAdmin(bootstrapped: Bootstrapped, stderr: ServeOptions["stderr"]): void {
  if (!bootstrapped.created || bootstrapped.generated === undefined) return;
  const { password, file } = bootstrapped.generated;
  stderr.write(stderr.isTTY === true ? `parapet: the admin's password is ${password} (also in ${file} until it is changed)\n` : `parapet: the admin's password is in ${file}\n`);
}

/** A signal repeated within this time is the same one: npm passes on what the terminal has sent to the whole group already. */
const repeatedSignalMs = 1_000;

/** The first signal to stop. Later ones change nothing, as supervisors repeat themselves; but another Ctrl-C means now. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstMs: number | undefined;
    const stop = (signal: NodeJS.Signals): void => {
      if (firstMs === undefined) {
        firstMs = performance.now();
        resolve(signal);
      } else if (signal === "SIGINT" && performance.now() - firstMs >= repeatedSignalMs) process.exit(interruptedExit);
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
    // The terminal was closed.
    process.on("SIGHUP", stop);
  });
}
