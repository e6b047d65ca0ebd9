/** Peer: the handlers of the connect-node peer on Parapet's own executor, with a policy that lets everybody in. */
import { create } from "@bufbuild/protobuf";
import { DocumentService, GetResponseSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { AuditLevel, MethodPolicySchema } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { routes } from "@parapet/contract/rest/routes";
import { createParapet, fail, Reason } from "@parapet/server";
import { documentOf, type PeerPorts } from "./peer.js";

const open = create(MethodPolicySchema, {
  access: { rule: { case: "public", value: { ignoreBadCredential: true } } },
  limit: { kind: { case: "exempt", value: true } },
  audit: { action: "bench.get", resource: "bench", level: AuditLevel.NONE },
});

/** Starts it. */
export async function startBare(): Promise<PeerPorts> {
  const nobody = fail(Reason.TOKEN_INVALID);
  const parapet = createParapet({
    services: (router) => router.service(DocumentService, { get: ({ key }) => create(GetResponseSchema, { document: documentOf(key) }) }),
    rest: routes,
    overlay: { [`${DocumentService.typeName}/Get`]: open },
    identity: { authenticate: () => nobody },
    audit: { write: ({ reason }) => Promise.reject(new Error(`a record of ${reason}`)) },
    limiter: null,
  });
  const port = await parapet.listen({ hosts: ["127.0.0.1"], port: 0 });
  return { http1: port, http2: port };
}
