/** Starts the whole reference server in this process on a free port, for tests through its public doors. */
import { createApp, type App, type AppOptions } from "../app.js";
import { loadConfig } from "../config.js";
import { createLog, silentLog } from "../log.js";
import type { Store } from "../store/store.js";

/** A running server. */
export interface TestServer {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  readonly adminUser: string;
  readonly adminPassword: string;
  readonly app: App;
  close(): Promise<void>;
}

/** Starts it, on a memory store and with the default limits unless `env` says otherwise; `unary` chooses the executor of unary calls. */
export async function startTestServer(env: Readonly<Record<string, string>> = {}, store?: Store, unary?: AppOptions["unary"]): Promise<TestServer> {
  const adminPassword = env["PARAPET_AUTH_ADMIN_PASSWORD"] ?? "correct horse battery staple";
  const { config } = loadConfig({
    env: { PARAPET_ADDR: "127.0.0.1:0", PARAPET_STORE: "memory", PARAPET_AUTH_ADMIN_PASSWORD: adminPassword, PARAPET_DRAIN_TIMEOUT: "1s", ...env },
    directory: "/nonexistent",
  });
  const log = process.env["PARAPET_TEST_LOG"] === undefined ? silentLog : createLog("debug", (line) => void process.stderr.write(line));
  const app = await createApp({ config, log, ...(store === undefined ? {} : { store }), ...(unary === undefined ? {} : { unary }) });
  const port = await app.listen();
  return { url: `http://127.0.0.1:${port}`, port, adminUser: config.authAdminUsername, adminPassword, app, close: () => app.close() };
}
