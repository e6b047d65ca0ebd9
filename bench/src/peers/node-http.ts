/** Peer: `node:http` alone, with JSON. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { toJson } from "@bufbuild/protobuf";
import { DocumentSchema } from "@parapet/contract/parapet/document/v1/document_pb";
import { documentOf, listen, type PeerPorts } from "./peer.js";

const document = toJson(DocumentSchema, documentOf("")) as { key: string };

/** Answers `POST /v1/get` with the document that the JSON body names. */
export function answerJson(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const { key } = JSON.parse(Buffer.concat(chunks).toString()) as { key: string };
    const body = JSON.stringify({ ...document, key });
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
    response.end(body);
  });
}

/** Starts it. */
export async function startNodeHttp(): Promise<PeerPorts> {
  return { http1: await listen(createServer({ noDelay: true }, answerJson)) };
}
