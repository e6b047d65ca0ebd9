/** The helpers around calls of connect-es clients, against handlers in memory. */
import { create } from "@bufbuild/protobuf";
import { createClient, type ServiceImpl } from "@connectrpc/connect";
import { DocumentService, type SearchRequest, SearchRequestSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { describe, expect, it } from "vitest";
import { ParapetError } from "../runtime/error.js";
import { createFakeTransport, refuse } from "../testing/connect.js";
import { paginate, result, withResponse } from "./index.js";

const clientOf = (handlers: Partial<ServiceImpl<typeof DocumentService>>) => createClient(DocumentService, createFakeTransport((router) => router.service(DocumentService, handlers), { retries: 1, random: () => 0 }));

/** Pages of one document each, as many as there are letters; notes what it was asked. */
function listing(letters: string, asked: SearchRequest[]) {
  return clientOf({
    search(request) {
      asked.push(request);
      const at = Number(request.pageToken || 0);
      return { documents: [{ key: letters[at]! }], nextPageToken: at + 1 < letters.length ? String(at + 1) : "" };
    },
  });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe("paginate", () => {
  it.each([
    ["an object", { collection: "c", limit: 1, offset: 7 }],
    ["a message", create(SearchRequestSchema, { collection: "c", limit: 1, offset: 7 })],
  ])("takes its request as %s, leaves it as it is, and asks for nothing before it is read", async (_, request) => {
    const asked: SearchRequest[] = [];
    const before = JSON.stringify(request);
    const items = paginate(listing("abc", asked).search, request);
    expect(asked).toEqual([]);
    for (let round = 0; round < 2; round++) {
      asked.length = 0;
      expect((await all(items)).map(({ key }) => key)).toEqual(["a", "b", "c"]);
      expect(asked.map(({ pageToken, offset, limit }) => [pageToken, offset, limit])).toEqual([["", 7, 1], ["1", 0, 1], ["2", 0, 1]]);
    }
    expect(JSON.stringify(request)).toBe(before);
  });

  it("begins at the token of its request, stops when it is left, and hands its options on with each page", async () => {
    const asked: SearchRequest[] = [];
    const { search } = listing("abc", asked);
    expect((await all(paginate(search, { collection: "c", pageToken: "1" }))).map(({ key }) => key)).toEqual(["b", "c"]);
    asked.length = 0;
    for await (const { key } of paginate(search, { collection: "c" })) if (key === "b") break;
    expect(asked).toHaveLength(2);
    const heard: Headers[] = [];
    await all(paginate(search, { collection: "c" }, { onHeader: (headers) => heard.push(headers) }));
    expect(heard).toHaveLength(3);
  });

  it("fails with what a page fails with, and for a page that names itself as the next one", async () => {
    const items = paginate(clientOf({ search: ({ pageToken }) => (pageToken === "" ? { documents: [{ key: "a" }], nextPageToken: "1" } : Promise.reject(refuse("PAGE_TOKEN_INVALID"))) }).search, { collection: "c" });
    const seen: string[] = [];
    const error = await (async () => {
      for await (const { key } of items) seen.push(key);
    })().catch((thrown: unknown) => thrown);
    expect([seen, (error as ParapetError).reason]).toEqual([["a"], "PAGE_TOKEN_INVALID"]);
    await expect(all(paginate(clientOf({ search: () => ({ nextPageToken: "1" }) }).search, { collection: "c" }))).rejects.toMatchObject({ name: "ParapetError", reason: "RESPONSE_MALFORMED" });
  });
});

describe("result", () => {
  it("is a value for a refusal, for what passed at the second attempt, and for what connect-es itself finds wrong", async () => {
    let calls = 0;
    const { get, add, import: upload } = clientOf({
      get: () => Promise.reject(refuse("DOCUMENT_NOT_FOUND")),
      add: (_, { responseHeader }) => {
        if (calls++ === 0) throw refuse("STORE_UNAVAILABLE");
        responseHeader.set("x-request-id", "r-1");
        return { document: { key: "a" } };
      },
    });
    const refused = await result(get, { collection: "c", key: "k" });
    expect(refused).toMatchObject({ ok: false, error: { reason: "DOCUMENT_NOT_FOUND", attempts: 1 } });
    expect(!refused.ok && refused.error).toBeInstanceOf(ParapetError);
    expect(await result(add, { collection: "c", key: "a" })).toMatchObject({ ok: true, value: { document: { key: "a" } }, response: { status: 200, requestId: "r-1", attempts: 2 } });
    const odd = await result(upload, (async function* () {})());
    expect(!odd.ok && odd.error).toBeInstanceOf(ParapetError);
    const broken = await result(() => Promise.reject(new Error("of somebody else")), {});
    expect(broken).toMatchObject({ ok: false, error: { name: "ParapetError", reason: "UNSPECIFIED" } });
  });

  it("has what withResponse gives, which rejects, and tells of headers as connect-es does", async () => {
    const { get } = clientOf({ get: ({ key }) => (key === "a" ? { document: { key } } : Promise.reject(refuse("DOCUMENT_NOT_FOUND"))) });
    expect(await withResponse(get, { collection: "c", key: "a" })).toMatchObject({ value: { document: { key: "a" } }, response: { status: 200, attempts: 1 } });
    const heard: Headers[] = [];
    const { response } = await withResponse(get, { collection: "c", key: "a" }, { onHeader: (headers) => heard.push(headers) });
    expect(heard).toEqual([response.headers]);
    await expect(withResponse(get, { collection: "c", key: "b" })).rejects.toMatchObject({ reason: "DOCUMENT_NOT_FOUND" });
  });
});
