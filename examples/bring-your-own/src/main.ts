/** An existing connect-es router, fully gated: gRPC, gRPC-Web, Connect and REST on one port, its own proto and identity. */
import { ADMIN, createJwksIdentity, createLog, createParapet, openFileAuditSink, READ, WRITE, type Grants, type Parapet, type ServiceRegistrar } from "@parapet/server";
import { Code, ConnectError } from "@connectrpc/connect";
import { NotesService } from "./gen/acme/notes/v1/notes_service_pb.js";
import { routes as rest } from "./gen/rest/routes.js";

/** The router this team had before. */
function notes(router: ServiceRegistrar): void {
  const texts = new Map<string, string>();
  router.service(NotesService, {
    getNote({ book, id }) {
      const text = texts.get(`${book}/${id}`);
      if (text === undefined) throw new ConnectError("no such note", Code.NotFound);
      return { text };
    },
    createNote({ book, text }) {
      const id = String(texts.size + 1);
      texts.set(`${book}/${id}`, text);
      return { id };
    },
  });
}

const roles: Readonly<Record<string, Grants>> = {
  editor: new Map([["handbook", READ | WRITE]]),
  reader: new Map([["handbook", READ]]),
  owner: new Map([["*", ADMIN]]),
};

/** Gates the router with tokens of an issuer that publishes its keys. */
export async function gated(issuer: string, jwksUrl: string, auditFile: string): Promise<Parapet> {
  return createParapet({
    services: notes,
    rest,
    identity: createJwksIdentity({ jwksUrl, issuer, audience: "notes", grantsOf: (claims) => roles[String(claims["role"])] ?? new Map() }),
    audit: await openFileAuditSink(auditFile),
    log: createLog("warn", (line) => process.stderr.write(line)),
  });
}

const [issuer, jwksUrl] = [process.env["NOTES_ISSUER"], process.env["NOTES_JWKS_URL"]];
if (issuer !== undefined && jwksUrl !== undefined) {
  const port = await (await gated(issuer, jwksUrl, "audit.ndjson")).listen({ hosts: ["127.0.0.1"], port: Number(process.env["NOTES_PORT"] ?? 8080) });
  console.log(`notes on http://127.0.0.1:${port}`);
}
