/** A client of the REST side of any contract: openapi-fetch under the rules of the runtime. */
import createFetchClient, { type Client } from "openapi-fetch";
import { type ClientOptions, createClient, invalid } from "../runtime/client.js";
import type { CallOptions } from "../runtime/execute.js";
import type { Method, Operation } from "../runtime/method.js";
import { hideSecrets } from "../runtime/secrets.js";
import { answeredBy } from "./problem.js";
import { createRuledFetch, type SendRequest } from "./ruled-fetch.js";

/** How to make a REST client: as the default layer's. */
export type RestOptions = Omit<ClientOptions, "fetch"> & {
  /** Instead of the global `fetch`. */
  readonly fetch?: SendRequest;
};

/** What one call may set for itself beside the options of openapi-fetch, which do not name it: `{ params, ...({ timeoutMs: 500 } satisfies RestCallOptions) }`. */
export type RestCallOptions = Omit<CallOptions, "signal" | "headers">;

/** What a client must know of a contract: the tables of its generated `operations.ts` and `methods.ts`. */
export interface RestContract {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly methods: Readonly<Record<string, Method>>;
}

/** Options of a call as they arrive: those of openapi-fetch, and ours. */
interface AnyOptions extends RestCallOptions {
  readonly signal?: AbortSignal;
  readonly parseAs?: string;
  readonly fetch?: SendRequest;
  readonly params?: { readonly path?: object };
}

type Verb = (path: string, options: object) => Promise<{ readonly data?: unknown; readonly response: Response }>;

const verbs = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"] as const;

/** A path that the contract does not know is called with the credential, and sent again only where HTTP calls it safe. */
const unknown = (verb: string, path: string): Method => ({ name: `${verb} ${path}`, kind: "unary", idempotency: verb === "GET" || verb === "HEAD" ? "no_side_effects" : "unknown", key: "ignored", needs: "principal" });

/** Throws ParapetError for a dot or two as a whole part of the path: however these are escaped, URLs take them for steps, and the request would reach another resource (url.spec.whatwg.org, double-dot URL path segment). */
function refuseSteps(params: object = {}, template: string, method: string): void {
  for (const [name, value] of Object.entries(params)) {
    if ([".", ".."].includes(value as string) && `${template}/`.includes(`/{${name}}/`)) throw invalid(`${name} cannot be ${value} in a path`, method);
  }
}

/**
 * Makes a client; `Paths` are those that openapi-typescript makes of the contract's OpenAPI document. Throws ParapetError (REQUEST_INVALID, CREDENTIAL_UNAVAILABLE) for options that cannot work.
 * Calls resolve with `data` or a typed `error`, see `unwrap`; they reject with ParapetError where no answer of the API came.
 */
export function createRuledClient<Paths extends {}>({ fetch = (request) => globalThis.fetch(request), ...options }: RestOptions, contract: RestContract): Client<Paths> {
  const client = createClient(options);
  const core = createFetchClient<Paths>({
    baseUrl: client.baseUrl,
    // A followed redirect would hand X-API-Key to whatever host it names.
    redirect: "manual",
    headers: client.headers(undefined),
  });
  const call = async (verb: string, path: string, { signal, timeoutMs, attemptTimeoutMs, retries, idempotencyKey, fetch: send = fetch, ...rest }: AnyOptions = {}) => {
    // HEAD is answered like GET.
    const known = contract.methods[contract.operations[`${verb === "HEAD" ? "GET" : verb} ${path}`]?.method ?? ""];
    const method = known ?? unknown(verb, path);
    const parse = rest.parseAs ?? "json";
    refuseSteps(rest.params?.path, path, method.name);
    // The signal stays here: a Request that is given one listens to it until it is collected.
    const ruled = createRuledFetch(client, method, { signal, timeoutMs, attemptTimeoutMs, retries, idempotencyKey }, { send, template: path, parse, mayBeEmpty: !known || verb === "HEAD" });
    const result = await (core.request as unknown as (verb: string, path: string, options: object) => ReturnType<Verb>)(verb, path, { ...rest, fetch: ruled }).catch((thrown: unknown) => {
      // A body that is no JSON, text that no header or path can hold. What middleware throws is its own.
      throw [TypeError, URIError].some((each) => thrown instanceof each) ? invalid("the request cannot be sent", method.name) : thrown;
    });
    const { data, response } = result;
    answeredBy.set(response, method);
    if (method.secrets && typeof data === "object" && data !== null) hideSecrets(data, method);
    return result;
  };
  const byVerb = Object.fromEntries(verbs.map((verb) => [verb, (path: string, more?: AnyOptions) => call(verb, path, more)]));
  return { ...core, ...byVerb, request: (verb: string, path: string, more?: AnyOptions) => call(verb.toUpperCase(), path, more) } as unknown as Client<Paths>;
}
