/** A `fetch` for one REST call that follows the rules of the runtime: one deadline over the body as well, safe retries, credentials, idempotency keys, hooks, typed errors. */
import { overNetwork, parseJson } from "../runtime/attempt.js";
import type { Client } from "../runtime/client.js";
import { clientError, ParapetError } from "../runtime/error.js";
import { type Attempt, begin, type CallOptions, execute, type Progress, typed } from "../runtime/execute.js";
import { speaking } from "../runtime/hooks.js";
import type { Method } from "../runtime/method.js";
import { count, problemError, remember } from "./problem.js";
import { createResumed } from "./resumed.js";

/** What sends a request. */
export type SendRequest = (request: Request) => Promise<Response>;

/** How a call is sent, and what is made of its response. */
export interface Way {
  readonly send: SendRequest;
  /** The template of its path, as hooks are told it. */
  readonly template: string;
  /** `parseAs` of openapi-fetch: a response that is to be JSON must be. */
  readonly parse: string;
  /** Nothing may be JSON as well. */
  readonly mayBeEmpty: boolean;
}

/** Statuses without a body (fetch.spec.whatwg.org, null body status). */
const bodiless = [101, 103, 204, 205, 304];

/** Makes it. Resolves with what the server answered, refusals too; rejects with ParapetError where no answer of this API came. */
export function createRuledFetch(client: Client, method: Method, options: CallOptions, { send, template, parse, mayBeEmpty }: Way): SendRequest {
  const streams = method.kind === "server_streaming" || parse === "stream";
  return async (request) => {
    let refused: Response | undefined;
    const own: CallOptions = { ...options, headers: request.headers };
    const [url = ""] = request.url.split("?");
    // The request has the client's headers already, and perhaps without some of them; hooks are told where it really goes.
    const ruled: Client = { ...client, headers: (more) => new Headers(more), hooks: speaking(client.hooks, { url, protocol: "rest", route: { verb: request.method, template } }) };
    const progress = begin(client, own);
    const endless = streams && options.timeoutMs === undefined;
    const resumed = streams && method.resume ? createResumed(client, method, progress, request) : undefined;
    const open = async (broken?: ParapetError) => {
      const perform = async ({ scope, headers }: Attempt) => {
        refused = undefined;
        resumed?.prepare(headers);
        // A copy, since the body may be needed once more.
        const response = await overNetwork(scope, send(new Request(request.clone(), { headers, signal: scope.signal })), "the server could not be reached");
        const { status } = response;
        const got = { status, headers: response.headers };
        if (response.ok && streams) return { value: { response, leg: await resumed?.legOf(response, scope) }, ...got };
        const bytes = await overNetwork(scope, response.arrayBuffer(), "the response broke off");
        // What a page of a redirect says in a browser has the status 0, which no response can be made with.
        const whole = status === 0 ? response : new Response(bodiless.includes(status) ? null : bytes, { status, statusText: response.statusText, headers: response.headers });
        if (response.ok && (parse !== "json" || (mayBeEmpty && bytes.byteLength === 0) || parseJson(new TextDecoder().decode(bytes)) !== undefined)) return { value: { response: whole, leg: undefined }, ...got };
        const failure = problemError(response.ok ? undefined : parseJson(new TextDecoder().decode(bytes)), response, client.clock);
        if (!response.ok) refused = whole;
        throw failure;
      };
      return (await execute(ruled, method, own, progress, perform, endless, broken)).value;
    };
    try {
      const { response, leg } = await open();
      if (leg) return count(await resumed!.follow(response, leg, async (broken) => (await open(broken)).leg), progress.attempts);
      if (streams && response.body) return count(bound(response, response.body, method, progress), progress.attempts);
      progress.scope.end();
      return count(response, progress.attempts);
    } catch (thrown) {
      // What the server said goes to the caller as openapi-fetch gives it; what ended the call otherwise has no status.
      if (!refused || !(thrown instanceof ParapetError) || thrown.status === 0) throw thrown;
      remember(refused, thrown);
      return refused;
    }
  };
}

/** A response whose body ends with its call, and lets go of the caller's signal once it is read or left. */
function bound(response: Response, body: ReadableStream<Uint8Array>, method: Method, progress: Progress): Response {
  const { scope } = progress;
  const reader = body.getReader();
  const bounded = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await overNetwork(scope, reader.read(), "the response broke off");
        if (!done) return controller.enqueue(value);
        scope.end();
        controller.close();
      } catch (thrown) {
        const failure = typed(thrown, method, progress.attempts);
        scope.end(failure);
        controller.error(failure);
      }
    },
    cancel: () => scope.end(clientError("CALL_CANCELLED", "the stream was left")),
  });
  const { status, statusText, headers } = response;
  return new Response(bounded, { status, statusText, headers });
}
