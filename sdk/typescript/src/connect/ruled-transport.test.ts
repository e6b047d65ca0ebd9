/** The rules of the runtime over connect-es, against handlers in memory. */
import { Code, ConnectError, createClient as createServiceClient, createRouterTransport, type HandlerContext, type Transport } from "@connectrpc/connect";
import { DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { ErrorInfoSchema, RetryInfoSchema } from "@parapet/contract/google/rpc/error_details_pb";
import { Health } from "@parapet/contract/grpc/health/v1/health_pb";
import { describe, expect, it } from "vitest";
import { rules } from "../gen/rules.js";
import { type ClientOptions, createClient } from "../runtime/client.js";
import { ParapetError } from "../runtime/error.js";
import { createTestClock } from "../test-support/test-clock.js";
import { createRuledTransport } from "./ruled-transport.js";

/** What a handler saw of a call. */
interface Seen {
  readonly method: string;
  readonly key: string | null;
  readonly token: string | null;
}

/** Answers call n; what it throws is the refusal. */
type Answer = (call: number, context: HandlerContext) => void | Promise<void>;

function setUp(answer: Answer, options: Partial<ClientOptions> = {}) {
  const seen: Seen[] = [];
  const inner = createRouterTransport((router) => {
    const note = (method: string) => async (context: HandlerContext): Promise<void> => {
      seen.push({ method, key: context.requestHeader.get("idempotency-key"), token: context.requestHeader.get("authorization") });
      await answer(seen.length, context);
    };
    router.service(DocumentService, {
      add: async (_, context) => (await note("add")(context), { document: { key: "a" } }),
      get: async (_, context) => (await note("get")(context), { document: { key: "a" } }),
      async import(requests, context) {
        let imported = 0;
        for await (const _ of requests) imported++;
        await note("import")(context);
        return { imported };
      },
      async *export(_, context) {
        await note("export")(context);
        yield { document: { key: "a" } };
        yield { document: { key: "b" } };
      },
    });
    router.service(Health, { check: async (_, context) => (await note("check")(context), {}) });
  });
  const clock = createTestClock({ skipUpToMs: 10_000 });
  const client = createClient({ baseUrl: "http://in-memory", clock, random: () => 0.5, retryBudget: { ratio: 10 }, ...options });
  const transport: Transport = createRuledTransport(client, rules, () => inner);
  return { seen, clock, documents: createServiceClient(DocumentService, transport), health: createServiceClient(Health, transport) };
}

function refusal(code: Code, reason: string, retrySeconds?: number): ConnectError {
  const retry = retrySeconds === undefined ? [] : [{ desc: RetryInfoSchema, value: { retryDelay: { seconds: BigInt(retrySeconds), nanos: 0 } } }];
  return new ConnectError("refused", code, undefined, [{ desc: ErrorInfoSchema, value: { reason, domain: "parapet", metadata: { a: "b" } } }, ...retry]);
}

const once = (error: ConnectError): Answer => (call) => {
  if (call === 1) throw error;
};
const always = (error: ConnectError): Answer => () => {
  throw error;
};

async function failing(work: PromiseLike<unknown>): Promise<ParapetError> {
  const error = await Promise.resolve(work).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ParapetError);
  return error as ParapetError;
}

async function keysOf(messages: AsyncIterable<{ document?: { key: string } }>): Promise<(string | undefined)[]> {
  const keys: (string | undefined)[] = [];
  for await (const { document } of messages) keys.push(document?.key);
  return keys;
}

describe("a unary call", () => {
  it("is sent again where the contract allows, with one key, after the wait that is asked for", async () => {
    const { seen, clock, documents } = setUp(once(refusal(Code.ResourceExhausted, "RATE_LIMITED", 3)));
    expect((await documents.add({ collection: "c", key: "a" })).document?.key).toBe("a");
    expect(seen).toHaveLength(2);
    expect(seen[0]?.key).toMatch(/^\d+(-\d+){3}$/);
    expect(seen[1]?.key).toBe(seen[0]?.key);
    expect(clock.asked).toContain(3000);
  });

  it("carries the caller's own key", async () => {
    const { seen, documents } = setUp(() => {});
    await documents.add({ collection: "c", key: "a" }, { headers: { "Idempotency-Key": "mine" } });
    expect(seen[0]?.key).toBe("mine");
  });

  it.each([
    ["a refusal that stays", Code.Aborted, "ETAG_MISMATCH", "aborted"],
    ["a message that is too large", Code.ResourceExhausted, "MESSAGE_TOO_LARGE", "resource_exhausted"],
  ])("is not sent again after %s", async (_, code, reason, name) => {
    const { seen, documents } = setUp(always(refusal(code, reason)));
    expect(await failing(documents.add({ collection: "c", key: "a" }))).toMatchObject({
      code: name,
      reason,
      domain: "parapet",
      metadata: { a: "b" },
      message: "refused",
      method: "parapet.document.v1.DocumentService/Add",
      attempts: 1,
    });
    expect(seen).toHaveLength(1);
  });

  it.each([
    ["a cancellation that the server tells of, as what it is", new ConnectError("gone", Code.Canceled, undefined, [{ desc: ErrorInfoSchema, value: { reason: "SHUTTING_DOWN", domain: "parapet" } }]), { code: "canceled", reason: "SHUTTING_DOWN", message: "gone" }],
    ["a refusal without words, by its code", new ConnectError("", Code.NotFound), { code: "not_found", message: "not_found" }],
    ["a stream that a broken connection cancelled, as a broken connection", new ConnectError("stream closed", Code.Canceled), { code: "unavailable", reason: "NETWORK_FAILED" }],
  ])("fails with %s", async (_, thrown, facts) => {
    expect(await failing(setUp(always(thrown), { retries: 0 }).documents.get({ collection: "c", key: "a" }))).toMatchObject(facts);
  });

  it("gets a fresh token once when the old one is refused", async () => {
    let asked = 0;
    const { seen, documents } = setUp(once(refusal(Code.Unauthenticated, "TOKEN_EXPIRED")), { token: () => `t${++asked}` });
    await documents.get({ collection: "c", key: "a" });
    expect(seen.map(({ token }) => token)).toEqual(["Bearer t1", "Bearer t2"]);
  });

  it("has one deadline and heeds its signal", async () => {
    const { seen, clock, documents } = setUp(() => new Promise(() => {}));
    const late = failing(documents.get({ collection: "c", key: "a" }, { timeoutMs: 20_000 }));
    while (seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(20_000);
    expect(await late).toMatchObject({ code: "deadline_exceeded", reason: "DEADLINE_PASSED", attempts: 1 });
    const controller = new AbortController();
    const left = failing(documents.get({ collection: "c", key: "a" }, { signal: controller.signal }));
    controller.abort();
    expect((await left).reason).toBe("CALL_CANCELLED");
    expect(clock.pending()).toEqual([]);
  });

  it("of a contract that is not known here is sent again only if it says that it has no effect", async () => {
    const { seen, health } = setUp(always(refusal(Code.Unavailable, "SHUTTING_DOWN")));
    expect((await failing(health.check({}))).reason).toBe("SHUTTING_DOWN");
    expect(seen).toHaveLength(Health.method.check.idempotency === 0 ? 1 : 3);
  });
});

describe("a stream", () => {
  it("of the server is sent again while nothing has come", async () => {
    const { seen, documents } = setUp(once(refusal(Code.Unavailable, "STORE_UNAVAILABLE")));
    expect(await keysOf(documents.export({ collection: "c" }))).toEqual(["a", "b"]);
    expect(seen).toHaveLength(2);
  });

  it("of the client is sent once, whatever comes", async () => {
    const messages = async function* () {
      yield { collection: "c" };
      yield {};
    };
    const good = setUp(() => {});
    expect((await good.documents.import(messages())).imported).toBe(2);
    const bad = setUp(always(refusal(Code.Unavailable, "STORE_UNAVAILABLE")));
    expect((await failing(bad.documents.import(messages()))).reason).toBe("STORE_UNAVAILABLE");
    expect(bad.seen).toHaveLength(1);
  });

  it("is cancelled by its signal", async () => {
    const controller = new AbortController();
    const { documents } = setUp(() => new Promise(() => {}));
    const reading = failing(keysOf(documents.export({ collection: "c" }, { signal: controller.signal })));
    controller.abort();
    expect((await reading).reason).toBe("CALL_CANCELLED");
  });
});
