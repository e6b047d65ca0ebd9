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
 * Fails with what `get` fails with, and with RESPONSE_MALFORMED for a page without a list, and for one that names an earlier one as the next.
 */
export function turnPages<Item, Page extends object>(get: (token?: unknown) => PromiseLike<Page>, next: string, itemsOf: (page: Page) => readonly Item[] | undefined, method?: string): Pages<Item, Page> {
  const malformed = (message: string): Error => clientError("RESPONSE_MALFORMED", message, { method });
  return new Pages<Item, Page>(
    async function* () {
      let at: unknown;
      let earlier: unknown;
      for (let turned = 1; ; turned++) {
        const page = await get(at);
        yield page;
        const following = (page as Record<string, unknown>)[next];
        if (!following) return;
        // A server that repeats itself must not keep a client busy for ever: in whatever circle it goes, it comes by the token of a power of two again (R. P. Brent, 1980).
        if (following === at || following === earlier) throw malformed("a page names one before it as the next one");
        if (!(turned & (turned - 1))) earlier = following;
        at = following;
      }
    },
    (page) => {
      const items: unknown = itemsOf(page) ?? [];
      if (!Array.isArray(items)) throw malformed("the items of a page are no list");
      return items as Item[];
    },
  );
}
