/** Peer: the handlers of the connect-node peer behind the gate, with nothing else changed. */
import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { DocumentService, GetResponseSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { CredentialKind } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import { Algorithm } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { type Authenticated, createParapet, READ } from "@parapet/server";
import { benchCollection } from "../load/document.js";
import { documentOf, type PeerPorts } from "./peer.js";

/** Stands for a reader that the server has seen before: any token, and after its first use a look-up by its hash. */
function createKnownReader(): (token: string) => Authenticated {
  const seen = new Map<string, Authenticated>();
  return (token) => {
    const hash = createHash("sha256").update(token).digest("base64");
    let verdict = seen.get(hash);
    if (verdict === undefined) {
      verdict = {
        principal: { id: "usr_bench", name: "bench", tenant: "default", admin: false, grants: new Map([[benchCollection, READ]]) },
        credential: { kind: CredentialKind.TOKEN, id: "bench" },
      };
      seen.set(hash, verdict);
    }
    return verdict;
  };
}

/** Starts it. */
export async function startGated(): Promise<PeerPorts> {
  const verdictOn = createKnownReader();
  const parapet = createParapet({
    services: (router) => router.service(DocumentService, { get: ({ key }) => create(GetResponseSchema, { document: documentOf(key) }) }),
    identity: { authenticate: ({ text }) => verdictOn(text) },
    // Successful reads leave no record; anything else has no place in this bench.
    audit: { write: ({ reason }) => Promise.reject(new Error(`a record of ${reason}`)) },
    // The executor of the bare peer, so that the gate is all that differs.
    unary: "connect-es",
    buckets: { api: { name: "api", algorithm: Algorithm.TOKEN_BUCKET, requests: 100_000_000, burst: 0, windowMs: 60_000 } },
  });
  const port = await parapet.listen({ hosts: ["127.0.0.1"], port: 0 });
  return { http1: port, http2: port };
}
