/** The server as a process: environment, configuration, app, listen, drain. */
import { ConfigError, loadConfig, productionChecklist } from "./config.js";
import { createApp, type App } from "./app.js";
import { ContractError } from "./gate/build-plans.js";
import { createLog } from "./log.js";
import { version } from "./version.js";

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
/** Exit code for a server that could not start (sysexits.h EX_UNAVAILABLE). */
const unavailableExit = 69;

/** Runs the server until SIGTERM or SIGINT; resolves to the exit code after the last call has ended. */
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
  let app: App;
  let port: number;
  try {
    app = await createApp({ config, log });
    port = await app.listen().catch(async (error: unknown) => {
      await app.close();
      throw error;
    });
  } catch (error) {
    stderr.write(`parapet: ${error instanceof ContractError ? error.message : `cannot start: ${(error as Error).message}`}\n`);
    return unavailableExit;
  }
  announceAdmin(app, stderr);
  if (!config.authEnabled) stderr.write("parapet: authentication is off; only programs on this machine may call\n");
  const host = config.address.host === "" ? "localhost" : config.address.host;
  stderr.write(`parapet ${version} listening on http://${host.includes(":") ? `[${host}]` : host}:${port}${config.socket === undefined ? "" : ` and ${config.socket}`}\n`);

  const signal = await stopSignal();
  log.info("draining", { signal });
  await app.close();
  return 0;
}

/** A generated password is shown on a terminal once; elsewhere only the path of its file is. */
function announceAdmin({ bootstrapped }: App, stderr: ServeOptions["stderr"]): void {
  if (!bootstrapped.created || bootstrapped.generated === undefined) return;
  const { password, file } = bootstrapped.generated;
  stderr.write(stderr.isTTY === true ? `parapet: the admin's password is ${password} (also in ${file} until it is changed)\n` : `parapet: the admin's password is in ${file}\n`);
}

function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals): void => {
      process.off("SIGTERM", stop);
      process.off("SIGINT", stop);
      resolve(signal);
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
  });
}
