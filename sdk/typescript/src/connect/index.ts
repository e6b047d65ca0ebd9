/** Clients over gRPC, gRPC-Web and Connect for Node: protobuf messages, the rules and errors of the default layer. */
import type { Transport } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip, createNodeHttpClient, Http2SessionManager } from "@connectrpc/connect-node";
import { validateReadWriteMaxBytes } from "@connectrpc/connect/protocol";
import { createTransport as createConnectTransport } from "@connectrpc/connect/protocol-connect";
import { createTransport as createGrpcTransport } from "@connectrpc/connect/protocol-grpc";
import { createTransport as createGrpcWebTransport } from "@connectrpc/connect/protocol-grpc-web";
import { secrets } from "../gen/responses.js";
import { rules } from "../gen/rules.js";
import { createClient } from "../runtime/client.js";
import { speaking } from "../runtime/hooks.js";
import { createClosingTransport } from "./closing-transport.js";
import { createHidingTransport } from "./hiding-transport.js";
import type { ConnectOptions } from "./options.js";
import { createRuledTransport } from "./ruled-transport.js";
import { createServiceClients, type ServiceClients } from "./services.js";
import type { ConnectContract } from "./transport.js";
import { createValidatingTransport, type ValidateOptions } from "./validating-transport.js";

export { ParapetError } from "../runtime/error.js";
export { withResponse } from "./helpers.js";
export { paginate, result } from "./parapet-helpers.js";
export type { ConnectContract } from "./transport.js";
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
  /** Closes the connection; calls in flight and later ones fail with CALL_CANCELLED. */
  close(): void;
}

/** The transport of an attempt by protocol, around an HTTP client. Below `createGrpcTransport` and its like, since these show no status. */
const transports = { grpc: createGrpcTransport, "grpc-web": createGrpcWebTransport, connect: createConnectTransport } as const;

/** A transport, and what closes its connection; calls in flight and later ones fail with CALL_CANCELLED then. */
export interface NodeTransport {
  readonly transport: Transport;
  close(): void;
}

/** Makes a transport with the rules and errors of the SDK. `contract`: another one than Parapet's. Throws ParapetError (REQUEST_INVALID, CREDENTIAL_UNAVAILABLE) for options that cannot work. */
export function createTransport({ protocol, httpVersion = protocol === "grpc" ? "2" : "1.1", tls = {}, validate, ...options }: NodeOptions, contract: ConnectContract = { rules, secrets }): NodeTransport {
  const client = createClient({ ...options, hooks: speaking(options.hooks, { protocol }) });
  const { baseUrl } = client;
  const sessionManager = new Http2SessionManager(baseUrl, {}, tls);
  const httpClient = createNodeHttpClient(httpVersion === "2" ? { httpVersion, sessionProvider: () => sessionManager } : { httpVersion, nodeOptions: tls });
  const common = { baseUrl, useBinaryFormat: true, interceptors: [], acceptCompression: [compressionGzip, compressionBrotli], sendCompression: null, ...validateReadWriteMaxBytes(client.messageBytesMax, undefined, undefined) };
  const ruled = createRuledTransport(client, contract.rules, (answered) => {
    const inner = transports[protocol]({
      ...common,
      async httpClient(request) {
        const response = await httpClient(request);
        answered(response.status);
        return response;
      },
    });
    return validate ? createValidatingTransport(inner, validate) : inner;
  });
  const { transport, close } = createClosingTransport(ruled, client.clock);
  return {
    transport: createHidingTransport(transport, contract.secrets),
    close() {
      close();
      sessionManager.abort();
    },
  };
}

/** Makes typed connect-es clients of all services. Throws ParapetError (REQUEST_INVALID, CREDENTIAL_UNAVAILABLE) for options that cannot work. Calls fail with ParapetError only. */
export function createParapetClient(options: NodeOptions): ParapetClient {
  const { transport, close } = createTransport(options);
  return { ...createServiceClients(transport), transport, close };
}
