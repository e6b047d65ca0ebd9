/** Peer: the handler of the `node:http` peer behind the one-port dispatcher. */
import { createOnePort } from "@parapet/server";
import { answerJson } from "./node-http.js";
import { listen, type PeerPorts } from "./peer.js";

/** Starts it. */
export async function startOnePort(): Promise<PeerPorts> {
  return { http1: await listen(createOnePort({ http1: answerJson, http2: (stream) => stream.close() }).listener) };
}
