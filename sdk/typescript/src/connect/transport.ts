/** A ruled transport of any contract around a transport of connect-es. */
import type { Transport } from "@connectrpc/connect";
import { type ClientOptions, createClient } from "../runtime/client.js";
import type { Secrets } from "../runtime/method.js";
import { createHidingTransport } from "./hiding-transport.js";
import { createRuledTransport, type Rules } from "./ruled-transport.js";

/** What the transports of connect-web are made of here. */
export interface TransportBase {
  readonly baseUrl: string;
  readonly useBinaryFormat: true;
  readonly fetch: typeof globalThis.fetch;
}

/** Makes the transport of one attempt: `createGrpcWebTransport` or `createConnectTransport` of connect-web, or what wraps them. One that keeps connections of its own is made beforehand and given each time. */
export type MakeTransport = (base: TransportBase) => Transport;

/** What transports must know of a contract: the tables of its generated `rules.ts` and `responses.ts`. */
export interface ConnectContract {
  readonly rules: Rules;
  readonly secrets: Secrets;
}

/** Has the transports of `make` keep the secrets of responses out of what is printed. */
export function hiding<Base>(make: (base: Base) => Transport, secrets: Secrets): (base: Base) => Transport {
  return (base) => createHidingTransport(make(base), secrets);
}

/** Makes it. `rules`: those of the contract's generated `rules.ts`. Throws ParapetError (REQUEST_INVALID, CREDENTIAL_UNAVAILABLE) for options that cannot work. */
export function createTransport(options: ClientOptions, make: MakeTransport, rules: Rules): Transport {
  const client = createClient(options);
  return createRuledTransport(client, rules, (answered) =>
    make({
      baseUrl: client.baseUrl,
      useBinaryFormat: true,
      async fetch(input, init) {
        // What transports give is a string. A followed redirect would hand X-API-Key to whatever host it names.
        const response = await client.fetch(input as string, { ...init, redirect: "manual" });
        answered(response.status);
        return response;
      },
    }),
  );
}
