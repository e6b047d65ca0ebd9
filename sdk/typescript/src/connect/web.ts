/** Clients over gRPC-Web and Connect for browsers and other platforms with `fetch`: nothing of Node is imported. */
import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { secrets } from "../gen/responses.js";
import { rules } from "../gen/rules.js";
import type { ClientOptions } from "../runtime/client.js";
import { speaking } from "../runtime/hooks.js";
import { createTransport as createRuled, hiding, type MakeTransport } from "./transport.js";
import { createServiceClients, type ServiceClients } from "./web-services.js";

export { ParapetError } from "../runtime/error.js";
export { withResponse } from "./helpers.js";
export { paginate, result } from "./parapet-helpers.js";
export type { MakeTransport, TransportBase } from "./transport.js";
export { type InvalidResponse, type ResponseValidator, type ValidateOptions, validating } from "./validating-transport.js";
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

/**
 * A transport with the rules and errors of the SDK, for clients of single services: smaller than `createParapetClient`, which carries all of them and both protocols.
 * `make` is `createGrpcWebTransport` or `createConnectTransport` of connect-web. Throws ParapetError (REQUEST_INVALID, CREDENTIAL_UNAVAILABLE) for options that cannot work.
 */
export function createTransport(options: ClientOptions, make: MakeTransport): Transport {
  return createRuled(options, make, rules);
}

/** Makes typed connect-es clients of all services. Throws ParapetError (REQUEST_INVALID, CREDENTIAL_UNAVAILABLE) for options that cannot work. Calls fail with ParapetError only. */
export function createParapetClient({ protocol, ...options }: WebOptions): ParapetWebClient {
  const transport = createTransport({ ...options, hooks: speaking(options.hooks, { protocol }) }, hiding(transports[protocol], secrets));
  return { ...createServiceClients(transport), transport };
}
