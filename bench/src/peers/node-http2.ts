/** Peer: `node:http2` alone, with gRPC framing and trailers. */
import { createServer } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { GetRequestSchema, GetResponseSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { documentOf, listen, type PeerPorts } from "./peer.js";

/** Bytes in front of a message: one of flags, four of length. */
const envelopeBytes = 5;

/** Starts it. */
export async function startNodeHttp2(): Promise<PeerPorts> {
  const server = createServer();
  server.on("stream", (stream) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const { key } = fromBinary(GetRequestSchema, Buffer.concat(chunks).subarray(envelopeBytes));
      const message = toBinary(GetResponseSchema, create(GetResponseSchema, { document: documentOf(key) }));
      const body = Buffer.alloc(envelopeBytes + message.length);
      body.writeUInt32BE(message.length, 1);
      body.set(message, envelopeBytes);
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(body);
    });
  });
  return { http2: await listen(server) };
}
