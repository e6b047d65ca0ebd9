/** The transport in memory, used as users' own tests would. */
import { createClient } from "@connectrpc/connect";
import { ReasonSchema } from "@parapet/contract/parapet/error/v1/reason_pb";
import { DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { describe, expect, it } from "vitest";
import type { Reason } from "../index.js";
import type { ParapetError } from "../runtime/error.js";
import { createFakeTransport, refuse } from "./connect.js";

describe("a transport in memory", () => {
  it("answers calls and streams, under the rules of the SDK", async () => {
    const keys: (string | null)[] = [];
    const transport = createFakeTransport(
      (router) =>
        router.service(DocumentService, {
          add(request, { requestHeader }) {
            keys.push(requestHeader.get("idempotency-key"));
            if (keys.length === 1) throw refuse("STORE_UNAVAILABLE");
            return { document: { key: request.key } };
          },
          async *export() {
            yield { document: { key: "a" } };
            throw refuse("AUDIT_UNAVAILABLE", { message: "no" });
          },
        }),
      { random: () => 0, apiKey: "k" },
    );
    const documents = createClient(DocumentService, transport);
    expect((await documents.add({ collection: "c", key: "k" })).document?.key).toBe("k");
    expect(keys).toEqual([keys[0], keys[0]]);
    expect(keys[0]).not.toBeNull();
    const seen: unknown[] = [];
    const ended = await (async () => {
      for await (const { document } of documents.export({ collection: "c" }, { headers: {} })) seen.push(document?.key);
    })().catch((error: ParapetError) => [error.reason, error.message, error.domain]);
    expect([seen, ended]).toEqual([["a"], ["AUDIT_UNAVAILABLE", "no", "parapet"]]);
  });

  it("refuses with every reason of the contract, and what belongs to it", async () => {
    let reason: Reason = "INTERNAL";
    const facts = { metadata: { a: "b" }, fieldViolations: [{ field: "key", description: "too long", rule: "string.max_len" }], retryAfterMs: 1500 };
    const documents = createClient(DocumentService, createFakeTransport((router) => router.service(DocumentService, { get: () => { throw refuse(reason, facts); } }), { retries: 0 }));
    for (const { name, number } of ReasonSchema.values) {
      if (number === 0) continue;
      reason = name.replace("REASON_", "") as Reason;
      const error = await documents.get({ collection: "c", key: "k" }).catch((thrown: ParapetError) => thrown);
      expect(error).toMatchObject({ name: "ParapetError", reason, code: refuse(reason).code, metadata: { a: "b" }, fieldViolations: [{ field: "key", rule: "string.max_len" }], retryAfterMs: 1500, attempts: 1 });
    }
  });

  it("says that a method has no handler", async () => {
    const documents = createClient(DocumentService, createFakeTransport(() => {}));
    expect(await documents.get({ collection: "c", key: "k" }).catch((thrown: ParapetError) => thrown)).toMatchObject({ name: "ParapetError", code: "unimplemented" });
  });
});
