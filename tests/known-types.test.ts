/** Requests and responses that are messages of google.protobuf themselves: each layer and protocol carries them in their own JSON form. */
import { Readable, Writable } from "node:stream";
import { type DescMethod, fromJson, type JsonValue, type Message, toJson } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { createTransport } from "@parapet/sdk/connect/runtime";
import { createResult, createRuledClient, createStream } from "@parapet/sdk/rest/runtime";
import { createConnectTransport as createWebTransport } from "@connectrpc/connect-web";
import { createProgram } from "@parapet/cli";
import { createFakeServer } from "@parapet/sdk/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { methods } from "../sdk/generator/src/targets/typescript/golden/known/src/methods.js";
import * as functions from "../sdk/generator/src/targets/typescript/golden/known/src/index.js";
import { operations } from "../sdk/generator/src/targets/typescript/golden/known/src/operations.js";
import { rules } from "../sdk/generator/src/targets/typescript/golden/known/src/rules.js";
import { rpcCommands } from "../sdk/generator/src/targets/cli/golden/known.commands.js";
import { byFake, byRest, bySdk } from "./awkward/by-known.js";
import { openZoo, type Zoo } from "./awkward/zoo.js";

let zoo: Zoo;
beforeAll(async () => {
  zoo = await openZoo();
});
afterAll(() => zoo.close());

/** A request over REST: verb, path with query, body. */
type Http = readonly [verb: string, target: string, body?: JsonValue];

/** A call: what is sent, what is answered, and the same over bindings that name fields. */
interface Row {
  readonly request: JsonValue;
  readonly response: JsonValue;
  /** Requests that say the same by fields, with what they show where that is not the response. */
  readonly http?: readonly (readonly [...Http, ...shows: [] | [shows: JsonValue]] | readonly [verb: string, target: string, body: JsonValue | undefined, shows: JsonValue])[];
}

const longest = "9223372036854775807";
const unary: Readonly<Record<string, readonly Row[]>> = {
  Greet: [
    {
      request: "a/b ü",
      response: longest,
      http: [["GET", "/v1/known/greet/a%2Fb%20%C3%BC"], ["GET", "/v1/known/greet?value=a/b+%C3%BC"], ["POST", "/v1/known/greeting", "a/b ü", longest], ["POST", "/v1/known/greet/a%2Fb%20%C3%BC:again", {}]],
    },
    { request: "", response: "0", http: [["GET", "/v1/known/greet"], ["GET", "/v1/known/greet?value="], ["POST", "/v1/known/greeting", "", "0"]] },
  ],
  Flip: [{ request: true, response: false, http: [["GET", "/v1/known/flip?value=true"]] }, { request: false, response: true, http: [["GET", "/v1/known/flip"]] }],
  Hash: [{ request: "+/8=", response: "", http: [["GET", "/v1/known/hash?value=%2B%2F8%3D"]] }, { request: "", response: "AA==" }],
  Halve: [{ request: "-Infinity", response: "NaN", http: [["GET", "/v1/known/halve/-Infinity"]] }, { request: 0, response: -1.5, http: [["GET", "/v1/known/halve/0"]] }],
  Count: [{ request: `-${longest}`, response: "18446744073709551615", http: [["GET", `/v1/known/count/-${longest}`, undefined, "18446744073709551615"]] }, { request: "0", response: "0" }],
  Shorten: [{ request: -2_147_483_648, response: 4_294_967_295, http: [["GET", "/v1/known/shorten?value=-2147483648"]] }, { request: 0, response: 0, http: [["GET", "/v1/known/shorten"]] }],
  Extend: [{ request: 0, response: -1 }],
  Widen: [{ request: 0.5, response: "Infinity" }],
  Tally: [{ request: "18446744073709551615", response: "" }, { request: "0", response: "null" }],
  Keep: [
    { request: null, response: null },
    { request: "", response: "text", http: [["GET", "/v1/known/keep/text", undefined, "text"]].slice(1) as [] },
    { request: "text", response: false, http: [["GET", "/v1/known/keep/text"]] },
    { request: 0, response: 0 },
    { request: false, response: [null, [], {}] },
    { request: { a: [1, { "": null }] }, response: { b: { c: 0 } }, http: [["POST", "/v1/known/keep:struct", { a: [1, { "": null }] }]] },
    { request: [], response: {} },
  ],
  Sort: [{ request: [], response: [] }, { request: [3, "a", null, [true], { b: {} }], response: [null], http: [["POST", "/v1/known/sort:values", [3, "a", null, [true], { b: {} }]]] }],
  Merge: [{ request: {}, response: {} }, { request: { value: "v", fields: { a: null } }, response: { a: [0] }, http: [["POST", "/v1/known/merge:fields", { value: "v", fields: { a: null } }]] }],
  Round: [{ request: "2026-11-02T10:11:12.500Z", response: "1970-01-01T00:00:00Z", http: [["GET", "/v1/known/round/1793614272?nanos=500000000"]] }],
  Stretch: [
    { request: "-1.500s", response: "0s", http: [["GET", "/v1/known/stretch?seconds=-1&nanos=-500000000"], ["POST", "/v1/known/stretch/-1", { nanos: -500_000_000 }]] },
    { request: "0s", response: "3s", http: [["GET", "/v1/known/stretch"], ["POST", "/v1/known/stretch/0", {}]] },
  ],
  Mask: [{ request: "aB,c.dE", response: "x,yZ", http: [["GET", "/v1/known/mask?paths=a_b&paths=c.d_e", undefined, ["x", "y_z"]]] }, { request: "", response: "", http: [["GET", "/v1/known/mask", undefined, []]] }],
  Wrap: [{ request: { "@type": "type.googleapis.com/google.protobuf.Duration", value: "3s" }, response: { "@type": "type.googleapis.com/google.protobuf.StringValue", value: "" } }, { request: {}, response: {} }],
  Ping: [{ request: {}, response: {}, http: [["GET", "/v1/known/ping"]] }],
  Now: [{ request: {}, response: "2026-11-02T10:11:12.123456789Z" }],
};

/** Streams: many requests or many responses. */
const streams: Readonly<Record<string, { readonly requests: readonly JsonValue[]; readonly responses: readonly JsonValue[]; readonly http?: readonly Http[] }>> = {
  Spell: { requests: ["ab"], responses: ["", "a", "", "b"], http: [["GET", "/v1/known/spell/ab"]] },
  Walk: { requests: [null], responses: [null, false, 0, "", [], {}, null, [null]] },
  Tick: { requests: ["2026-11-02T10:11:12Z"], responses: ["0s", "1s"] },
  Roll: { requests: [0], responses: [false, true, false], http: [["GET", "/v1/known/roll"]] },
  Rows: { requests: [{}], responses: [[], [0, ["a"]], []], http: [["GET", "/v1/known/rows"], ["GET", "/v1/known/cells"]] },
  Objects: { requests: [{ a: {} }], responses: [{}, { b: 0 }] },
  Join: { requests: ["", "a", ""], responses: [""] },
  Sum: { requests: ["0", longest], responses: [0] },
};

const calls = Object.entries(unary).flatMap(([name, rows]) => rows.map(({ request, response }) => [name, JSON.stringify(request), { requests: [request], responses: [response] }] as const));
const all = [...calls, ...Object.entries(streams).map(([name, stream]) => [name, JSON.stringify(stream.requests), stream] as const)];

const service = "awkward.v1.KnownService";
const methodOf = (name: string): DescMethod => zoo.method(`${service}/${name}`);
const localOf = (name: string): string => name[0]!.toLowerCase() + name.slice(1);
const arrivedAs = (name: string, requests: readonly JsonValue[]): void => expect(zoo.arrived()).toEqual({ method: `${service}/${name}`, messages: requests });

test("every method of the contract is called", () => {
  expect(Object.keys({ ...unary, ...streams }).sort()).toEqual(zoo.registry.getService(service)!.methods.map(({ name }) => name).sort());
});

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

async function listOf(messages: AsyncIterable<unknown>): Promise<unknown[]> {
  const list: unknown[] = [];
  for await (const message of messages) list.push(message);
  return list;
}

/** Makes a call of a message client of connect-es, in messages. */
async function throughTransport(transport: Transport, name: string, requests: readonly JsonValue[]): Promise<JsonValue[]> {
  const method = methodOf(name);
  const messages = requests.map((json) => fromJson(method.input, json, { registry: zoo.registry }));
  const client = createClient(zoo.registry.getService(service)!, transport) as unknown as Record<string, (request: unknown) => unknown>;
  const call = client[localOf(name)]!;
  const read = method.methodKind === "server_streaming" ? await listOf(call(messages[0]) as AsyncIterable<unknown>) : [await call(method.methodKind === "client_streaming" ? each(messages) : messages[0])];
  return (read as Message[]).map((message) => toJson(method.output, message, { registry: zoo.registry }));
}

const jsonOptions = (): { readonly registry: Zoo["registry"] } => ({ registry: zoo.registry });
const transports: Readonly<Record<string, () => Transport>> = {
  "gRPC": () => createGrpcTransport({ baseUrl: zoo.baseUrl }),
  "gRPC-Web": () => createGrpcWebTransport({ baseUrl: zoo.baseUrl, httpVersion: "1.1" }),
  "Connect with protobuf": () => createConnectTransport({ baseUrl: zoo.baseUrl, httpVersion: "2" }),
  "Connect with JSON": () => createConnectTransport({ baseUrl: zoo.baseUrl, httpVersion: "1.1", useBinaryFormat: false, jsonOptions: jsonOptions() }),
  "Connect by GET": () => createConnectTransport({ baseUrl: zoo.baseUrl, httpVersion: "1.1", useBinaryFormat: false, useHttpGet: true, jsonOptions: jsonOptions() }),
  "the SDK's connect layer": () => createTransport({ baseUrl: zoo.baseUrl }, (options) => createWebTransport({ ...options, useBinaryFormat: true }), rules),
};

describe.each(Object.keys(transports))("over %s", (transport) => {
  // Of streams of requests fetch knows none.
  const carried = all.filter(([name]) => !transport.startsWith("the SDK") || !["Join", "Sum"].includes(name));
  test.each(carried)("%s %s", async (name, _, { requests, responses }) => {
    zoo.answer(`${service}/${name}`, responses);
    expect(await throughTransport(transports[transport]!(), name, requests)).toEqual(responses);
    arrivedAs(name, requests);
  });
});

type AnyCall = (request?: unknown) => PromiseLike<unknown> & AsyncIterable<unknown>;

/** Makes a call of the default layer. */
async function byName(sdk: functions.Awkward, name: string, requests: readonly unknown[]): Promise<unknown[]> {
  const known = sdk.known as unknown as Record<string, AnyCall>;
  const { kind } = methods[`${service}/${name}`]!;
  const request = kind === "client_streaming" ? each(requests) : requests[0];
  // Bound to its class, as users call it.
  const started = known[localOf(name)]!.call(known, request);
  return kind === "server_streaming" ? await listOf(started) : [await started];
}

describe("through the default layer", () => {
  test.each(all)("%s %s", async (name, _, { requests, responses }) => {
    zoo.answer(`${service}/${name}`, responses);
    expect(await byName(new functions.Awkward({ baseUrl: zoo.baseUrl }), name, requests)).toEqual(responses);
    arrivedAs(name, requests);
  });

  test.each(["", "<html>", '{"a":'])("an answer that is no JSON is malformed: %j", async (text) => {
    const sdk = new functions.Awkward({ baseUrl: zoo.baseUrl, retries: 0, fetch: () => Promise.resolve(new Response(text, { headers: { "content-type": "application/json" } })) });
    for (const call of [sdk.known.keep("x"), sdk.known.greet("x"), sdk.known.merge({})]) await expect(call).rejects.toMatchObject({ reason: "RESPONSE_MALFORMED" });
  });

  test.each(["null", '"text"', "5", "true"])("an answer that is no object is malformed where one is wanted: %s", async (text) => {
    const sdk = new functions.Awkward({ baseUrl: zoo.baseUrl, retries: 0, fetch: () => Promise.resolve(new Response(text, { headers: { "content-type": "application/json" } })) });
    await expect(sdk.known.merge({})).rejects.toMatchObject({ reason: "RESPONSE_MALFORMED" });
    await expect(sdk.known.ping()).rejects.toMatchObject({ reason: "RESPONSE_MALFORMED" });
    expect(await sdk.known.keep("x")).toEqual(JSON.parse(text));
  });
});

describe("through the testing layer", () => {
  test.each(all)("%s %s", async (name, _, { requests, responses }) => {
    const fake = createFakeServer();
    const sdk = new functions.Awkward({ baseUrl: "http://fake.example", fetch: fake.fetch });
    const { kind } = methods[`${service}/${name}`]!;
    const generated = (functions as unknown as Record<string, typeof functions.knownKeep>)[`known${name}`]!;
    fake.on(generated, (() => (kind === "server_streaming" ? responses : responses[0])) as never);
    expect(await byName(sdk, name, requests)).toEqual(responses);
    expect(fake.calls.map(({ request }) => request)).toEqual([kind === "client_streaming" ? requests : requests[0]]);
  });
});

describe("through the command line", () => {
  class Sink extends Writable {
    text = "";
    override _write(chunk: Buffer, _encoding: string, done: () => void): void {
      this.text += chunk.toString();
      done();
    }
  }
  const run = async (argv: readonly string[], input = ""): Promise<{ code: number; out: string; err: string }> => {
    const [stdout, stderr] = [new Sink(), new Sink()];
    const program = createProgram({ name: "zoo", summary: "s", commands: rpcCommands, server: zoo.baseUrl });
    const code = await program({ argv: ["known", ...argv], env: {}, stdin: Object.assign(Readable.from([Buffer.from(input)]), { isTTY: false }) as never, stdout, stderr });
    return { code, out: stdout.text, err: stderr.text };
  };
  const asArgument = (value: JsonValue): string => (typeof value === "string" ? value : JSON.stringify(value));
  const commandOf = (name: string) => rpcCommands.find(({ method }) => method.name === `${service}/${name}`)!;
  const argumentOf = (name: string, request: JsonValue): string[] => commandOf(name).positionals.map(({ kind }) => (kind === "json" ? JSON.stringify(request) : asArgument(request)));

  test.each(all)("%s %s", async (name, _, { requests, responses }) => {
    zoo.answer(`${service}/${name}`, responses);
    const { methodKind } = methodOf(name);
    const many = methodKind === "client_streaming";
    const { code, out, err } = await run([commandOf(name).name, "--output", "ndjson", ...(many ? ["--input", "-"] : argumentOf(name, requests[0]!))], requests.map((each) => JSON.stringify(each)).join("\n"));
    expect({ code, err }).toEqual({ code: 0, err: "" });
    arrivedAs(name, requests);
    expect(out.trimEnd().split("\n").map((line) => JSON.parse(line) as unknown)).toEqual(responses);
  });

  test("takes the whole request as JSON, shows what is no object as it is, and says what is missing", async () => {
    zoo.answer(`${service}/Keep`, [null]);
    expect(await run(["keep", "--request", "null", "--output", "table"])).toEqual({ code: 0, out: "null\n", err: "" });
    arrivedAs("Keep", [null]);
    zoo.answer(`${service}/Greet`, ["5"]);
    expect(await run(["greet", "x", "--output", "table"])).toEqual({ code: 0, out: "5\n", err: "" });
    zoo.answer(`${service}/Spell`, ["a", ""]);
    expect(await run(["spell", "x", "--output", "table"])).toEqual({ code: 0, out: "a\n\n", err: "" });
    expect(await run(["greet"])).toMatchObject({ code: 64, err: expect.stringContaining("missing: VALUE") as unknown });
    expect(await run(["greet", "x", "--request", '"y"'])).toMatchObject({ code: 64 });
    expect(await run(["flip", "maybe"])).toMatchObject({ code: 64 });
    expect((await run(["greet", "--help"])).out).toContain("zoo known greet VALUE [flags]");
  });
});

describe("over REST", () => {
  const whole = all.filter(([name]) => !["Now", "Rows"].includes(name)).map(([name, title, { requests, responses }]) => [name, `whole ${title}`, { requests, responses, verb: "POST", target: `/v1/known/${name.toLowerCase()}`, body: requests }] as const);
  const parts = [
    ...Object.entries(unary).flatMap(([name, rows]) => rows.flatMap(({ request, response, http = [] }) => http.map(([verb, target, body, shows]) => [name, `${verb} ${target}`, { requests: [request], responses: [response], shows: shows === undefined ? [response] : [shows], verb, target, body: body === undefined ? [] : [body] }] as const))),
    ...Object.entries(streams).flatMap(([name, { requests, responses, http = [] }]) => http.map(([verb, target]) => [name, `${verb} ${target}`, { requests, responses, verb, target, body: [] as JsonValue[] }] as const)),
  ];
  type Sent = { readonly requests: readonly JsonValue[]; readonly responses: readonly JsonValue[]; readonly shows?: readonly JsonValue[]; readonly verb: string; readonly target: string; readonly body: readonly JsonValue[] };

  test.each<readonly [string, string, Sent]>([...whole, ...parts])("%s %s", async (name, _, { requests, responses, shows = responses, verb, target, body }) => {
    const { methodKind } = methodOf(name);
    zoo.answer(`${service}/${name}`, responses);
    const lines = methodKind === "client_streaming";
    const sent = body.length === 0 ? {} : { headers: { "content-type": lines ? "application/x-ndjson" : "application/json" }, body: body.map((each) => JSON.stringify(each)).join("\n") };
    const answer = await fetch(`${zoo.baseUrl}${target}`, { method: verb, ...sent });
    const text = await answer.text();
    expect(answer.status, text).toBe(200);
    arrivedAs(name, requests);
    expect(methodKind === "server_streaming" ? text.split("\n").filter(Boolean).map((line) => JSON.parse(line) as unknown) : [JSON.parse(text)]).toEqual(shows);
  });

  test("what is not of the form, or says what no field is, is refused", async () => {
    zoo.answer(`${service}/Greet`, ["0"]);
    const post = async (target: string, body: JsonValue): Promise<number> => (await fetch(`${zoo.baseUrl}${target}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })).status;
    expect(await post("/v1/known/greet", { value: "x" })).toBe(400);
    expect(await post("/v1/known/greet?value=x", "x")).toBe(400);
    expect(await post("/v1/known/greet/x:again", "x")).toBe(400);
    expect(await post("/v1/known/round", { seconds: "1" })).toBe(400);
    expect((await fetch(`${zoo.baseUrl}/v1/known/greet?other=x`)).status).toBe(400);
    expect((await fetch(`${zoo.baseUrl}/v1/known/flip?value=maybe`)).status).toBe(400);
    expect(zoo.arrived().method).toBe("");
  });
});

describe("as users write them", () => {
  const answers: Readonly<Record<string, JsonValue>> = { Greet: "5", Flip: false, Halve: "NaN", Keep: null, Sort: [], Round: "1970-01-01T00:00:00Z", Ping: {} };
  const answering = (): void => {
    for (const [name, answer] of Object.entries(answers)) zoo.answer(`${service}/${name}`, [answer]);
    zoo.answer(`${service}/Spell`, ["a", "b"]);
  };

  test("calls are typed by what their JSON is", async () => {
    answering();
    expect(await bySdk(new functions.Awkward({ baseUrl: zoo.baseUrl }))).toEqual(["5", false, "NaN", null, 0, "1970-01-01T00:00:00Z", ["a", "b"], "5"]);
    expect(await byRest(zoo.baseUrl)).toEqual(["5", "5", "5", null, "1970-01-01T00:00:00Z", ["A", "B"]]);
    expect(await byFake()).toEqual(["4", { got: null }, ["a", "b"], [[1], []], "a+b"]);
  });
});

describe("through the REST layer", () => {
  const client = (): { request: (verb: string, path: string, init: object) => Promise<{ data?: unknown; error?: unknown }> } => createRuledClient({ baseUrl: zoo.baseUrl }, { operations, methods }) as never;
  const carried = all.filter(([name]) => !["Now", "Rows", "Join", "Sum"].includes(name));

  test.each(carried)("%s %s", async (name, _, { requests, responses }) => {
    zoo.answer(`${service}/${name}`, responses);
    const path = `/v1/known/${name.toLowerCase()}`;
    if (methodOf(name).methodKind === "server_streaming") {
      expect(await listOf((createStream() as unknown as (...args: unknown[]) => AsyncIterable<unknown>)(client(), "post", path, { body: requests[0] }))).toEqual(responses);
    } else {
      const outcome = await (createResult() as unknown as (...args: unknown[]) => Promise<unknown>)(client(), "post", path, { body: requests[0] });
      expect(outcome).toMatchObject({ ok: true, value: responses[0] });
    }
    arrivedAs(name, requests);
  });
});
