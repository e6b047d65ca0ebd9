/** A transport in memory, for tests of code that uses clients of `@parapet/sdk/connect`: typed handlers behind the SDK's own rules, and every refusal of the contract. */
import { ConnectError, type ConnectRouter, createRouterTransport, type Interceptor, type Transport } from "@connectrpc/connect";
import { errorFromJson } from "@connectrpc/connect/protocol-connect";
import { createRuledTransport } from "../connect/ruled-transport.js";
import { rules } from "../gen/rules.js";
import { type ClientOptions, createClient } from "../runtime/client.js";
import { Refusal } from "./refusal.js";

export { type RefusalFacts, Refusal, refuse } from "./refusal.js";

/** Makes a transport whose calls are answered by `routes`, e.g. `(router) => router.service(DocumentService, { get: () => { throw refuse("DOCUMENT_NOT_FOUND"); } })`. */
export function createFakeTransport(routes: (router: ConnectRouter) => void, options: Partial<Omit<ClientOptions, "baseUrl" | "fetch">> = {}): Transport {
  const inner = createRouterTransport(routes, { router: { interceptors: [refusing] } });
  return createRuledTransport(createClient({ baseUrl: "http://in-memory", ...options }), rules, () => inner);
}

/** Words a refusal as the server does. */
const refusing: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    return response.stream ? { ...response, message: worded(response.message) } : response;
  } catch (thrown) {
    throw wordOf(thrown);
  }
};

async function* worded<T>(messages: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  try {
    yield* messages;
  } catch (thrown) {
    throw wordOf(thrown);
  }
}

function wordOf(thrown: unknown): unknown {
  if (!(thrown instanceof Refusal)) return thrown;
  return errorFromJson(thrown.wire as Parameters<typeof errorFromJson>[0], undefined, new ConnectError(thrown.message));
}
