/** What clients of connect-es do not have of their own: listings that turn their pages, and outcomes as values. Nothing of a contract is here but types and names. */
import type { CallOptions } from "@connectrpc/connect";
import type { Result } from "../runtime/call.js";
import { systemClock } from "../runtime/clock.js";
import { clientError, ParapetError } from "../runtime/error.js";
import { type Outcome, requestIdOf } from "../runtime/execute.js";
import type { Listing } from "../runtime/method.js";
import { type Pages, turnPages } from "../runtime/pages.js";
import { toParapetError } from "./connect-error.js";
import type { CountedHeaders } from "./ruled-transport.js";

/** A method of a connect-es client that answers with one message, e.g. `client.documents.get`. */
export type Callable<I, O> = (request: I, options?: CallOptions) => Promise<O>;

/** How responses list, by their full names: `listings` of a generated `responses.ts`. */
export type Listings = Readonly<Record<string, Listing>>;

/** A message with one of these full names. */
interface Named<Name> {
  readonly $typeName: Name;
}

/** What the responses of a listing hold. */
type ItemOf<L extends Listings, O> = O extends Named<infer N extends keyof L> ? (L[N]["items"] extends keyof O ? (O[L[N]["items"]] extends readonly (infer Item)[] ? Item : never) : never) : never;

/** Reasons of the methods that answer so: of one method, where no other answers with the same message. */
type ReasonOf<R, O> = O extends Named<infer N> ? (N extends keyof R ? R[N] & string : string) : string;

/** Lists: `for await (const item of paginate(client.documents.search, { collection }))`. What does not page does not compile. */
export type Paginate<L extends Listings> = <I extends object, O extends Named<keyof L>>(method: Callable<I, O>, request: NoInfer<I>, options?: CallOptions) => Pages<ItemOf<L, O>, O>;

/** Makes `paginate` for a contract. */
export function createPaginate<const L extends Listings>(listings: L): Paginate<L> {
  return <I extends object, O extends Named<keyof L>>(method: Callable<I, O>, request: I, options?: CallOptions) => {
    let first: readonly string[] = [];
    const listingOf = ({ $typeName }: O): Listing => listings[$typeName]!;
    const get = async (at?: unknown): Promise<O> => {
      const page = await method(at ? requestAfter(request, first, at) : request, options);
      ({ first } = listingOf(page));
      return page;
    };
    return turnPages<ItemOf<L, O>, O>(get, "nextPageToken", (page) => page[listingOf(page).items as keyof O] as ItemOf<L, O>[]);
  };
}

/** The request for the page behind a token, as what messages are made from: a message itself must not be copied. */
function requestAfter<I extends object>(request: I, first: readonly string[], pageToken: unknown): I {
  const kept = Object.entries(request).filter(([name]) => !name.startsWith("$") && !first.includes(name));
  return { ...Object.fromEntries(kept), pageToken } as I;
}

/** Calls: gives the message together with status, headers, request id and attempts. */
export async function withResponse<I, O extends object>(method: Callable<I, O>, request: NoInfer<I>, options?: CallOptions): Promise<Outcome<O>> {
  let headers: CountedHeaders = new Headers();
  const value = await method(request, {
    ...options,
    onHeader(received) {
      headers = received;
      options?.onHeader?.(received);
    },
  });
  // What succeeded is 200 on each of the protocols.
  return { value, response: { status: 200, headers, requestId: requestIdOf(headers), attempts: headers.attempts ?? 1 } };
}

/** Calls: gives the outcome as a value and never rejects. Its error is typed with the reasons of the method. */
export type GetResult<R> = <I, O extends object>(method: Callable<I, O>, request: NoInfer<I>, options?: CallOptions) => Promise<Result<O, ReasonOf<R, O>>>;

/** Makes `result` for a contract; `R` is `ReasonsByResponse` of a generated `responses.ts`. */
export function createResult<R>(): GetResult<R> {
  return async <I, O extends object>(method: Callable<I, O>, request: NoInfer<I>, options?: CallOptions) => {
    try {
      return { ok: true, ...(await withResponse(method, request, options)) };
    } catch (thrown) {
      // What the rules do not see: connect-es counts the answers to a stream itself.
      const error = toParapetError(thrown, systemClock);
      return { ok: false, error: (error instanceof ParapetError ? error : clientError("UNSPECIFIED", "the call failed", { cause: error })) as ParapetError<ReasonOf<R, O>> };
    }
  };
}
