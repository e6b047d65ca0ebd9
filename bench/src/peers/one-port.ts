/** Peer: the handler of the `node:http` peer behind the one-port dispatcher. */
import { createOnePort, type RequestHandler } from "@parapet/server";
import { answerJson } from "./node-http.js";
import { listen, type PeerPorts } from "./peer.js";

/** Starts it. */
export async function startOnePort(): Promise<PeerPorts> {
  return { http1: await listen(createOnePort(answerJson as RequestHandler).listener) };
}
