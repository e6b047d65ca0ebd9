/** Every layer of the SDK and every protocol of it, as storms need them: one change, one read, one call without a credential. */
import { type ClientOptions, createClient, documentsAdd, documentsGet, systemGetHealth } from "@parapet/sdk";
import { createParapetClient, type ParapetClient, type Protocol } from "@parapet/sdk/connect";
import { createParapetClient as createWebClient, type ParapetWebClient } from "@parapet/sdk/connect/web";
import { createRestClient, unwrap } from "@parapet/sdk/rest";

/** What is asked of a layer. */
export interface Caller {
  /** Adds a document; gives its revision. */
  add(collection: string, key: string): Promise<number | undefined>;
  get(signal?: AbortSignal): Promise<unknown>;
  health(signal?: AbortSignal): Promise<unknown>;
  close(): void;
}

/** A layer. */
export interface Layer {
  readonly name: string;
  /** True if its connections are HTTP/2 from the first byte. */
  readonly h2: boolean;
  readonly start: (options: Omit<ClientOptions, "fetch">) => Caller;
}

const contentMd = "x".repeat(200);
const nowhere = { collection: "docs", key: "a" };

function overConnect({ documents, system, ...rest }: ParapetClient | ParapetWebClient): Caller {
  return {
    add: async (collection, key) => (await documents.add({ collection, key, contentMd })).document?.revision,
    get: (signal) => documents.get(nowhere, { signal }),
    health: (signal) => system.getHealth({}, { signal }),
    close: () => ("close" in rest ? rest.close() : undefined),
  };
}

const onNode = (protocol: Protocol): Layer => ({ name: `${protocol} on Node`, h2: protocol === "grpc", start: (options) => overConnect(createParapetClient({ ...options, protocol })) });
const overFetch = (protocol: "grpc-web" | "connect"): Layer => ({ name: `${protocol} over fetch`, h2: false, start: (options) => overConnect(createWebClient({ ...options, protocol })) });

/** All of them, the default one first. */
export const layers: readonly Layer[] = [
  {
    name: "the default layer",
    h2: false,
    start(options) {
      const client = createClient(options);
      return {
        add: async (collection, key) => (await documentsAdd(client, { collection, key, contentMd })).document?.revision,
        get: (signal) => documentsGet(client, nowhere, { signal }),
        health: (signal) => systemGetHealth(client, {}, { signal }),
        close: () => {},
      };
    },
  },
  {
    name: "REST",
    h2: false,
    start(options) {
      const rest = createRestClient(options);
      const with_ = (signal: AbortSignal | undefined) => (signal ? { signal } : {});
      return {
        add: async (collection, key) => (await unwrap(rest.POST("/v1/add", { body: { collection, key, contentMd } }))).revision,
        get: (signal) => unwrap(rest.GET("/v1/collections/{collection}/documents/{key}", { params: { path: nowhere }, ...with_(signal) })),
        health: (signal) => unwrap(rest.GET("/health", with_(signal))),
        close: () => {},
      };
    },
  },
  overFetch("grpc-web"),
  overFetch("connect"),
  onNode("grpc"),
  onNode("grpc-web"),
  onNode("connect"),
];
