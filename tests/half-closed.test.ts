/** A caller that closes its side of the connection behind its request is answered; one that goes away is noticed as before. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { routes } from "@parapet/contract/rest/routes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CredentialKind } from "../server/src/call.js";
import { createParapet, type Parapet } from "../server/src/parapet.js";
import { ADMIN, everyCollection } from "../server/src/policy/rights.js";
import { within } from "./waiting.js";

/** Handlers wait here until a test lets them go on. */
let goOn: () => void;
let started: Promise<AbortSignal>;
let tellStarted: (signal: AbortSignal) => void;
const recorded: string[] = [];
let parapet: Parapet;
let port: number;
beforeAll(async () => {
  const held = async (signal: AbortSignal): Promise<void> => {
    const released = new Promise<void>((resolve) => (goOn = resolve));
    tellStarted(signal);
    await Promise.race([released, once(signal, "abort")]);
  };
  parapet = createParapet({
    services: (router) =>
      router.service(DocumentService, {
        get: ({ key }) => ({ document: { key } }),
        async search(_request, { signal }) {
          await held(signal);
          return { totalSize: 7 };
        },
        async *export(_request, { signal }) {
          yield { document: { key: "first" } };
          await held(signal);
          yield { document: { key: "last" } };
        },
        async *exportArchive(_request, { signal }) {
          await held(signal);
          yield { body: { data: Buffer.from("archive") } };
        },
      }),
    rest: routes,
    identity: { authenticate: () => Promise.reject(new Error("nobody signs in here")) },
    everybody: { principal: { id: "usr_1", name: "one", tenant: "t", admin: true, grants: new Map([[everyCollection, ADMIN]]) }, credential: { kind: CredentialKind.NONE, id: "" } },
    audit: {
      write(record) {
        recorded.push(record.reason);
        return Promise.resolve();
      },
    },
    limiter: null,
    pseudonymKey: new Uint8Array(32),
    tenant: "t",
  });
  port = await parapet.listen({ hosts: ["127.0.0.1"], port: 0 });
});
afterAll(() => parapet.close(1_000));

const request = (verb: string, path: string, body = "", more: readonly string[] = [], version = "1.1"): string =>
  [`${verb} ${path} HTTP/${version}`, "host: localhost", "content-type: application/json", `content-length: ${body.length}`, ...more, "", body].join("\r\n");
const get = (key: string): string => request("GET", `/v1/collections/c/documents/${key}`);
const search = (version?: string): string => request("POST", "/v1/search", '{"collection":"c"}', [], version);

/** Says this and closes its side; resolves with all that comes until the other side is closed as well. */
function said(text: string): { readonly socket: Socket; readonly answer: Promise<string> } {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  started = new Promise((resolve) => (tellStarted = resolve));
  const answer = new Promise<string>((resolve, reject) => {
    let all = "";
    socket.on("data", (chunk: Buffer) => (all += chunk.toString()));
    socket.on("end", () => resolve(all));
    socket.on("error", reject);
  });
  socket.end(text);
  return { socket, answer: within("the server closes its side", answer) };
}

const statuses = (answer: string): string[] => [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status!);
/** Told that it is being worked on, as often as there was time for, and then answered. */
const expectTold = (given: readonly string[]): void => {
  expect([new Set(given.slice(0, -1)), given.at(-1)]).toEqual([new Set(["102"]), "200"]);
};
/** Longer than the server waits before it asks whether the caller is there. */
const aWhile = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 400));

describe("a caller that closed its side", () => {
  test.each([
    ["over REST", get("k")],
    ["over Connect", request("POST", "/parapet.document.v1.DocumentService/Get", '{"collection":"c","key":"k"}')],
    ["of a path that there is not", request("GET", "/nowhere")],
    ["over HTTP/1.0", request("GET", "/v1/collections/c/documents/k", "", [], "1.0")],
  ])("is answered %s", async (what, text) => {
    const answer = await said(text).answer;
    expect(statuses(answer)).toEqual([what.includes("there is not") ? "404" : "200"]);
    expect(answer.includes('"key":"k"')).toBe(!what.includes("there is not"));
  });

  test("is answered all that it asked", async () => {
    const answer = await said(get("a") + get("b") + get("c")).answer;
    expect(statuses(answer)).toEqual(["200", "200", "200"]);
    expect([...answer.matchAll(/"key":"(\w)"/g)].map(([, key]) => key)).toEqual(["a", "b", "c"]);
  });

  test("is answered after a while, and told of it meanwhile", async () => {
    const { answer } = said(search());
    const signal = await within("the handler runs", started);
    await aWhile();
    expect(signal.aborted).toBe(false);
    goOn();
    expectTold(statuses(await answer));
    expect(await answer).toContain('"totalSize":7');
  });

  test("is told of nothing over HTTP/1.0, and answered after a while", async () => {
    const { answer } = said(search("1.0"));
    await within("the handler runs", started);
    await aWhile();
    goOn();
    expect(statuses(await answer)).toEqual(["200"]);
  });

  test("gets a stream that begins after a while", async () => {
    const { answer } = said(request("GET", "/v1/collections/c/archive"));
    await within("the handler runs", started);
    await aWhile();
    goOn();
    expectTold(statuses(await answer));
    expect(await answer).toContain("archive");
  });

  test("is told what is wrong with half a request", async () => {
    expect(statuses(await said(get("k").slice(0, -6)).answer)).toEqual(["400"]);
    expect(statuses(await said(request("POST", "/v1/search", '{"collection":"c"}').slice(0, -3)).answer).every((status) => status === "400")).toBe(true);
  });
});

describe("a caller that goes away", () => {
  test("cancels its call before it is answered", async () => {
    const { socket, answer } = said(search());
    answer.catch(() => undefined);
    const signal = await within("the handler runs", started);
    socket.destroy();
    if (!signal.aborted) await within("the call is cancelled", once(signal, "abort"));
    expect(recorded.at(-1)).toBe("CALL_CANCELLED");
  });

  test("cancels a stream that has begun by closing its side", async () => {
    const { socket, answer } = said("");
    answer.catch(() => undefined);
    const streaming = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.destroy();
    streaming.on("error", () => undefined);
    streaming.write(request("GET", "/v1/collections/c/export"));
    const signal = await within("the handler runs", started);
    await within("the stream has begun", once(streaming, "data"));
    streaming.end();
    if (!signal.aborted) await within("the stream is cancelled", once(signal, "abort"));
    streaming.destroy();
  });
});
