/** Every case that broke other generators, run: a server made of the contract, called in every way there is. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type DescMethod, fromJson, type JsonObject, type JsonValue, type Message, toJson } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { overConnect, overRest, type RulesClient, transportOf, type Send } from "./awkward/by-layers.js";
import { byOpenapi, fetchClientsOf } from "./awkward/by-openapi.js";
import { bySdk, clientsOf } from "./awkward/by-sdk.js";
import { type Case, cases, type CaseName, type OverHttp, type Raw } from "./awkward/cases.js";
import { openZoo, type Zoo } from "./awkward/zoo.js";

const root = new URL("../", import.meta.url);

let zoo: Zoo;
beforeAll(async () => {
  zoo = await openZoo();
});
afterAll(() => zoo.close());

const names = Object.keys(cases) as CaseName[];
const caseOf = (name: CaseName): Case => cases[name];
const messagesOf = (given: JsonObject | readonly JsonObject[]): readonly JsonObject[] => (Array.isArray(given) ? (given as readonly JsonObject[]) : [given as JsonObject]);
const isStream = (name: CaseName, ...kinds: readonly DescMethod["methodKind"][]): boolean => kinds.includes(zoo.method(caseOf(name).method).methodKind);

/** Tells the server what to answer to a case. */
function expecting(name: CaseName): void {
  zoo.answer(caseOf(name).method, messagesOf(caseOf(name).response));
}

/** Fails unless what arrived is what the case sends. */
function arrivedAs(name: CaseName, sent: JsonObject | readonly JsonObject[] = caseOf(name).request): void {
  const { input } = zoo.method(caseOf(name).method);
  expect(zoo.arrived()).toEqual({ method: caseOf(name).method, messages: messagesOf(sent).map((message) => zoo.plain(input, message)) });
}

test("every case that broke other generators is among them", () => {
  const broken = [
    "a oneof beside a path parameter", "an additional binding on the same path", "repeated message types in query", "HttpBody", "response_body", "custom verbs", "recursive messages", "reserved words",
    "wrappers", "presence", "enums with aliases", "maps with enum values",
  ];
  expect(broken.filter((words) => !names.some((name) => name.includes(words)))).toEqual([]);
});

const transports: Readonly<Record<string, () => Transport>> = {
  "gRPC": () => createGrpcTransport({ baseUrl: zoo.baseUrl }),
  "Connect with JSON": () => createConnectTransport({ baseUrl: zoo.baseUrl, httpVersion: "2", useBinaryFormat: false, jsonOptions: { registry: zoo.registry } }),
};

describe.each(Object.keys(transports))("over %s", (transport) => {
  test.each(names)("%s", async (name) => {
    const { method: methodName, request, response } = caseOf(name);
    const method = zoo.method(methodName);
    expecting(name);
    const read = await call(transports[transport]!(), method, messagesOf(request).map((message) => fromJson(method.input, message, { registry: zoo.registry })));
    arrivedAs(name);
    expect(read.map((message) => toJson(method.output, message, { registry: zoo.registry }))).toEqual(messagesOf(response).map((message) => zoo.plain(method.output, message)));
  });
});

/** Makes a call of any kind. */
async function call(transport: Transport, method: DescMethod, messages: readonly Message[]): Promise<readonly Message[]> {
  if (method.methodKind === "unary") return [(await transport.unary(method as DescMethod & { methodKind: "unary" }, undefined, undefined, undefined, messages[0]!)).message];
  async function* all(): AsyncGenerator<Message> {
    yield* messages;
  }
  const { message } = await transport.stream(method as never, undefined, undefined, undefined, all() as never);
  const read: Message[] = [];
  for await (const part of message as AsyncIterable<Message>) read.push(part);
  return read;
}

const isRaw = (value: unknown): value is Raw => typeof value === "object" && value !== null && "base64" in value;

describe("through the generated TypeScript clients", () => {
  test.each(names)("%s", async (name) => {
    const { response, reads } = caseOf(name);
    expecting(name);
    const read = await bySdk[name](clientsOf(zoo.baseUrl));
    arrivedAs(name);
    expect(read).toEqual(reads ?? response);
  });
});

describe("through openapi-fetch with the types of the generated document", () => {
  test.each(names)("%s", async (name) => {
    const { http, response, reads } = caseOf(name);
    const [index, run] = byOpenapi[name];
    expecting(name);
    const shown = await run(fetchClientsOf(zoo.baseUrl));
    arrivedAs(name, http[index]!.arrives);
    expect(shown).toEqual(http[index]!.shows === undefined ? (reads ?? response) : http[index]!.shows);
  });
});

describe("through the other layers of the SDK, with the tables that were generated for them", () => {
  const listing = "awkward.v1.RulesService/ListChecks";
  const watch = "awkward.v1.RoutesService/Watch";
  const pages = [{ checks: [{ status: "a" }, { status: "b" }], nextPageToken: "2" }, { checks: [{ status: "c" }] }];
  const rulesOf = (send: Send): RulesClient => createClient(zoo.registry.getService("awkward.v1.RulesService")!, transportOf(zoo.baseUrl, send)) as unknown as RulesClient;
  /** The tokens of the requests that a listing of two pages makes, and what it gives. */
  const turned = async (statuses: AsyncIterable<string | undefined>) => {
    const seen: (string | undefined)[] = [];
    const asked: unknown[] = [];
    zoo.answer(listing, [pages[0]!]);
    for await (const status of statuses) {
      seen.push(status);
      if (seen.length !== 2) continue;
      asked.push(...zoo.arrived().messages);
      zoo.answer(listing, [pages[1]!]);
    }
    return { seen, asked: [...asked, ...zoo.arrived().messages] };
  };
  const both = { seen: ["a", "b", "c"], asked: [{ pageSize: 2 }, { pageSize: 2, pageToken: "2" }] };

  test("listings turn their pages", async () => {
    expect(await turned(overConnect.statuses(rulesOf(fetch)))).toEqual(both);
    expect(await turned(overRest(zoo.baseUrl, fetch).statuses())).toEqual(both);
    zoo.answer(listing, [pages[1]!]);
    expect(await overConnect.listed(rulesOf(fetch))).toMatchObject({ value: { checks: [{ status: "c" }] }, response: { status: 200, attempts: 1 } });
    expect(await overRest(zoo.baseUrl, fetch).listed()).toMatchObject({ ok: true, value: { checks: [{ status: "c" }] }, response: { status: 200, attempts: 1 } });
  });

  test("a call is sent again under the key that its contract asks for", async () => {
    const keys: (string | null)[] = [];
    const attempts = await overConnect.check(
      rulesOf((request) => {
        keys.push(request.headers.get("idempotency-key"));
        return keys.length === 1 ? Promise.reject(new Error("cut")) : fetch(request);
      }),
    );
    expect([attempts, keys.length, new Set(keys).size, typeof keys[0]]).toEqual([2, 2, 1, "string"]);
  });

  // Without the bytes that say that it is whole: of Connect the last frame, of server-sent events the end itself.
  const cut = (frames: number): Send => {
    let calls = 0;
    return async (request) => {
      const response = await fetch(request);
      if (calls++ > 0) return response;
      const bytes = new Uint8Array(await response.arrayBuffer());
      zoo.answer(watch, [{ item: { id: "c" }, at: "3" }]);
      let given = false;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (given) return controller.error(new Error("cut"));
          given = true;
          controller.enqueue(bytes.subarray(0, bytes.length - frames));
        },
      });
      return new Response(body, response);
    };
  };
  test("streams go on behind their last message, by fields of whatever name and tokens of whatever letters", async () => {
    const answers = [{ item: { id: "a" }, at: "1" }, { item: { id: "b" }, at: "zwölf" }];
    zoo.answer(watch, answers);
    const watched: (string | undefined)[] = [];
    const routes = createClient(zoo.registry.getService("awkward.v1.RoutesService")!, transportOf(zoo.baseUrl, cut(7))) as unknown as { watch(request: object): AsyncIterable<{ item?: { id: string } }> };
    for await (const { item } of routes.watch({})) watched.push(item?.id);
    expect([watched, zoo.arrived().messages]).toEqual([["a", "b", "c"], [{ behindToken: "zwölf" }]]);

    zoo.answer(watch, answers);
    const overEvents: (string | undefined)[] = [];
    for await (const id of overRest(zoo.baseUrl, cut(0)).watched()) overEvents.push(id);
    expect([overEvents, zoo.arrived().messages]).toEqual([["a", "b", "c"], [{ behindToken: "zwölf" }]]);
  });
});

describe("what the clients are made of", () => {
  test("compiles under strict options, and refuses what the contract does not allow", () => {
    const { stdout, status } = spawnSync(process.execPath, [fileURLToPath(new URL("node_modules/typescript/bin/tsc", root)), "-p", fileURLToPath(new URL("tests/awkward/tsconfig.json", root))], { encoding: "utf8" });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });

  test.each(["routes", "rules", "shapes", "names", "legacy", "webhooks", "known", "builtins"])("is what openapi-typescript makes of the document of %s.proto", async (file) => {
    const folder = new URL("sdk/generator/src/targets/openapi/golden/", root);
    // openapi-typescript lives with a TypeScript of its own.
    const library = createRequire(new URL("sdk/openapi-types/package.json", root)).resolve("openapi-typescript");
    const { default: openapiTS, astToString } = (await import(pathToFileURL(library).href)) as { default: (document: unknown, options: object) => Promise<unknown>; astToString: (ast: unknown) => string };
    const document: unknown = parse(readFileSync(new URL(`${file}.openapi.yaml`, folder), "utf8"));
    const types = `// Types of ${file}.openapi.yaml, for openapi-fetch. Generated by openapi-typescript; do not edit.\n\n${astToString(await openapiTS(document, { alphabetize: false }))}`;
    await expect(types).toMatchFileSnapshot(fileURLToPath(new URL(`${file}.types.ts`, folder)));
  });
});

describe("over REST", () => {
  const requests = names.flatMap((name) => caseOf(name).http.map((over) => [name, over.verb, over.target.slice(0, 60), over] as const));

  test.each(requests)("%s: %s %s", async (name, _verb, _target, { verb, target, body, shows, arrives }: OverHttp) => {
    const { response, reads } = caseOf(name);
    expecting(name);
    const streamed = isStream(name, "client_streaming");
    const sent = body === undefined ? {} : isRaw(body) ? raw(body) : streamed ? lines(body as JsonValue[]) : json(body);
    const answer = await fetch(`${zoo.baseUrl}${target}`, { method: verb, ...sent });
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(answer.status, bytes.toString()).toBe(200);
    arrivedAs(name, arrives);
    if (isRaw(shows)) {
      expect({ contentType: answer.headers.get("content-type"), base64: bytes.toString("base64") }).toEqual(shows);
      return;
    }
    const shown = isStream(name, "server_streaming") ? bytes.toString().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as JsonValue) : (JSON.parse(bytes.toString()) as JsonValue);
    expect(shown).toEqual(shows === undefined ? (reads ?? response) : shows);
  });

  const json = (body: JsonValue): RequestInit => ({ headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const lines = (body: readonly JsonValue[]): RequestInit => ({ headers: { "content-type": "application/x-ndjson" }, body: body.map((line) => JSON.stringify(line)).join("\n") });
  const raw = ({ contentType, base64 }: Raw): RequestInit => ({ headers: { "content-type": contentType }, body: Buffer.from(base64, "base64") });
});
