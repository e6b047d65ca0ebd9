/** Peer: Fastify with JSON, a request schema and a response schema. */
import type { AddressInfo } from "node:net";
import { toJson } from "@bufbuild/protobuf";
import { DocumentSchema } from "@parapet/contract/parapet/document/v1/document_pb";
import { DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { fastify } from "fastify";
import { documentOf, type PeerPorts } from "./peer.js";

const string = { type: "string" };
const requestSchema = { type: "object", required: ["collection", "key"], properties: { collection: string, key: string, lang: string } };
const documentSchema = {
  type: "object",
  properties: {
    id: string,
    collection: string,
    key: string,
    lang: string,
    meta: { type: "object", additionalProperties: { type: "array", items: string } },
    contentMd: string,
    addedAt: string,
    updatedAt: string,
    expiresAt: string,
    revision: { type: "integer" },
    etag: string,
  },
};

/** Starts it. It answers the document itself at the path of REST, and the message that holds it at the path of Connect. */
export async function startFastify(): Promise<PeerPorts> {
  const sample = toJson(DocumentSchema, documentOf("")) as { key: string };
  const app = fastify({ logger: false });
  app.post<{ Body: { key: string } }>("/v1/get", { schema: { body: requestSchema, response: { 200: documentSchema } } }, ({ body }) =>
    Promise.resolve({ ...sample, key: body.key }),
  );
  const response = { 200: { type: "object", properties: { document: documentSchema } } };
  app.post<{ Body: { key: string } }>(`/${DocumentService.typeName}/Get`, { schema: { body: requestSchema, response } }, ({ body }) =>
    Promise.resolve({ document: { ...sample, key: body.key } }),
  );
  await app.listen({ port: 0, host: "127.0.0.1" });
  return { http1: (app.server.address() as AddressInfo).port };
}
