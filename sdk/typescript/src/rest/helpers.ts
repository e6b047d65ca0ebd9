/** What openapi-fetch does not have of its own: listings that turn their pages, outcomes that never reject, and streams message by message. */
import { type Client, type ClientPathsWithMethod, type FetchOptions, mergeHeaders, type MethodResponse } from "openapi-fetch";
import { parseJson } from "../runtime/attempt.js";
import type { Result } from "../runtime/call.js";
import { clientError, ParapetError } from "../runtime/error.js";
import { requestIdOf } from "../runtime/execute.js";
import type { Operation, Paging } from "../runtime/method.js";
import { type Pages, turnPages } from "../runtime/pages.js";
import { hideSecrets } from "../runtime/secrets.js";
import type { RestCallOptions } from "./client.js";
import { createEventReader, isEvents } from "./events.js";
import { answeredBy, attemptsOf, type FetchResult, problemError } from "./problem.js";

/** Operations by verb and path: `operations` of a generated `operations.ts`. */
export type Operations = Readonly<Record<string, Operation>>;

/** Verbs as openapi-fetch's `request` takes them. */
export type RestVerb = "get" | "put" | "post" | "delete" | "patch";

/** A client of whatever paths. */
type AnyClient = Client<any, any>;
type PathsOf<C extends AnyClient> = C extends Client<infer Paths extends {}> ? Paths : never;
type Key<V extends RestVerb, P> = `${Uppercase<V>} ${P & string}`;
/** Paths of one verb that the contract says something of. */
type PathsIn<T, V extends RestVerb> = { [K in keyof T]: K extends `${Uppercase<V>} ${infer P}` ? P : never }[keyof T];
/** Paths of a client that are among them. */
type PathsBoth<C extends AnyClient, T, V extends RestVerb> = ClientPathsWithMethod<C, V> & PathsIn<T, V>;

/** Options of a call: those of openapi-fetch and ours. */
type InitOf<C extends AnyClient, V extends RestVerb, P> = (P extends keyof PathsOf<C> ? (V extends keyof PathsOf<C>[P] ? FetchOptions<PathsOf<C>[P][V]> : never) : never) & RestCallOptions;
type Given<Init> = {} extends Init ? [init?: Init] : [init: Init];

/** Operations that page. */
type Paged<O extends Operations> = { [K in keyof O as O[K] extends { readonly paging: object } ? K : never]: O[K] };
type Field<T, Name> = Name extends keyof T ? T[Name] : never;
type ItemOf<Page, O> = O extends { readonly paging: { readonly items: infer Name } } ? (NonNullable<Field<Page, Name>> extends readonly (infer Item)[] ? Item : never) : never;

/** What a call gives. */
type Answered = Promise<FetchResult<unknown>>;
const request = (rest: AnyClient, verb: string, path: string, init: object): Answered => (rest.request as unknown as (verb: string, path: string, init: object) => Answered)(verb, path, init);

/** Lists. What does not page does not compile. */
export type Paginate<O extends Operations> = <C extends AnyClient, V extends RestVerb, P extends PathsBoth<C, Paged<O>, V>>(
  rest: C,
  verb: V,
  path: P,
  ...init: Given<InitOf<C, V, P>>
) => Pages<ItemOf<MethodResponse<C, V, P>, Field<O, Key<V, P>>>, MethodResponse<C, V, P>>;

/** Makes `paginate` for a contract. */
export function createPaginate<const O extends Operations>(operations: O): Paginate<O> {
  const paginate = (rest: AnyClient, verb: RestVerb, path: string, init: PagedInit = {}): Pages<unknown, object> => {
    const { method, paging } = operations[`${verb.toUpperCase()} ${path}`]! as Required<Operation>;
    const get = async (at?: unknown): Promise<object> => {
      const { data, error, response } = await request(rest, verb, path, at ? initAfter(init, paging, at) : init);
      // Nothing else than a message can list.
      if (!response.ok || !data) throw problemError(error, response);
      return data;
    };
    return turnPages(get, paging.next, (page) => (page as Record<string, unknown[]>)[paging.items], method);
  };
  return paginate as unknown as Paginate<O>;
}

/** Options of a call that lists. */
interface PagedInit {
  readonly body?: object;
  readonly params?: { readonly query?: object };
}

/** Options for the page behind a token. */
function initAfter(init: PagedInit, { in: where, token, first }: Paging & { readonly in: "query" | "body" }, at: unknown): PagedInit {
  const behind = (fields: object = {}): object => ({ ...Object.fromEntries(Object.entries(fields).filter(([name]) => !first.includes(name))), [token]: at });
  return where === "body" ? { ...init, body: behind(init.body) } : { ...init, params: { ...init.params, query: behind(init.params?.query) } };
}

/** Calls: gives the outcome as a value and never rejects. */
export type GetResult<T> = <C extends AnyClient, V extends RestVerb, P extends PathsBoth<C, T, V>>(
  rest: C,
  verb: V,
  path: P,
  ...init: Given<InitOf<C, V, P>>
) => Promise<Result<MethodResponse<C, V, P>, Field<Field<T, Key<V, P>>, "reason"> & string>>;

/** Makes `result` for a contract; `T` is `OperationTypes` of a generated `operations.ts`. */
export function createResult<T>(): GetResult<T> {
  const result = async (rest: AnyClient, verb: RestVerb, path: string, init: object = {}): Promise<Result<unknown>> => {
    try {
      const { data, error, response } = await request(rest, verb, path, init);
      const { status, headers, ok } = response;
      if (!ok) return { ok, error: problemError(error, response) };
      return { ok, value: data, response: { status, headers, requestId: requestIdOf(headers), attempts: attemptsOf(response) } };
    } catch (thrown) {
      return { ok: false, error: thrown instanceof ParapetError ? thrown : clientError("UNSPECIFIED", "the call failed", { cause: thrown }) };
    }
  };
  return result as unknown as GetResult<T>;
}

/** Operations that stream. */
type Streamed<T> = { [K in keyof T as T[K] extends { message: unknown } ? K : never]: T[K] };

/** Streams. What does not stream messages does not compile. */
export type StreamMessages<T> = <C extends AnyClient, V extends RestVerb, P extends PathsBoth<C, Streamed<T>, V>>(
  rest: C,
  verb: V,
  path: P,
  ...init: Given<InitOf<C, V, P>>
) => AsyncGenerator<Field<Field<T, Key<V, P>>, "message">, void, undefined>;

/** Largest message of a stream, in characters: the runtime's own bound, which a client may narrow for streams that go on. */
const messageCharsMax = 64 * 1024 * 1024;

/** Makes `stream` for a contract; `T` is `OperationTypes` of a generated `operations.ts`. */
export function createStream<T>(): StreamMessages<T> {
  async function* stream(rest: AnyClient, verb: RestVerb, path: string, init: { readonly headers?: HeadersInit } = {}): AsyncGenerator<unknown, void, undefined> {
    const headers = mergeHeaders(init.headers, { accept: "text/event-stream" });
    const { data, error, response } = await request(rest, verb, path, { ...init, headers, parseAs: "stream" });
    if (!response.ok || !data) throw problemError(error, response);
    const reader = (data as ReadableStream<Uint8Array>).getReader();
    const { secrets } = answeredBy.get(response) ?? {};
    const read = createEventReader(() => reader.read(), messageCharsMax);
    try {
      if (!isEvents(response)) throw problemError(undefined, response);
      for (let event = await read(); event; event = await read()) {
        const message = parseJson(event.data);
        if (event.event === "error" || message === undefined) throw problemError(message, response);
        if (secrets && typeof message === "object" && message !== null) hideSecrets(message, { secrets });
        yield message;
      }
    } catch (thrown) {
      throw thrown instanceof ParapetError ? thrown : clientError("NETWORK_FAILED", "the response broke off", { cause: thrown });
    } finally {
      // A stream that is left must not go on behind its reader's back.
      await reader.cancel().catch(() => {});
    }
  }
  return stream as unknown as StreamMessages<T>;
}
