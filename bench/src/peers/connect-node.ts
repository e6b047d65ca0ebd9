/** Peer: connect-es on connect-node, once over h2c and once over HTTP/1.1. */
import { createServer as createHttp1Server } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { create } from "@bufbuild/protobuf";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { DocumentService, GetResponseSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { documentOf, listen, type PeerPorts } from "./peer.js";

/** Starts it. */
export async function startConnectNode(): Promise<PeerPorts> {
  const handler = connectNodeAdapter({
    routes: (router) => {
      router.rpc(DocumentService.method.get, ({ key }) => create(GetResponseSchema, { document: documentOf(key) }));
    },
  });
  return { http1: await listen(createHttp1Server(handler)), http2: await listen(createHttp2Server(handler)) };
}
