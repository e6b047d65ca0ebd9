/** A listing of the default layer, which turns its pages by itself or gives one. */
import { type Call, type Finish, type Result, unary } from "./call.js";
import type { Client } from "./client.js";
import type { CallOptions, Outcome } from "./execute.js";
import type { Method, Paging } from "./method.js";
import { type Pages, turnPages } from "./pages.js";

/** A listing. Nothing is sent before it is read: item by item with `for await`, or page by page. */
export class Paged<Item, Page, R extends string = string> implements AsyncIterable<Item> {
  readonly #first: () => Call<Page, R>;
  readonly #all: Pages<Item, Page>;

  constructor(first: () => Call<Page, R>, all: Pages<Item, Page>) {
    this.#first = first;
    this.#all = all;
  }

  /** All items; each page is a call of its own, with its own deadline. */
  [Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    return this.#all[Symbol.asyncIterator]();
  }

  /** All pages. */
  pages(): AsyncGenerator<Page, void, undefined> {
    return this.#all.pages();
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
  finish?: Finish,
): Paged<Item, Page, R> {
  const { token, next, items, first } = method.paging;
  const rest = Object.fromEntries(first.map((name) => [name, undefined]));
  const get = (at?: unknown): Call<Page, R> => unary<Page, R>(client, method, { ...request, ...(at ? { ...rest, [token]: at } : {}) }, options, finish);
  return new Paged<Item, Page, R>(get, turnPages<Item, Page>(get, next, (page) => (page as Record<string, unknown>)[items] as Item[] | undefined, method.name));
}
