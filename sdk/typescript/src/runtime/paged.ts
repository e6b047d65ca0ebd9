/** A listing that turns its pages by itself. */
import { type Call, type Result, unary } from "./call.js";
import type { Client } from "./client.js";
import { clientError } from "./error.js";
import type { CallOptions, Outcome } from "./execute.js";
import type { Method, Paging } from "./method.js";

/** A listing. Nothing is sent before it is read: item by item with `for await`, or page by page. */
export class Paged<Item, Page, R extends string = string> implements AsyncIterable<Item> {
  readonly #first: () => Call<Page, R>;
  readonly #pages: () => AsyncGenerator<Page, void, undefined>;
  readonly #itemsOf: (page: Page) => readonly Item[];

  constructor(first: () => Call<Page, R>, pages: () => AsyncGenerator<Page, void, undefined>, itemsOf: (page: Page) => readonly Item[]) {
    this.#first = first;
    this.#pages = pages;
    this.#itemsOf = itemsOf;
  }

  /** All items; each page is a call of its own, with its own deadline. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for await (const page of this.#pages()) yield* this.#itemsOf(page);
  }

  /** All pages. */
  pages(): AsyncGenerator<Page, void, undefined> {
    return this.#pages();
  }

  /** The one page that the request names. */
  page(): Call<Page, R> {
    return this.#first();
  }

  /** The one page, with status, headers and request id. */
  withResponse(): Promise<Outcome<Page>> {
    return this.#first().withResponse();
  }

  /** The one page as a value; never rejects. */
  result(): Promise<Result<Page, R>> {
    return this.#first().result();
  }
}

/** Makes a listing of a method that pages. */
export function paged<Item, Page extends object, R extends string>(
  client: Client,
  method: Method & { readonly paging: Paging },
  request: object | undefined,
  options?: CallOptions,
): Paged<Item, Page, R> {
  const { token, next, items, first } = method.paging;
  const get = (more: object): Call<Page, R> => unary<Page, R>(client, method, { ...request, ...more }, options);
  const rest = Object.fromEntries(first.map((name) => [name, undefined]));
  const field = (page: Page, name: string): unknown => (page as Record<string, unknown>)[name];
  return new Paged<Item, Page, R>(
    () => get({}),
    async function* () {
      let at: unknown;
      for (;;) {
        const page: Page = await get(at === undefined ? {} : { ...rest, [token]: at });
        yield page;
        const following = field(page, next);
        if (!following) return;
        // A server that repeats itself must not keep a client busy for ever.
        if (following === at) {
          throw clientError("RESPONSE_MALFORMED", "a page names itself as the next one", { method: method.name });
        }
        at = following;
      }
    },
    (page) => (field(page, items) as Item[] | undefined) ?? [],
  );
}
