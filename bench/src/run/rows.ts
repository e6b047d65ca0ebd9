/** What is measured, and which of it is compared. */
import type { Operation, WireProtocol } from "../load/requests.js";

/** A server under measurement. `parapet` is started through the command line tool, the others are peers. */
export type ServerName = "parapet" | "connect-node" | "grpc-js" | "fastify" | "node:http" | "node:http2" | "gated" | "one port";

/** One row of the table. */
export interface Row {
  readonly name: string;
  readonly server: ServerName;
  readonly operation: Operation;
  readonly protocol: WireProtocol;
}

/** A comparison: CPU time of the peer divided by ours, so that larger is better. */
export interface Comparison {
  readonly name: string;
  readonly ours: Row;
  readonly peer: Row;
  /** Smallest value that is good enough; null where the figure is only reported. */
  readonly target: number | null;
  /** How often both are measured in one round; more than once where the target leaves no room for noise. */
  readonly repeats?: number;
}

/** Connections and streams of every load; the same for all servers (figures of different shapes do not compare). */
export const shapes: Readonly<Record<"http1" | "http2", { readonly connections: number; readonly streams: number }>> = {
  http1: { connections: 64, streams: 1 },
  http2: { connections: 8, streams: 8 },
};

function row(name: string, server: ServerName, operation: Operation, protocol: WireProtocol): Row {
  return { name, server, operation, protocol };
}

const get = {
  grpc: row("Parapet Get", "parapet", "get", "grpc"),
  grpcWeb: row("Parapet Get", "parapet", "get", "grpc-web"),
  connectJson: row("Parapet Get", "parapet", "get", "connect-json"),
  connectProto: row("Parapet Get", "parapet", "get", "connect-proto"),
  rest: row("Parapet Get", "parapet", "get", "rest"),
  restGet: row("Parapet Get", "parapet", "get", "rest-get"),
};

const echo = {
  connectGrpc: row("connect-node echo", "connect-node", "get", "grpc"),
  connectJson: row("connect-node echo", "connect-node", "get", "connect-json"),
  grpcJs: row("grpc-js echo", "grpc-js", "get", "grpc"),
  nodeHttp2: row("node:http2 echo", "node:http2", "get", "grpc"),
  fastify: row("Fastify echo", "fastify", "get", "rest"),
  nodeHttp: row("node:http echo", "node:http", "get", "rest"),
};

const gated = {
  grpc: row("connect-node echo behind the gate", "gated", "get", "grpc"),
  connectJson: row("connect-node echo behind the gate", "gated", "get", "connect-json"),
};

const onePort = row("node:http echo, one port", "one port", "get", "rest");

const add = (["grpc", "grpc-web", "connect-json", "connect-proto", "rest"] as const).map((protocol) => row("Parapet Add, durable and audited", "parapet", "add", protocol));

/** All rows, in the order in which a round measures them: what is compared stands close together. */
export const rows: readonly Row[] = [
  get.grpc,
  echo.connectGrpc,
  gated.grpc,
  echo.grpcJs,
  echo.nodeHttp2,
  get.grpcWeb,
  get.connectJson,
  echo.connectJson,
  gated.connectJson,
  get.connectProto,
  get.rest,
  echo.fastify,
  echo.nodeHttp,
  onePort,
  get.restGet,
  ...add,
];

/** All comparisons. */
export const comparisons: readonly Comparison[] = [
  { name: "gRPC Get against connect-node", ours: get.grpc, peer: echo.connectGrpc, target: null },
  { name: "gRPC Get against grpc-js", ours: get.grpc, peer: echo.grpcJs, target: null },
  { name: "gRPC Get against node:http2", ours: get.grpc, peer: echo.nodeHttp2, target: null },
  { name: "Connect JSON Get against connect-node", ours: get.connectJson, peer: echo.connectJson, target: null },
  { name: "REST Get against Fastify", ours: get.rest, peer: echo.fastify, target: null },
  { name: "REST Get against node:http", ours: get.rest, peer: echo.nodeHttp, target: null },
  { name: "the gate's own cost, gRPC: with it against without", ours: gated.grpc, peer: echo.connectGrpc, target: 0.75 },
  { name: "the gate's own cost, Connect JSON: with it against without", ours: gated.connectJson, peer: echo.connectJson, target: 0.75 },
  { name: "one port against node:http listening itself", ours: onePort, peer: echo.nodeHttp, target: 0.97, repeats: 5 },
];

/** The rows that a selection names, all of them if it is empty. */
export function selectRows(only: readonly string[]): readonly Row[] {
  if (only.length === 0) return rows;
  const wanted = only.map((text) => text.toLowerCase());
  return rows.filter(({ name, protocol }) => wanted.some((text) => `${name} ${protocol}`.toLowerCase().includes(text)));
}

/**
 * The order of measurements in one round: all rows, then the repeats of comparisons that have some. Every other round
 * runs backwards, so that a machine that grows slower or faster favours nobody.
 */
export function scheduleOf(selected: readonly Row[], round: number): readonly Row[] {
  const repeated = comparisons.flatMap(({ ours, peer, repeats = 1 }) => {
    const both = [ours, peer].every((row) => selected.includes(row));
    return both ? Array.from({ length: repeats - 1 }, () => [peer, ours]).flat() : [];
  });
  const order = [...selected, ...repeated];
  return round % 2 === 1 ? order : order.reverse();
}
