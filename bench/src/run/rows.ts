/** What is measured: a server, an operation in a protocol, and how many connections and streams ask for it. */
import type { Operation, WireProtocol } from "../load/requests.js";
import { wireOf } from "../load/requests.js";
import type { ServerName } from "./server-names.js";

/** How much is open at a time. */
export interface Shape {
  readonly connections: number;
  /** Requests that one connection has open at a time. */
  readonly streams: number;
  /** Load processes that share the connections. */
  readonly loads: number;
}

/** One row of the table. */
export interface Row {
  readonly name: string;
  readonly server: ServerName;
  readonly operation: Operation;
  readonly protocol: WireProtocol;
  readonly shape: Shape;
}

/** What a row has open unless it says otherwise: 64 requests, over h2 eight on each of eight connections. */
export const usualShapes: Readonly<Record<"http1" | "http2", Shape>> = {
  http1: { connections: 64, streams: 1, loads: 1 },
  http2: { connections: 8, streams: 8, loads: 1 },
};

/** Makes a row. */
export function row(name: string, server: ServerName, operation: Operation, protocol: WireProtocol, shape: Partial<Shape> = {}): Row {
  return { name, server, operation, protocol, shape: { ...usualShapes[wireOf(protocol)], ...shape } };
}

/** A row as messages name it. */
export function titleOf({ name, protocol }: Row): string {
  return `${name} over ${protocol}`;
}
