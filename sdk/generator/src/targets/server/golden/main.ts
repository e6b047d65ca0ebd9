/** Starts the server: gRPC, gRPC-Web, Connect and REST on one port, behind the contract's policy. This file is yours. */
import { createLog, createParapet, openCredentialsFile, openFileAuditSink } from "@parapet/server";
import { routes } from "./gen/server/routes.js";
import { services } from "./gen/server/services.js";

const { PORT = "8080", HOST = "127.0.0.1", CREDENTIALS_FILE = "credentials.json", AUDIT_FILE = "audit.ndjson" } = process.env;
const log = createLog("warn", (line) => void process.stderr.write(line));
const audit = await openFileAuditSink(AUDIT_FILE);
const parapet = createParapet({
  services,
  rest: routes,
  identity: openCredentialsFile({ path: CREDENTIALS_FILE, log }),
  audit,
  log,
});
const port = await parapet.listen({ hosts: [HOST], port: Number(PORT) });
console.log(`listening on http://${HOST}:${port}`);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void parapet.close().then(async () => {
      await audit.close();
      process.exit(0);
    });
  });
}
