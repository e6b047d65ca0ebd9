/** Clients over gRPC, gRPC-Web and Connect for Node: protobuf messages, the rules and errors of the default layer. */
import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { createClient } from "../runtime/client.js";
import { speaking } from "../runtime/hooks.js";
import { createHidingTransport } from "./hiding-transport.js";
import type { ConnectOptions } from "./options.js";
import { createRuledTransport } from "./ruled-transport.js";
import { createServiceClients, type ServiceClients } from "./services.js";
import { createValidatingTransport, type ValidateOptions } from "./validating-transport.js";

export { ParapetError } from "../runtime/error.js";
export type { ConnectOptions } from "./options.js";
export { type ServiceClients, services } from "./services.js";
export type { InvalidResponse, ResponseValidator, ValidateOptions } from "./validating-transport.js";

/** Protocols of this layer. */
export type Protocol = "grpc" | "grpc-web" | "connect";

/** How to make a client for Node. */
export interface NodeOptions extends ConnectOptions {
  readonly protocol: Protocol;
  /** Version of HTTP. gRPC needs `"2"`, and so do two-way streams. Default: `"2"` for gRPC, else `"1.1"`. */
  readonly httpVersion?: "1.1" | "2";
  /** Compares responses with the rules of the contract. Default: nothing is validated, so that newer servers are understood. */
  readonly validate?: ValidateOptions;
  /** Certificates, each PEM: of the authority to trust, and of this client (mTLS). */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** Clients of all services, and what they share. */
export interface ParapetClient extends ServiceClients {
  /** For services of other contracts. */
  readonly transport: Transport;
  /** Closes the connection; calls in flight fail. */
  close(): void;
}

const transports = {
  grpc: createGrpcTransport,
  "grpc-web": createGrpcWebTransport,
  connect: createConnectTransport,
} as const;

/** Makes typed connect-es clients of all services. Throws ParapetError (REQUEST_INVALID, CREDENTIAL_UNAVAILABLE) for options that cannot work. Calls fail with ParapetError only. */
export function createParapetClient({ protocol, httpVersion = protocol === "grpc" ? "2" : "1.1", tls = {}, validate, ...options }: NodeOptions): ParapetClient {
  const client = createClient({ ...options, hooks: speaking(options.hooks, { protocol }) });
  const { baseUrl } = client;
  const sessionManager = new Http2SessionManager(baseUrl, {}, tls);
  const common = { baseUrl, readMaxBytes: client.messageBytesMax };
  const inner =
    protocol === "grpc"
      ? transports.grpc({ ...common, sessionManager })
      : transports[protocol](httpVersion === "2" ? { ...common, httpVersion, sessionManager } : { ...common, httpVersion, nodeOptions: tls });
  const transport = createHidingTransport(createRuledTransport(client, validate ? createValidatingTransport(inner, validate) : inner));
  return { ...createServiceClients(transport), transport, close: () => sessionManager.abort() };
}
