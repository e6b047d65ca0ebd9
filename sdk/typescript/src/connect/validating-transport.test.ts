/** Responses that break the contract are told of, and reach the caller all the same. */
import { create } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { DocumentService, SearchRequestSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { describe, expect, it } from "vitest";
import { createValidatingTransport, type InvalidResponse } from "./validating-transport.js";

// A service whose answers are messages with rules: requests of the contract, turned round.
const turned = { ...DocumentService.method.search, output: SearchRequestSchema };
const tail = { ...turned, name: "Tail", localName: "tail", methodKind: "server_streaming" };
const mirror = { ...DocumentService, methods: [turned, tail], method: { search: turned, tail } };

const answers = [create(SearchRequestSchema, { collection: "docs" }), create(SearchRequestSchema, { collection: "", pageToken: "secret" })];

function clientOf(warn: (invalid: InvalidResponse) => void) {
  let at = 0;
  const inner = createRouterTransport(() => {});
  const fake = {
    ...inner,
    unary: async () => ({ stream: false, service: mirror, method: turned, header: new Headers(), trailer: new Headers(), message: answers[at++] }),
    stream: async () => ({
      stream: true,
      service: mirror,
      method: turned,
      header: new Headers(),
      trailer: new Headers(),
      message: (async function* () {
        yield* answers;
      })(),
    }),
  };
  return createClient(mirror as never, createValidatingTransport(fake as never, { validator: createValidator(), warn })) as unknown as {
    search(request: object): Promise<{ collection: string }>;
    tail(request: object): AsyncIterable<{ collection: string }>;
  };
}

describe("a validating transport", () => {
  it("warns of a response that breaks a rule, without its values, and hands it on", async () => {
    const seen: InvalidResponse[] = [];
    const client = clientOf((invalid) => seen.push(invalid));
    expect((await client.search({})).collection).toBe("docs");
    expect(seen).toEqual([]);
    expect((await client.search({})).collection).toBe("");
    expect(seen).toMatchObject([{ method: "parapet.document.v1.DocumentService/Search", typeName: "parapet.document.v1.SearchRequest", problem: expect.stringContaining("collection") }]);
    expect(JSON.stringify(seen)).not.toContain("secret");
  });

  it("warns of each message of a stream, and survives a listener that throws", async () => {
    let warned = 0;
    const client = clientOf(() => {
      warned++;
      throw new Error("a bad listener");
    });
    const got: string[] = [];
    for await (const { collection } of client.tail({})) got.push(collection);
    expect([got, warned]).toEqual([["docs", ""], 1]);
  });
});
