/** Starts the servers that a run measures, each in a process of its own. */
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { wireOf, type WireProtocol } from "../load/requests.js";
import type { PeerPorts } from "../peers/peer.js";
import { endChild, nextMessage, startChild } from "../process/child.js";
import { startParapet } from "../process/parapet.js";
import { prepareParapet } from "./prepare.js";
import type { ServerName } from "./rows.js";

/** A running server. */
export interface MeasuredServer {
  readonly child: ChildProcess;
  /** Port that serves a protocol. */
  portFor(protocol: WireProtocol): number;
  close(): Promise<void>;
}

/** All servers of a run, and the credential that every request to any of them carries. */
export interface Servers {
  readonly of: ReadonlyMap<ServerName, MeasuredServer>;
  readonly authorization: string;
  close(): Promise<void>;
}

/** Sent to peers where no Parapet server is among the measured; as long as a real token. */
const placeholderAuthorization = `Bearer ${"x".repeat(300)}`;

const peerProcess = fileURLToPath(new URL("../peers/peer-process.js", import.meta.url));

/** Starts some servers on a core. If one does not start, the others are ended. */
export async function startServers(names: ReadonlySet<ServerName>, core: number | undefined): Promise<Servers> {
  const started = new Map<ServerName, MeasuredServer>();
  const close = async (): Promise<void> => {
    await Promise.all(Array.from(started.values(), (server) => server.close()));
  };
  let authorization = placeholderAuthorization;
  try {
    for (const name of names) {
      if (name !== "parapet") {
        started.set(name, await startPeer(name, core));
        continue;
      }
      const parapet = await startParapet({ variables: { PARAPET_RATE_LIMIT_REQUESTS: "100000000" }, ...(core === undefined ? {} : { core }) });
      started.set(name, { child: parapet.child, portFor: () => parapet.port, close: () => parapet.close() });
      authorization = await prepareParapet(parapet);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { of: started, authorization, close };
}

async function startPeer(name: ServerName, core: number | undefined): Promise<MeasuredServer> {
  const child = startChild({ module: peerProcess, args: [name], ...(core === undefined ? {} : { core }) });
  const { ports } = await nextMessage<{ ports: PeerPorts }>(child);
  return {
    child,
    portFor(protocol) {
      const port = ports[wireOf(protocol)];
      if (port === undefined) throw new Error(`the peer ${name} does not speak ${protocol}`);
      return port;
    },
    close: () => endChild(child),
  };
}
