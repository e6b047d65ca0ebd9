/** What a peer is: a server that answers `Get` with the sample document, made with one library. */
import type { AddressInfo, Server } from "node:net";
import { sampleDocument } from "../load/document.js";
import type { Document } from "@parapet/contract/parapet/document/v1/document_pb";

/** The ports a peer listens on, by what they speak. */
export interface PeerPorts {
  readonly http1?: number;
  readonly http2?: number;
}

/** Starts a peer on loopback. */
export type StartPeer = () => Promise<PeerPorts>;

/** Listens on a free loopback port and returns it. */
export function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

const sample = sampleDocument();

/** The sample document under another key, as the answer to a request for it. */
export function documentOf(key: string): Document {
  return { ...sample, key };
}
