/** Starts the servers that a run measures, each in processes of its own. */
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { wireOf, type WireProtocol } from "../load/requests.js";
import type { PeerPorts } from "../peers/peer.js";
import { endChild, nextMessage, startChild } from "../process/child.js";
import { startParapet } from "../process/parapet.js";
import { type Cores, pin } from "../process/pin.js";
import { documentsFew } from "./comparisons.js";
import { prepareParapet } from "./prepare.js";
import type { ParapetName, ServerName } from "./server-names.js";

/** A running server. */
export interface MeasuredServer {
  readonly child: ChildProcess;
  /** Documents that `Get` reads in turn; their keys count from 0. */
  readonly documents: number;
  /** What every request carries as its `Authorization`. */
  readonly authorization: string;
  /** Port that serves a protocol. */
  portFor(protocol: WireProtocol): number;
  close(): Promise<void>;
}

/** All servers of a run. */
export interface Servers {
  readonly of: ReadonlyMap<ServerName, MeasuredServer>;
  close(): Promise<void>;
}

/** How to start them. */
export interface ServersOptions {
  readonly cores: Cores;
  /** Documents of the server that holds many. */
  readonly documents: number;
  /** Told what is done as it takes time. */
  readonly onProgress: (text: string) => void;
}

/** One way to start Parapet. */
interface ParapetKind {
  readonly documents: number;
  readonly variables?: Readonly<Record<string, string>>;
  /** Whether it runs where `Cores.workers` says instead of with the others. */
  readonly spreads?: boolean;
}

/** Documents of servers of which the number is not what is measured. */
const documentsUsual = 1000;

/** As long as the token of a real server, for a run that starts none. */
const placeholderAuthorization = `Bearer ${"x".repeat(219)}`;

const peerProcess = fileURLToPath(new URL("../peers/peer-process.js", import.meta.url));

function kindsOf(many: number): Readonly<Record<ParapetName, ParapetKind>> {
  return {
    parapet: { documents: documentsUsual },
    recording: { documents: documentsUsual },
    "not recording": { documents: documentsUsual, variables: { PARAPET_AUDIT_ENABLED: "false" } },
    "few documents": { documents: documentsFew },
    "many documents": { documents: many },
    "one worker": { documents: documentsUsual, spreads: true },
    "two workers": { documents: documentsUsual, spreads: true, variables: { PARAPET_WORKERS: "2" } },
  };
}

/**
 * Starts some servers one after the other, binds each to its cores once it holds its documents. Peers get the token of the
 * first Parapet server, so that all servers read the same bytes. If one does not start, the others are ended.
 */
export async function startServers(names: ReadonlySet<ServerName>, { cores, documents, onProgress }: ServersOptions): Promise<Servers> {
  const kinds = kindsOf(documents);
  const of = new Map<ServerName, MeasuredServer>();
  const close = async (): Promise<void> => {
    await Promise.all(Array.from(of.values(), (server) => server.close()));
  };
  let authorization: string | undefined;
  try {
    for (const name of names) {
      if (!isParapet(name, kinds)) continue;
      onProgress(`starting Parapet: ${name}`);
      const server = await startOurs(kinds[name], onProgress);
      of.set(name, server);
      authorization ??= server.authorization;
      pinServer(server, kinds[name].spreads === true ? cores.workers : cores.server);
    }
    for (const name of names) {
      if (isParapet(name, kinds)) continue;
      onProgress(`starting ${name}`);
      const server = await startPeer(name, authorization ?? placeholderAuthorization);
      of.set(name, server);
      pinServer(server, cores.server);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { of, close };
}

function isParapet(name: ServerName, kinds: object): name is ParapetName {
  return name in kinds;
}

function pinServer({ child }: MeasuredServer, cores: string | undefined): void {
  pin(child.pid!, cores);
}

async function startOurs({ documents, variables = {} }: ParapetKind, onProgress: (text: string) => void): Promise<MeasuredServer> {
  const parapet = await startParapet({ variables: { PARAPET_RATE_LIMIT_REQUESTS: "100000000", ...variables } });
  try {
    const authorization = await prepareParapet(parapet, documents, onProgress);
    return { child: parapet.child, documents, authorization, portFor: () => parapet.port, close: () => parapet.close() };
  } catch (error) {
    await parapet.close();
    throw error;
  }
}

async function startPeer(name: string, authorization: string): Promise<MeasuredServer> {
  const child = startChild({ module: peerProcess, args: [name] });
  const { ports } = await nextMessage<{ ports: PeerPorts }>(child);
  return {
    child,
    documents: documentsUsual,
    authorization,
    portFor(protocol) {
      const port = ports[wireOf(protocol)];
      if (port === undefined) throw new Error(`the peer ${name} does not speak ${protocol}`);
      return port;
    },
    close: () => endChild(child),
  };
}
