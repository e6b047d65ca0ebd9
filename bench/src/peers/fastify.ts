/** Peer: Fastify with JSON and a response schema. */
import type { AddressInfo } from "node:net";
import { toJson } from "@bufbuild/protobuf";
import { DocumentSchema } from "@parapet/contract/parapet/document/v1/document_pb";
import { fastify } from "fastify";
import { documentOf, type PeerPorts } from "./peer.js";

const string = { type: "string" };
const requestSchema = { type: "object", required: ["collection", "key"], properties: { collection: string, key: string, lang: string } };
const responseSchema = {
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

/** Starts it. */
export async function startFastify(): Promise<PeerPorts> {
  const document = toJson(DocumentSchema, documentOf("")) as { key: string };
  const app = fastify({ logger: false });
  app.post<{ Body: { key: string } }>("/v1/get", { schema: { body: requestSchema, response: { 200: responseSchema } } }, ({ body }) => Promise.resolve({ ...document, key: body.key }));
  await app.listen({ port: 0, host: "127.0.0.1" });
  return { http1: (app.server.address() as AddressInfo).port };
}
