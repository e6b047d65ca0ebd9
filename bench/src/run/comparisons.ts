/** The rows of the bench, and which of them are compared. */
import { workerLoads } from "../process/pin.js";
import { type Row, row } from "./rows.js";

/** What a ratio is made of. */
export type Figure = "cpu" | "requests" | "p99" | "rss";

/** One ratio that a comparison gives; larger is better. */
export interface RatioOf {
  readonly name: string;
  readonly of: Figure;
  /** Smallest value that is good enough; null where the figure is only reported. */
  readonly target: number | null;
}

/** Two rows that are measured in turn, back to back. */
export interface Comparison {
  readonly ours: Row;
  readonly peer: Row;
  /** How often a round measures both twice: more than once where the target leaves no room for noise, less where nothing hangs on it. */
  readonly blocksPerRound: number;
  /**
   * Sittings that the rounds are shared among. Default: 1. More where the target leaves no room for what tells one process from
   * another that runs the same code: a few per cent, by where its memory happens to lie.
   */
  readonly sittings?: number;
  readonly ratios: readonly RatioOf[];
}

/** All that can be measured. */
export interface Catalogue {
  readonly rows: readonly Row[];
  readonly comparisons: readonly Comparison[];
}

/** Documents that the target of scale is set for. */
export const documentsWanted = 1_000_000;
/** Documents of the server that it is compared with. */
export const documentsFew = 100;

const get = {
  grpc: row("Parapet Get", "parapet", "get", "grpc"),
  grpcWeb: row("Parapet Get", "parapet", "get", "grpc-web"),
  connectJson: row("Parapet Get", "parapet", "get", "connect-json"),
  connectProto: row("Parapet Get", "parapet", "get", "connect-proto"),
  rest: row("Parapet Get", "parapet", "get", "rest"),
  restGet: row("Parapet Get", "parapet", "get", "rest-get"),
  oneJson: row("Parapet Get, 1 connection", "parapet", "get", "connect-json", { connections: 1 }),
  oneGrpc: row("Parapet Get, 1 connection of 64 streams", "parapet", "get", "grpc", { connections: 1, streams: 64 }),
  manyGrpc: row("Parapet Get, 64 connections of 1 stream", "parapet", "get", "grpc", { connections: 64, streams: 1 }),
};

const bare = {
  grpc: row("Parapet's fast path, bare", "bare", "get", "grpc"),
  connectJson: row("Parapet's fast path, bare", "bare", "get", "connect-json"),
  rest: row("Parapet's fast path, bare", "bare", "get", "rest"),
};

const echo = {
  connectGrpc: row("connect-node echo", "connect-node", "get", "grpc"),
  connectJson: row("connect-node echo", "connect-node", "get", "connect-json"),
  grpcJs: row("grpc-js echo", "grpc-js", "get", "grpc"),
  oneGrpcJs: row("grpc-js echo, 1 connection of 64 streams", "grpc-js", "get", "grpc", { connections: 1, streams: 64 }),
  manyGrpcJs: row("grpc-js echo, 64 connections of 1 stream", "grpc-js", "get", "grpc", { connections: 64, streams: 1 }),
  nodeHttp2: row("node:http2 echo", "node:http2", "get", "grpc"),
  fastifyConnect: row("Fastify echo", "fastify", "get", "connect-json"),
  fastifyRest: row("Fastify echo", "fastify", "get", "rest"),
  nodeHttp: row("node:http echo", "node:http", "get", "rest"),
};

const gated = {
  grpc: row("connect-node echo behind the gate", "gated", "get", "grpc"),
  connectJson: row("connect-node echo behind the gate", "gated", "get", "connect-json"),
};

const onePort = row("node:http echo, one port", "one port", "get", "rest");

const added = "Parapet Add, durable and audited";
const add = {
  grpc: row(added, "recording", "add", "grpc"),
  one: row(`${added}, one at a time`, "recording", "add", "grpc", { connections: 1, streams: 1 }),
  others: (["grpc-web", "connect-json", "connect-proto", "rest"] as const).map((protocol) => row(added, "recording", "add", protocol)),
  withoutRecords: row("Parapet Add, durable, audit off", "not recording", "add", "grpc"),
};

/** More open than elsewhere: the larger the pieces in which the load reads and writes, the less it takes from workers that share its cores. */
const shared = { loads: workerLoads, connections: workerLoads, streams: 64 };
const workers = {
  one: row("Parapet Get, 1 worker", "one worker", "get", "grpc", shared),
  two: row("Parapet Get, 2 workers", "two workers", "get", "grpc", shared),
};

/** How often a round measures what has a tight target, and what has none. */
const often = 4;
const seldom = 0.5;

const cpu = (name: string, target: number | null): RatioOf => ({ name, of: "cpu", target });

/** Everything, with so many documents in the larger of two stores that are compared; the target is that of `documentsWanted`. */
export function catalogueOf(documents: number): Catalogue {
  const count = documents.toLocaleString("en");
  const scale = {
    few: row(`Parapet Get, ${documentsFew} documents`, "few documents", "get", "grpc"),
    many: row(`Parapet Get, ${count} documents`, "many documents", "get", "grpc"),
  };
  const comparisons: Comparison[] = [
    { ours: bare.grpc, peer: echo.grpcJs, blocksPerRound: 1, ratios: [cpu("bare handler on the fast path, gRPC, against grpc-js", 1.1)] },
    { ours: bare.connectJson, peer: echo.fastifyConnect, blocksPerRound: 1, ratios: [cpu("bare handler on the fast path, Connect JSON, against Fastify", 0.85)] },
    { ours: bare.rest, peer: echo.fastifyRest, blocksPerRound: seldom, ratios: [cpu("bare handler on the fast path, REST, against Fastify", null)] },
    {
      ours: get.grpc,
      peer: echo.connectGrpc,
      blocksPerRound: 1,
      ratios: [cpu("gRPC Get against connect-node", 3.5), { name: "gRPC Get's memory against connect-node's", of: "rss", target: 0.77 }],
    },
    {
      ours: get.grpc,
      peer: echo.grpcJs,
      blocksPerRound: 1,
      ratios: [cpu("gRPC Get against grpc-js", 0.65), { name: "gRPC Get's p99, 64 in flight, against grpc-js's", of: "p99", target: 0.67 }],
    },
    { ours: get.grpc, peer: echo.nodeHttp2, blocksPerRound: seldom, ratios: [cpu("gRPC Get against node:http2", null)] },
    { ours: get.oneGrpc, peer: echo.oneGrpcJs, blocksPerRound: seldom, ratios: [cpu("gRPC Get against grpc-js, 1 connection", null)] },
    { ours: get.manyGrpc, peer: echo.manyGrpcJs, blocksPerRound: seldom, ratios: [cpu("gRPC Get against grpc-js, 64 connections", null)] },
    {
      ours: get.connectJson,
      peer: echo.connectJson,
      blocksPerRound: 1,
      ratios: [cpu("Connect JSON Get against connect-node", 3.5), { name: "Connect JSON Get's memory against connect-node's", of: "rss", target: 0.77 }],
    },
    { ours: get.connectJson, peer: echo.fastifyConnect, blocksPerRound: 1, ratios: [cpu("Connect JSON Get against Fastify", 0.55)] },
    { ours: get.restGet, peer: get.connectJson, blocksPerRound: 1, ratios: [cpu("REST Get by path against Connect JSON Get", 0.9)] },
    { ours: get.rest, peer: get.connectJson, blocksPerRound: 1, ratios: [cpu("REST Get by body against Connect JSON Get", 0.9)] },
    { ours: get.rest, peer: echo.fastifyRest, blocksPerRound: seldom, ratios: [cpu("REST Get against Fastify", null)] },
    { ours: get.rest, peer: echo.nodeHttp, blocksPerRound: seldom, ratios: [cpu("REST Get against node:http", null)] },
    {
      ours: add.grpc,
      peer: add.withoutRecords,
      blocksPerRound: 1,
      ratios: [cpu("durable Add with audit against audit off", 0.6), { name: "durable Add with audit against audit off, requests/s", of: "requests", target: null }],
    },
    { ours: scale.many, peer: scale.few, blocksPerRound: often, ratios: [cpu(`Get with ${count} documents against ${documentsFew}`, documents >= documentsWanted ? 0.9 : null)] },
    { ours: workers.two, peer: workers.one, blocksPerRound: often, sittings: 4, ratios: [{ name: "two workers against one, requests/s", of: "requests", target: 1.5 }] },
    { ours: gated.grpc, peer: echo.connectGrpc, blocksPerRound: 1, ratios: [cpu("the gate's own cost, gRPC: with it against without", 0.75)] },
    { ours: gated.connectJson, peer: echo.connectJson, blocksPerRound: 1, ratios: [cpu("the gate's own cost, Connect JSON: with it against without", 0.75)] },
    { ours: onePort, peer: echo.nodeHttp, blocksPerRound: often, sittings: 12, ratios: [cpu("one port against node:http listening itself", 0.97)] },
  ];
  const others = [get.grpcWeb, get.connectProto, get.oneJson, ...add.others, add.one];
  return { rows: [...new Set([...comparisons.flatMap(({ ours, peer }) => [ours, peer]), ...others])], comparisons };
}

/**
 * What a selection names, everything if it is empty: rows by their name and protocol, comparisons by the names of their
 * ratios, which brings both their rows. A comparison whose rows are both selected is made as well.
 */
export function select(catalogue: Catalogue, only: readonly string[]): Catalogue {
  if (only.length === 0) return catalogue;
  const wanted = only.map((text) => text.toLowerCase());
  const named = (name: string): boolean => wanted.some((text) => name.toLowerCase().includes(text));
  const byName = catalogue.comparisons.filter(({ ratios }) => ratios.some(({ name }) => named(name)));
  const rows = catalogue.rows.filter((each) => named(`${each.name} ${each.protocol}`) || byName.some(({ ours, peer }) => each === ours || each === peer));
  return { rows, comparisons: catalogue.comparisons.filter(({ ours, peer }) => rows.includes(ours) && rows.includes(peer)) };
}
