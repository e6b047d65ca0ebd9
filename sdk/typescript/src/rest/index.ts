/** A client of the REST side: openapi-fetch with the types of the published OpenAPI document, under the rules of the runtime. */
import type { paths } from "@parapet/contract/openapi/types";
import { routes } from "@parapet/contract/rest/routes";
import createFetchClient, { type Client } from "openapi-fetch";
import { methods } from "../gen/methods.js";
import { type ClientOptions, createClient } from "../runtime/client.js";
import type { CallOptions } from "../runtime/execute.js";
import type { Method } from "../runtime/method.js";
import { hideSecrets } from "../runtime/secrets.js";
import { createRuledFetch, type SendRequest } from "./ruled-fetch.js";

export { ParapetError } from "../runtime/error.js";
export { type FetchResult, isProblem, type Problem, problemError, unwrap } from "./problem.js";

/** How to make a REST client: as the default layer's. */
export type RestOptions = Omit<ClientOptions, "fetch" | "messageBytesMax"> & {
  /** Instead of the global `fetch`. */
  readonly fetch?: SendRequest;
};

/** What one call may set for itself beside the options of openapi-fetch, which do not name it: `{ params, ...({ timeoutMs: 500 } satisfies RestCallOptions) }`. */
export type RestCallOptions = Omit<CallOptions, "signal" | "headers">;

/** Calls by path: `rest.GET("/v1/collections/{collection}/documents/{key}", { params })`. */
export type RestClient = Client<paths>;

/** Options of a call as they arrive: those of openapi-fetch, and ours. */
interface AnyOptions extends RestCallOptions {
  readonly signal?: AbortSignal;
  readonly parseAs?: string;
  readonly fetch?: SendRequest;
}

type Verb = (path: string, options: object) => Promise<{ readonly data?: unknown }>;

const verbs = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"] as const;

const methodNames = new Map(routes.map(({ verb, template, method }) => [`${verb} ${template}`, method]));

/** A path that the contract does not know is called with the credential, and sent again only where HTTP calls it safe. */
function methodOf(verb: string, path: string): Method {
  // HEAD is answered like GET.
  const asked = verb === "HEAD" ? "GET" : verb;
  const name = methodNames.get(`${asked} ${path}`) ?? "";
  return methods[name as keyof typeof methods] ?? { name: `${verb} ${path}`, kind: "unary", idempotency: asked === "GET" ? "no_side_effects" : "unknown", key: "ignored", needs: "principal" };
}

/**
 * Makes a client. Throws ParapetError (REQUEST_INVALID, CREDENTIAL_UNAVAILABLE) for options that cannot work. Calls resolve with `data` or a typed `error`, see `unwrap`;
 * they reject with ParapetError where no answer of the API came.
 */
export function createRestClient({ fetch = (request) => globalThis.fetch(request), ...options }: RestOptions): RestClient {
  const client = createClient(options);
  const core = createFetchClient<paths>({
    baseUrl: client.baseUrl,
    // A followed redirect would hand X-API-Key to whatever host it names.
    redirect: "manual",
    headers: client.headers(undefined),
  });
  const call = async (verb: string, path: string, { signal, timeoutMs, attemptTimeoutMs, retries, idempotencyKey, fetch: send = fetch, ...rest }: AnyOptions = {}) => {
    const method = methodOf(verb, path);
    const parse = rest.parseAs ?? "json";
    // The signal stays here: a Request that is given one listens to it until it is collected.
    const ruled = createRuledFetch(client, method, { signal, timeoutMs, attemptTimeoutMs, retries, idempotencyKey }, { send, template: path, parse });
    const result = await (core.request as (verb: string, path: string, options: object) => ReturnType<Verb>)(verb, path, { ...rest, fetch: ruled });
    if (method.secrets && typeof result.data === "object" && result.data !== null) hideSecrets(result.data, method);
    return result;
  };
  const byVerb = Object.fromEntries(verbs.map((verb) => [verb, (path: string, more?: AnyOptions) => call(verb, path, more)]));
  return { ...core, ...byVerb, request: (verb: string, path: string, more?: AnyOptions) => call(verb.toUpperCase(), path, more) } as RestClient;
}
