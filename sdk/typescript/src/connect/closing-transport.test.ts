/** A closed client on Node: what ran is cancelled, and nothing opens its connection anew. */
import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { getEventListeners } from "node:events";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ParapetError } from "../runtime/error.js";
import { type FaultServer, silence, startFaultServer } from "../test-support/fault-server.js";
import { createParapetClient, type NodeOptions } from "./index.js";

let http1: FaultServer;
let http2: Http2Server;
let requests = 0;
let sessions = 0;
beforeAll(async () => {
  http1 = await startFaultServer();
  http1.script((response, request) => (requests++, silence(response, request)));
  http2 = createServer((request) => void (requests++, request.resume()));
  http2.on("session", () => sessions++);
  await new Promise<void>((resolve) => http2.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  http2.close();
  await http1.close();
});
beforeEach(() => {
  requests = 0;
  sessions = 0;
});

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

async function failing(work: PromiseLike<unknown>): Promise<ParapetError> {
  const error = await Promise.resolve(work).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ParapetError);
  return error as ParapetError;
}

describe.each<[string, Pick<NodeOptions, "protocol" | "httpVersion">]>([
  ["gRPC", { protocol: "grpc" }],
  ["Connect over HTTP/2", { protocol: "connect", httpVersion: "2" }],
  ["Connect over HTTP/1.1", { protocol: "connect" }],
  ["gRPC-Web over HTTP/1.1", { protocol: "grpc-web" }],
])("a client of %s", (_, options) => {
  const open = () => {
    const isTwo = options.protocol === "grpc" || options.httpVersion === "2";
    return createParapetClient({ ...options, baseUrl: isTwo ? `http://127.0.0.1:${(http2.address() as AddressInfo).port}` : http1.url, apiKey: "k", retryBudget: { ratio: 10 }, backoff: { baseMs: 0 } });
  };
  const exported = async (client: ReturnType<typeof open>, signal?: AbortSignal): Promise<void> => {
    for await (const message of client.documents.export({ collection: "c" }, { signal })) expect(message).toBeUndefined();
  };

  it("that is closed ends its calls and streams, which are not sent again, and starts no others", async () => {
    const client = open();
    const { signal } = new AbortController();
    const running = [failing(client.documents.get({ collection: "c", key: "k" }, { signal })), failing(exported(client, signal))];
    await until(() => requests === 2);
    client.close();
    for (const error of await Promise.all(running)) expect(error).toMatchObject({ code: "canceled", reason: "CALL_CANCELLED", attempts: 1, cause: { message: "the client was closed" } });
    for (const later of [failing(client.documents.get({ collection: "c", key: "k" }, { signal })), failing(exported(client, signal))]) expect(await later).toMatchObject({ reason: "CALL_CANCELLED", attempts: 0 });
    expect(requests).toBe(2);
    expect(sessions).toBeLessThanOrEqual(1);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    client.close();
  });

  it("that is open heeds the caller's own signal, and leaves nothing on it", async () => {
    const client = open();
    const controller = new AbortController();
    const running = [failing(client.documents.get({ collection: "c", key: "k" }, { signal: controller.signal })), failing(exported(client, controller.signal))];
    await until(() => requests === 2);
    controller.abort("enough");
    for (const error of await Promise.all(running)) expect(error).toMatchObject({ reason: "CALL_CANCELLED", cause: "enough" });
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    client.close();
  });

  it("says what no header can carry without showing it", async () => {
    const client = open();
    const headers = { "x-a": "hush\nhush" };
    for (const call of [client.documents.get({ collection: "c", key: "k" }, { headers }), (async () => { for await (const _ of client.documents.export({ collection: "c" }, { headers })); })()]) {
      const error = await failing(call);
      expect(error).toMatchObject({ reason: "REQUEST_INVALID", attempts: 0, message: expect.not.stringContaining("hush") });
    }
    expect(requests).toBe(0);
    client.close();
  });
});

it("tells no server a time that gRPC has no room for", async () => {
  const told: unknown[] = [];
  const note = (_: unknown, headers: { "grpc-timeout"?: string }) => void told.push(headers["grpc-timeout"]);
  http2.on("stream", note);
  for (const timeoutMs of [86_400_000, 864_000_000, Number.MAX_SAFE_INTEGER]) {
    const client = createParapetClient({ protocol: "grpc", baseUrl: `http://127.0.0.1:${(http2.address() as AddressInfo).port}`, timeoutMs });
    const call = failing(client.documents.get({ collection: "c", key: "k" }));
    const before = requests;
    await until(() => requests > before);
    client.close();
    await call;
  }
  http2.off("stream", note);
  expect(told).toEqual([expect.stringMatching(/^\d{8}m$/), undefined, undefined]);
});
