/** What those who watch a client see, in every layer: each attempt with its end, those of resumed streams and of cancelled calls too, and no secret. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { ExportResponseSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createParapetClient } from "./connect/index.js";
import { createParapetClient as createWebClient } from "./connect/web.js";
import { Parapet } from "./index.js";
import { createLoggingHooks, type LogEntry } from "./logging/index.js";
import { createRestClient, stream, unwrap } from "./rest/index.js";
import { type AttemptEnd, type AttemptStart, type CallOptions, type Clock, combineHooks, ParapetError, type TokenSource } from "./runtime/index.js";
import { endFrame, frame } from "./test-support/fault-server.js";
import { createTestClock } from "./test-support/test-clock.js";

/** What an answer is made of, by what is spoken: a message of a stream, and its end. */
interface Speech {
  readonly message: (key: string) => Uint8Array;
  readonly end: Uint8Array;
}
const bytesOf = (key: string): Uint8Array => toBinary(ExportResponseSchema, create(ExportResponseSchema, { document: { key }, resumeToken: `behind ${key}` }));
const speeches: readonly (readonly [type: RegExp, Speech])[] = [
  [/event-stream/, { message: (key) => Buffer.from(`id: behind ${key}\ndata: {"key":"${key}"}\n\n`), end: new Uint8Array() }],
  [/connect\+json/, { message: (key) => frame({ document: { key }, resumeToken: `behind ${key}` }), end: endFrame() }],
  [/connect\+proto/, { message: (key) => frame(Buffer.from(bytesOf(key))), end: endFrame() }],
  [/grpc-web/, { message: (key) => frame(Buffer.from(bytesOf(key))), end: frame(Buffer.from("grpc-status: 0\r\n"), 0x80) }],
];

type Answer = (response: ServerResponse, speech: Speech) => void;
/** A message, then a cut connection, as often as it says; then a whole stream. */
const breaking = (times: number): Answer => (response, { message, end }) => {
  if (seen.length > times) response.end(Buffer.concat([message("last"), end]));
  else response.write(message(`${seen.length}`), () => setImmediate(() => response.socket?.destroy()));
};
const silent: Answer = (response) => response.flushHeaders();

let server: Server;
let baseUrl = "";
let answer: Answer = silent;
let onSilence = (): void => {};
const seen: IncomingMessage[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume().on("end", () => {
      seen.push(request);
      const type = /event-stream/.test(request.headers.accept ?? "") ? "text/event-stream" : request.headers["content-type"] ?? "";
      response.writeHead(200, { "content-type": type });
      answer(response, speeches.find(([pattern]) => pattern.test(type))?.[1] ?? { message: () => new Uint8Array(), end: new Uint8Array() });
      onSilence();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  seen.length = 0;
  onSilence = () => {};
});

const secret = "hush-0123456789";
const doc = { collection: "c", key: "k" };

/** What is called of a layer. */
interface Layer {
  readonly client: unknown;
  readonly get: (options: CallOptions) => PromiseLike<unknown>;
  readonly keys: (options: CallOptions) => AsyncIterable<string | undefined>;
}

/** A layer whose attempts are kept, by a hook that holds on to all it is given. */
function watch(make: (options: Options) => Layer) {
  const starts: AttemptStart[] = [];
  const ends: (readonly [attempt: number, reason: string | undefined])[] = [];
  const entries: LogEntry[] = [];
  const kept: AttemptEnd[] = [];
  const keeping = { attempt: (start: AttemptStart) => (starts.push(start), (end: AttemptEnd) => (kept.push(end), void ends.push([start.attempt, end.reason]))) };
  const hooks = combineHooks(keeping, createLoggingHooks((entry) => entries.push(entry), { showHeaders: ["authorization", "cookie", "x-api-key"] }));
  const clock = createTestClock({ skipUpToMs: 1_000 });
  return { clock, starts, ends, everything: { starts, kept, entries }, layer: make({ baseUrl, hooks, clock, token: () => secret, headers: { "x-tenant": "t" }, retryBudget: { ratio: 10 } }) };
}
interface Options {
  readonly baseUrl: string;
  readonly hooks: ReturnType<typeof combineHooks>;
  readonly token: TokenSource;
  readonly headers: Record<string, string>;
  readonly clock: Clock;
  readonly retryBudget: { readonly ratio: number };
}

async function* keysOf(messages: AsyncIterable<{ readonly document?: { readonly key?: string } | undefined }>): AsyncGenerator<string | undefined> {
  for await (const { document } of messages) yield document?.key;
}
const ofConnect = (client: Pick<ReturnType<typeof createParapetClient>, "documents">): Layer => ({
  client,
  get: (options) => client.documents.get(doc, options as object),
  keys: (options) => keysOf(client.documents.export({ collection: "c" }, options as object)),
});

describe.each<[string, (options: Options) => Layer]>([
  ["the default layer", (options) => {
    const client = new Parapet(options);
    return { client, get: (more) => client.documents.get(doc, more), keys: (more) => keysOf(client.documents.export({ collection: "c" }, more)) };
  }],
  ["REST", (options) => {
    const client = createRestClient(options);
    const init = (more: CallOptions): object => more;
    return {
      client,
      get: (more) => unwrap(client.GET("/v1/collections/{collection}/documents/{key}", { params: { path: doc }, ...init(more) })),
      async *keys(more) {
        for await (const { key } of stream(client, "post", "/v1/export", { body: { collection: "c" }, ...init(more) })) yield key;
      },
    };
  }],
  ["Connect on Node", (options) => ofConnect(createParapetClient({ ...options, protocol: "connect" }))],
  ["gRPC-Web on Node", (options) => ofConnect(createParapetClient({ ...options, protocol: "grpc-web" }))],
  ["Connect over fetch", (options) => ofConnect(createWebClient({ ...options, protocol: "connect" }))],
  ["gRPC-Web over fetch", (options) => ofConnect(createWebClient({ ...options, protocol: "grpc-web" }))],
])("%s", (_, make) => {
  it("shows every connection of a stream that goes on, and its end", async () => {
    const { starts, ends, layer } = watch(make);
    answer = breaking(2);
    const keys: (string | undefined)[] = [];
    for await (const key of layer.keys({})) keys.push(key);
    expect(keys).toEqual(["1", "2", "last"]);
    expect(starts.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(ends).toEqual([[1, undefined], [2, undefined], [3, undefined]]);
  });

  it.each([
    ["call", (layer: Layer, options: CallOptions) => layer.get(options)],
    ["stream", async (layer: Layer, options: CallOptions) => {
      for await (const key of layer.keys(options)) expect(key).toBeUndefined();
    }],
  ] as const)("shows the end of a %s that is cancelled or late, and never a secret", async (_kind, call) => {
    const { clock, starts, ends, everything, layer } = watch(make);
    answer = silent;
    const errors: ParapetError[] = [];
    const failing = async (options: CallOptions): Promise<void> => void errors.push(await Promise.resolve(call(layer, options)).then(() => expect.unreachable(), (error: unknown) => error as ParapetError));
    const controller = new AbortController();
    onSilence = () => controller.abort("enough");
    await failing({ signal: controller.signal });
    await failing({ signal: AbortSignal.abort() });
    onSilence = () => clock.advance(20_000);
    await failing({ timeoutMs: 20_000 });
    expect(errors.map(({ reason, attempts }) => [reason, attempts])).toEqual([["CALL_CANCELLED", 1], ["CALL_CANCELLED", 0], ["DEADLINE_PASSED", 1]]);
    expect(errors[0]?.cause).toBe("enough");
    expect(starts).toHaveLength(2);
    expect(ends).toEqual([[1, "CALL_CANCELLED"], [1, "DEADLINE_PASSED"]]);
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(Array(2).fill(`Bearer ${secret}`));
    for (const value of [layer.client, everything, ...errors]) {
      expect(inspect(value, { depth: 12, showHidden: true })).not.toContain(secret);
      expect(String(value) + (value === layer.client ? "" : JSON.stringify(value))).not.toContain(secret);
    }
  });
});
