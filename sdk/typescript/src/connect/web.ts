/** Clients over gRPC-Web and Connect for browsers and other platforms with `fetch`: nothing of Node is imported. */
import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { createClient, type ClientOptions } from "../runtime/client.js";
import { speaking } from "../runtime/hooks.js";
import { createRuledTransport } from "./ruled-transport.js";
import { createServiceClients, type ServiceClients } from "./web-services.js";

export { ParapetError } from "../runtime/error.js";
export { type ServiceClients, services } from "./web-services.js";

/** How to make a client for browsers. */
export interface WebOptions extends ClientOptions {
  readonly protocol: "grpc-web" | "connect";
}

/** Clients of all services, and the transport they share. */
export interface ParapetWebClient extends ServiceClients {
  readonly transport: Transport;
}

const transports = { "grpc-web": createGrpcWebTransport, connect: createConnectTransport } as const;

/** What the transports of connect-web are made of here. */
export interface TransportBase {
  readonly baseUrl: string;
  readonly useBinaryFormat: true;
  readonly fetch: typeof globalThis.fetch;
}

/**
 * A transport with the rules and errors of the SDK, for clients of single services: smaller than `createParapetClient`, which carries all of them and both protocols.
 * `make` is `createGrpcWebTransport` or `createConnectTransport` of connect-web. Throws ParapetError (REQUEST_INVALID, CREDENTIAL_UNAVAILABLE) for options that cannot work.
 */
export function createTransport(options: ClientOptions, make: (base: TransportBase) => Transport): Transport {
  const client = createClient(options);
  const inner = make({
    baseUrl: client.baseUrl,
    useBinaryFormat: true,
    // What transports give is a string. A followed redirect would hand X-API-Key to whatever host it names.
    fetch: (input, init) => client.fetch(input as string, { ...init, redirect: "manual" }),
  });
  return createRuledTransport(client, inner);
}

/** Makes typed connect-es clients of all services. Throws ParapetError (REQUEST_INVALID, CREDENTIAL_UNAVAILABLE) for options that cannot work. Calls fail with ParapetError only. */
export function createParapetClient({ protocol, ...options }: WebOptions): ParapetWebClient {
  const transport = createTransport({ ...options, hooks: speaking(options.hooks, { protocol }) }, transports[protocol]);
  return { ...createServiceClients(transport), transport };
}
