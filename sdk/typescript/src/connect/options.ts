/** What clients over connect-es are made of, in Node and in browsers alike. */
import type { ClientOptions } from "../runtime/client.js";

/** How to make a client: as the default layer's, without what only `fetch` needs. */
export type ConnectOptions = Omit<ClientOptions, "fetch">;
