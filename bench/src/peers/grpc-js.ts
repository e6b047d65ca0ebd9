/** Peer: grpc-js with the service that proto-loader reads from the proto files. */
import { fileURLToPath } from "node:url";
import { loadPackageDefinition, Server, ServerCredentials, type ServiceClientConstructor, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { documentOf, type PeerPorts } from "./peer.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** The document as proto-loader's types want it. */
function sampleForLoader(): object {
  const { id, collection, lang, meta, contentMd, addedAt, updatedAt, revision, etag } = documentOf("");
  const lists = Object.entries(meta).map(([name, { values }]) => [name, { values: values.map(({ kind }) => ({ stringValue: kind.value })) }]);
  const time = (at: typeof addedAt): object => ({ seconds: Number(at!.seconds), nanos: at!.nanos });
  return { id, collection, lang, meta: Object.fromEntries(lists) as object, contentMd, addedAt: time(addedAt), updatedAt: time(updatedAt), revision, etag };
}

/** Starts it. */
export async function startGrpcJs(): Promise<PeerPorts> {
  const definition = loadSync("parapet/document/v1/document_service.proto", {
    includeDirs: [`${root}proto`, `${root}.vendor`],
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  });
  const sample = sampleForLoader();
  const implementation: UntypedServiceImplementation = {
    Get: (call: { request: { key: string } }, callback: (error: null, response: object) => void) => {
      callback(null, { document: { ...sample, key: call.request.key } });
    },
  };
  const packages = loadPackageDefinition(definition) as unknown as { parapet: { document: { v1: Record<string, ServiceClientConstructor> } } };
  const server = new Server();
  server.addService(packages.parapet.document.v1["DocumentService"]!.service, implementation);
  const http2 = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => (error === null ? resolve(port) : reject(error)));
  });
  return { http2 };
}
