/** Messages and fields named as what languages and tools have taken for themselves: the generated client compiles and works, over each protocol. */
import { type DescMethod, fromJson, type JsonObject, toJson } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { createFakeServer } from "@parapet/sdk/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Awkward as Builtins, builtinsKeep } from "../sdk/generator/src/targets/typescript/golden/builtins/src/index.js";
import { Awkward as Taken } from "../sdk/generator/src/targets/typescript/golden/taken/src/index.js";
import { openZoo, type Zoo } from "./awkward/zoo.js";

let zoo: Zoo;
beforeAll(async () => {
  zoo = await openZoo();
});
afterAll(() => zoo.close());

const keep = "awkward.builtins.v1.BuiltinsService/Keep";
const take = "awkward.builtins.v1.TakenService/Keep";
/** A member of this name needs a computed key. */
// oxlint-disable-next-line unicorn/no-thenable -- it is one of the names
const promise = { $ref: "r", ["__proto__"]: "p", then: "t", properties: { constructor: "c", $ref: "x" }, type: "string", object: { $ref: "#/nowhere", items: "i", set: { name: "s" } }, array: [{ length: 3 }, {}] };
const error = { promise, toString: "text" };
const taken = { hasOwnProperty: "h", constructor: "c", valueOf: "v", prototype: { hasOwnProperty: "i", constructor: "d", valueOf: "w" } };
const own = (value: object): unknown => JSON.parse(JSON.stringify(value));

describe("what has such names", () => {
  test("goes through the default layer", async () => {
    zoo.answer(keep, [error as unknown as JsonObject]);
    const { builtins } = new Builtins({ baseUrl: zoo.baseUrl });
    const kept = await builtins.keep(promise);
    expect(zoo.arrived()).toEqual({ method: keep, messages: [own(promise)] });
    expect([kept.toString, kept.promise?.$ref, Object.getOwnPropertyDescriptor(kept.promise, "__proto__")?.value]).toEqual(["text", "r", "p"]);

    zoo.answer("awkward.builtins.v1.BuiltinsService/Tell", [{ $ref: "1" }, { $ref: "2" }]);
    const told: string[] = [];
    for await (const { $ref } of builtins.tell({ length: 5 })) told.push($ref);
    expect(told).toEqual(["1", "2"]);

    zoo.answer(take, [taken as unknown as JsonObject]);
    const { prototype, ...rest } = await new Taken({ baseUrl: zoo.baseUrl }).takens.keep(taken);
    expect(zoo.arrived()).toEqual({ method: take, messages: [taken] });
    expect([rest, prototype?.hasOwnProperty]).toEqual([{ hasOwnProperty: "h", constructor: "c", valueOf: "v" }, "i"]);
  });

  test("goes over REST, in path, query and body", async () => {
    zoo.answer(keep, [error as unknown as JsonObject]);
    const answer = await fetch(`${zoo.baseUrl}/v1/builtins`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(promise) });
    expect(zoo.arrived()).toEqual({ method: keep, messages: [own(promise)] });
    expect(await answer.json()).toMatchObject({ toString: "text" });

    zoo.answer(take, [{}]);
    const { hasOwnProperty: _, ...body } = taken;
    expect((await fetch(`${zoo.baseUrl}/v1/taken/h`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })).status).toBe(200);
    expect(zoo.arrived()).toEqual({ method: take, messages: [taken] });

    zoo.answer("awkward.builtins.v1.BuiltinsService/Ask", [{ map: { name: "m" } }]);
    expect(await (await fetch(`${zoo.baseUrl}/v1/builtins/7`)).json()).toEqual({ map: { name: "m" } });
    expect(zoo.arrived().messages).toEqual([{ length: 7 }]);
  });

  test.each<[string, () => Transport]>([
    ["gRPC", () => createGrpcTransport({ baseUrl: zoo.baseUrl })],
    ["Connect with JSON", () => createConnectTransport({ baseUrl: zoo.baseUrl, httpVersion: "1.1", useBinaryFormat: false })],
  ])("goes over %s", async (_, transport) => {
    for (const [name, request, response] of [[keep, promise, error], [take, taken, taken]] as const) {
      const method: DescMethod = zoo.method(name);
      zoo.answer(name, [response as unknown as JsonObject]);
      const client = createClient(method.parent, transport()) as unknown as { keep(request: unknown): Promise<never> };
      const answer = await client.keep(fromJson(method.input, request as unknown as JsonObject));
      expect(zoo.arrived()).toEqual({ method: name, messages: [own(request)] });
      expect(toJson(method.output, answer)).toEqual(own(response));
    }
  });

  test("can be answered in tests", async () => {
    const fake = createFakeServer().on(builtinsKeep, ({ $ref }) => ({ toString: `got ${String($ref)}` }));
    expect((await new Builtins({ baseUrl: "http://fake.example", fetch: fake.fetch }).builtins.keep(promise)).toString).toBe("got r");
  });
});
