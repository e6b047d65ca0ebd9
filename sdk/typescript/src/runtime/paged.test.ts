/** Listings that turn their pages by themselves. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type FaultServer, ok, refuse, startFaultServer } from "../test-support/fault-server.js";
import { list } from "../test-support/methods.js";
import { createClient, paged } from "./index.js";

interface Page {
  items: number[];
  nextPageToken: string;
}

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterAll(() => server.close());
beforeEach(() => {
  server.seen.length = 0;
});

const listing = (request: object = {}, options = {}) => paged<number, Page, "PAGE_TOKEN_INVALID">(createClient({ baseUrl: server.url }), list, request, options);
const bodies = () => server.seen.map(({ body }) => JSON.parse(String(body)) as unknown);
const pages = [ok({ items: [1, 2], nextPageToken: "p2" }), ok({ items: [], nextPageToken: "p3" }), ok({ items: [3], nextPageToken: "" })];

describe("a listing", () => {
  it("gives all items of all pages, empty ones in between included; what counts for the first page is sent once", async () => {
    server.script(...pages);
    const items: number[] = [];
    for await (const item of listing({ filter: "f", offset: 4 })) items.push(item);
    expect(items).toEqual([1, 2, 3]);
    expect(bodies()).toEqual([
      { filter: "f", offset: 4 },
      { filter: "f", pageToken: "p2" },
      { filter: "f", pageToken: "p3" },
    ]);
  });

  it("sends nothing before it is read, and nothing more once it is left", async () => {
    server.script(...pages);
    const it = listing();
    expect(server.seen).toHaveLength(0);
    for await (const item of it) if (item === 2) break;
    expect(server.seen).toHaveLength(1);
  });

  it("can be read again, by page, and from a page on", async () => {
    server.script(...pages, ...pages);
    const it = listing();
    for (let time = 0; time < 2; time++) {
      const sizes: number[] = [];
      for await (const page of it.pages()) sizes.push(page.items.length);
      expect(sizes).toEqual([2, 0, 1]);
    }
    server.seen.length = 0;
    await listing({ pageToken: "p7" }).page();
    expect(bodies()).toEqual([{ pageToken: "p7" }]);
  });

  it("gives one page with headers, or as a value", async () => {
    server.script(pages[0]!, pages[0]!, refuse("invalid_argument", { status: 400, reason: "PAGE_TOKEN_INVALID" }));
    expect(await listing().page()).toMatchObject({ items: [1, 2] });
    expect((await listing().withResponse()).response).toMatchObject({ status: 200, requestId: "request-1" });
    expect(await listing().result()).toMatchObject({ ok: false, error: { reason: "PAGE_TOKEN_INVALID" } });
  });

  it("fails with the page that fails, and with a server that repeats itself", async () => {
    server.script(pages[0]!, refuse("invalid_argument", { status: 400, reason: "PAGE_TOKEN_INVALID" }));
    const seen: number[] = [];
    await expect(async () => {
      for await (const item of listing()) seen.push(item);
    }).rejects.toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
    expect(seen).toEqual([1, 2]);
    server.script(ok({ items: [1], nextPageToken: "same" }));
    await expect(async () => {
      for await (const item of listing()) seen.push(item);
    }).rejects.toMatchObject({ reason: "RESPONSE_MALFORMED" });
  });

  it.each([
    ["two pages", ["a", "b", "a", "b"], 4],
    ["three pages behind two others", ["x", "y", "a", "b", "c", "a", "b", "c", "a", "b"], 9],
  ])("ends with a server that goes in a circle of %s", async (_, tokens, atMost) => {
    server.script(...tokens.map((nextPageToken) => ok({ items: [1], nextPageToken })));
    await expect(async () => {
      for await (const item of listing()) expect(item).toBe(1);
    }).rejects.toMatchObject({ reason: "RESPONSE_MALFORMED", method: list.name });
    expect(server.seen.length).toBeLessThanOrEqual(atMost);
  });

  it("fails typed for a page whose items are no list, and takes one without any for empty", async () => {
    server.script(ok({ items: { 0: 1 } }), ok({ items: null, nextPageToken: "p2" }), ok({}));
    await expect(async () => {
      for await (const _ of listing()) expect.unreachable();
    }).rejects.toMatchObject({ name: "ParapetError", reason: "RESPONSE_MALFORMED", method: list.name });
    for await (const _ of listing()) expect.unreachable();
  });

  it("is cancelled between and within pages", async () => {
    server.script(ok({ items: [1], nextPageToken: "p2" }));
    const controller = new AbortController();
    await expect(async () => {
      for await (const item of listing({}, { signal: controller.signal })) if (item === 1) controller.abort();
    }).rejects.toMatchObject({ reason: "CALL_CANCELLED" });
  });
});
