/** A client of the REST side: openapi-fetch with the types of the published OpenAPI document. */
import type { paths } from "@parapet/contract/openapi/types";
import { routes } from "@parapet/contract/rest/routes";
import createFetchClient, { type Client, type Middleware } from "openapi-fetch";
import { rules } from "../gen/rules.js";
import { type ClientOptions, createClient } from "../runtime/client.js";
import type { CredentialHeader } from "../runtime/credentials.js";
import { clientError } from "../runtime/error.js";
import { lastingReasons } from "../runtime/execute.js";
import { createScope, type Scope } from "../runtime/scope.js";
import { isProblem } from "./problem.js";

export { ParapetError } from "../runtime/error.js";
export { type FetchResult, isProblem, type Problem, problemError, unwrap } from "./problem.js";

/** How to make a REST client. It sends each request once, apart from the one repetition after a refused token; give `signal` for a time-out. */
export type RestOptions = Pick<ClientOptions, "baseUrl" | "apiKey" | "token" | "headers" | "timeoutMs"> & {
  /** Instead of the global `fetch`. */
  readonly fetch?: (request: Request) => Promise<Response>;
};

/** Calls by path: `rest.GET("/v1/collections/{collection}/documents/{key}", { params })`. */
export type RestClient = Client<paths>;

/** Paths that need no credential: of these one may be the token source's own login. */
const open = new Set(routes.filter(({ method }) => rules[method]?.needs === "nothing").map(({ verb, template }) => `${verb} ${template}`));

/** Makes a client. Throws ParapetError (REQUEST_INVALID, CREDENTIAL_UNAVAILABLE) for options that cannot work. Calls resolve with `data` or a typed `error`; see `unwrap`. */
export function createRestClient({ fetch, ...options }: RestOptions): RestClient {
  const client = createClient(options);
  const rest = createFetchClient<paths>({
    baseUrl: client.baseUrl,
    // A followed redirect would hand X-API-Key to whatever host it names.
    redirect: "manual",
    headers: client.headers(undefined),
    ...(fetch ? { fetch } : {}),
  });

  /** Time and signal for the token source. */
  const bounded = async <T>(signal: AbortSignal, work: (scope: Scope) => Promise<T>): Promise<T> => {
    const scope = createScope({
      clock: client.clock,
      timeoutMs: client.timeoutMs,
      parent: signal,
      timedOut: () => clientError("DEADLINE_PASSED", "the token source took too long"),
      aborted: (cause) => clientError("CALL_CANCELLED", "the call was cancelled", { cause }),
    });
    try {
      return await work(scope);
    } finally {
      scope.end();
    }
  };
  const credentialOf = (request: Request, isOpen: boolean): Promise<CredentialHeader | undefined> => bounded(request.signal, (scope) => client.credentials.header(scope, isOpen));

  /** Requests that may have to be sent again, by the id that openapi-fetch gives each call. */
  const sent = new Map<string, { readonly again: Request; readonly credential: CredentialHeader }>();
  const authenticate: Middleware = {
    async onRequest({ id, request, schemaPath }) {
      const credential = await credentialOf(request, open.has(`${request.method} ${schemaPath}`));
      if (!credential) return undefined;
      if (credential.renewable) sent.set(id, { again: request.clone(), credential });
      request.headers.set(credential.name, credential.value);
      return request;
    },
    async onResponse({ id, response, options: { fetch: send } }) {
      const one = sent.get(id);
      sent.delete(id);
      if (!one || response.status !== 401) return undefined;
      const problem: unknown = await response.clone().json().catch(() => undefined);
      if (isProblem(problem) && lastingReasons.includes(problem.reason)) return undefined;
      client.credentials.renew(one.credential);
      const credential = await credentialOf(one.again, false);
      if (credential) one.again.headers.set(credential.name, credential.value);
      return send(one.again);
    },
    onError({ id, error, request }) {
      sent.delete(id);
      return request.signal.aborted
        ? clientError("CALL_CANCELLED", "the call was cancelled", { cause: error })
        : clientError("NETWORK_FAILED", "the server could not be reached", { cause: error });
    },
  };
  rest.use(authenticate);
  return rest;
}
