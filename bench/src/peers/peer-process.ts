/** The process of one peer, named by its argument: starts it and tells its parent the ports. */
import "../process/usage-probe.js";
import type { StartPeer } from "./peer.js";

/** Each peer is loaded alone, so that no process carries the library of another. */
const peers: Readonly<Record<string, () => Promise<StartPeer>>> = {
  "connect-node": async () => (await import("./connect-node.js")).startConnectNode,
  "grpc-js": async () => (await import("./grpc-js.js")).startGrpcJs,
  fastify: async () => (await import("./fastify.js")).startFastify,
  "node:http": async () => (await import("./node-http.js")).startNodeHttp,
  "node:http2": async () => (await import("./node-http2.js")).startNodeHttp2,
  bare: async () => (await import("./bare.js")).startBare,
  gated: async () => (await import("./gated.js")).startGated,
  "one port": async () => (await import("./one-port.js")).startOnePort,
};

const name = process.argv[2] ?? "";
const load = peers[name];
if (load === undefined) throw new Error(`no peer is called ${JSON.stringify(name)}`);
const start = await load();
process.send!({ type: "ports", ports: await start() });
