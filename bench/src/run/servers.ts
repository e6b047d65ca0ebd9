/** Starts the servers that a run measures, each in processes of its own. */
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { wireOf, type WireProtocol } from "../load/requests.js";
import type { PeerPorts } from "../peers/peer.js";
import { endChild, nextMessage, startChild } from "../process/child.js";
import { startParapet } from "../process/parapet.js";
import { type Cores, pin } from "../process/pin.js";
import { forEachAtMost } from "../process/pool.js";
import { documentsFew } from "./comparisons.js";
import { prepareParapet } from "./prepare.js";
import type { ParapetName, ServerName } from "./server-names.js";

/** A running server. */
export interface MeasuredServer {
  readonly child: ChildProcess;
  /** Documents that it holds; their keys count from 0. */
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

/** Servers that start at a time. */
const startedAtATime = 2;
/** As long as the token of a real server, for a run that starts none. */
const placeholderAuthorization = `Bearer ${"x".repeat(339)}`;

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
 * Starts some servers, binds each to its cores once it holds its documents. Peers get the token of a Parapet server, so that
 * all servers read the same bytes. If one does not start, the others are ended.
 */
export async function startServers(names: ReadonlySet<ServerName>, { cores, documents, onProgress }: ServersOptions): Promise<Servers> {
  const kinds = kindsOf(documents);
  const started = new Map<ServerName, Started>();
  const close = async (): Promise<void> => {
    await Promise.all(Array.from(started.values(), (server) => server.close()));
  };
  let failure: Error | undefined;
  // The server that takes longest begins.
  const order = [...names].sort((a, b) => documentsOf(b, kinds) - documentsOf(a, kinds));
  await forEachAtMost(startedAtATime, order, async (name) => {
    if (failure !== undefined) return;
    onProgress(`starting ${name in kinds ? "Parapet: " : ""}${name}`);
    try {
      const kind = kindOf(name, kinds);
      const server = kind === undefined ? await startPeer(name) : await startOurs(kind, onProgress);
      started.set(name, server);
      pin(server.child.pid!, kind?.spreads === true ? cores.workers : cores.server);
    } catch (error) {
      failure ??= error as Error;
    }
  });
  if (failure !== undefined) {
    await close();
    throw failure;
  }
  const token = Array.from(started.values(), ({ authorization }) => authorization).find((authorization) => authorization !== undefined);
  const of = new Map(Array.from(started, ([name, server]) => [name, { ...server, authorization: server.authorization ?? token ?? placeholderAuthorization }]));
  return { of, close };
}

/** A server as it starts; a peer knows no credential. */
type Started = Omit<MeasuredServer, "authorization"> & { readonly authorization?: string };

type Kinds = ReturnType<typeof kindsOf>;

function kindOf(name: ServerName, kinds: Kinds): ParapetKind | undefined {
  return (kinds as Partial<Record<ServerName, ParapetKind>>)[name];
}

function documentsOf(name: ServerName, kinds: Kinds): number {
  return kindOf(name, kinds)?.documents ?? 0;
}

async function startOurs({ documents, variables = {} }: ParapetKind, onProgress: (text: string) => void): Promise<Started> {
  const filled = await startParapet({ variables: { PARAPET_RATE_LIMIT_REQUESTS: "100000000", ...variables } });
  try {
    const authorization = await prepareParapet(filled, documents, onProgress);
    // What is compared is servers that serve, not one that has just taken in a million documents with another that has not.
    const parapet = await filled.again();
    return { child: parapet.child, documents, authorization, portFor: () => parapet.port, close: () => parapet.close() };
  } catch (error) {
    await filled.close();
    throw error;
  }
}

async function startPeer(name: string): Promise<Started> {
  const child = startChild({ module: peerProcess, args: [name] });
  const { ports } = await nextMessage<{ ports: PeerPorts }>(child);
  return {
    child,
    documents: documentsUsual,
    portFor(protocol) {
      const port = ports[wireOf(protocol)];
      if (port === undefined) throw new Error(`the peer ${name} does not speak ${protocol}`);
      return port;
    },
    close: () => endChild(child),
  };
}
