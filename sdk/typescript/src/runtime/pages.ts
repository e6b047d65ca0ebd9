/** The pages of a listing, one after the other (AIP-158). */
import { clientError } from "./error.js";

/** A listing. Nothing is sent before it is read; each page is a call of its own, with its own deadline. */
export class Pages<Item, Page> implements AsyncIterable<Item> {
  /** All pages. */
  declare readonly pages: () => AsyncGenerator<Page, void, undefined>;
  readonly #itemsOf: (page: Page) => readonly Item[];

  constructor(pages: () => AsyncGenerator<Page, void, undefined>, itemsOf: (page: Page) => readonly Item[]) {
    this.pages = pages;
    this.#itemsOf = itemsOf;
  }

  /** All items. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for await (const page of this.pages()) yield* this.#itemsOf(page);
  }
}

/**
 * A listing whose pages are turned until the last. `get` gives the page of a token, the first one without; `next` is the field with the token of the page behind.
 * Fails with what `get` fails with, and with RESPONSE_MALFORMED for a page that names itself as the next one.
 */
export function turnPages<Item, Page extends object>(get: (token?: unknown) => PromiseLike<Page>, next: string, itemsOf: (page: Page) => readonly Item[] | undefined, method?: string): Pages<Item, Page> {
  return new Pages<Item, Page>(
    async function* () {
      for (let at: unknown; ; ) {
        const page = await get(at);
        yield page;
        const following = (page as Record<string, unknown>)[next];
        if (!following) return;
        // A server that repeats itself must not keep a client busy for ever.
        if (following === at) throw clientError("RESPONSE_MALFORMED", "a page names itself as the next one", { method });
        at = following;
      }
    },
    (page) => itemsOf(page) ?? [],
  );
}
