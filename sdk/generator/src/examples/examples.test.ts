// Tests that examples keep or break the rules as they say, judged by protovalidate anew.
import { type DescMessage, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import { beforeAll, describe, expect, it } from "vitest";
import { buildModel } from "../build/build-model.js";
import type { Json, JsonObject, MessageType, Method, Model } from "../model.js";
import { isRequired } from "../rules.js";
import { type ContractName, imageOf, imageOfTexts, modelOf, protoHead, rpcOf } from "../testing/contracts.js";

describe.each(["parapet", "awkward"] as const)("examples of %s", (name: ContractName) => {
  let model: Model;
  let methods: readonly Method[];
  let violationsOf: (typeName: string, json: Json) => { field: string; rule: string }[];

  beforeAll(async () => {
    model = await modelOf(name);
    methods = model.services.flatMap((service) => service.methods);
    const { registry } = await imageOf(name);
    const validator = createValidator({ registry, legacyRequired: true });
    violationsOf = (typeName, json) => {
      const desc = registry.getMessage(typeName) as DescMessage;
      const result = validator.validate(desc, fromJson(desc, json as JsonValue, { registry }));
      if (result.kind === "error") throw result.error;
      return result.kind === "valid" ? [] : result.violations.map((violation) => ({ field: pathToString(violation.field), rule: violation.ruleId }));
    };
  });

  it("exist for every method", () => {
    const without = methods.filter(({ examples }) => examples.minimal === undefined || examples.request === undefined || examples.response === undefined);
    expect(without.map((method) => method.fullName)).toEqual([]);
  });

  it("are valid, the smallest as well as the full one", () => {
    for (const { request, response, examples } of methods) {
      expect(violationsOf(request, examples.minimal!)).toEqual([]);
      expect(violationsOf(request, examples.request!)).toEqual([]);
      expect(() => violationsOf(response, examples.response!)).not.toThrow();
    }
  });

  it("of invalid requests break the one rule they name", () => {
    for (const { request, examples } of methods) {
      for (const { field, rule, request: invalid } of examples.invalid) expect(violationsOf(request, invalid)).toEqual([{ field, rule }]);
    }
  });

  it("are smallest: without a field that is required, and only then, a rule is broken", () => {
    const byName = new Map(model.messages.map((message) => [message.fullName, message]));
    for (const { request, examples } of methods) {
      for (const field of byName.get(request)?.fields ?? []) {
        const isChosen = byName.get(request)!.choices?.some(({ fields }) => fields.includes(field.name)) === true;
        if (field.behaviour.includes("required") || field.oneof !== undefined || isChosen) continue;
        const { [field.jsonName]: _, ...without } = examples.minimal as JsonObject;
        expect(violationsOf(request, without).length > 0, `${request}.${field.name}`).toBe(isRequired(field));
      }
    }
  });

  it("set one of the fields that exclude each other, and show what sets none, or too many", () => {
    if (name !== "awkward") return;
    const { examples } = methods.find(({ request }) => request === "awkward.v1.Apart")!;
    expect(Object.keys(examples.minimal as JsonObject)).toEqual(["size"]);
    expect(Object.keys(examples.request as JsonObject)).toEqual(["text", "size", "map"]);
    const broken = examples.invalid.filter(({ rule }) => rule === "message.oneof").map(({ request }) => Object.keys(request as JsonObject));
    expect(broken).toEqual([[]]);
  });

  it("keep what else a message holds where one field of it cannot be made", () => {
    if (name !== "awkward") return;
    const { examples } = methods.find(({ request }) => request === "awkward.v1.KeepRequest")!;
    expect(Object.keys((examples.request as JsonObject)["texts"] as JsonObject)).toEqual(expect.arrayContaining(["two", "hostname", "uuid"].slice(0, 2)));
    expect((examples.request as JsonObject)["texts"]).not.toHaveProperty("ruled");
  });

  it("cover every rule kind that the rules contract has", () => {
    if (name !== "awkward") return;
    const check = methods.find((method) => method.name === "Check")!;
    const message = model.messages.find(({ fullName }) => fullName === check.request) as MessageType;
    const broken = new Set(check.examples.invalid.map(({ field }) => field.split(/[.[]/)[0]));
    const ruled = message.fields.filter(({ rules }) => rules && rules.ignore !== "always").map((field) => field.name);
    // What breaks prefix, suffix and contains breaks all three at once.
    expect(ruled.filter((field) => !broken.has(field) && field !== "framed")).toEqual([]);
  });
});

describe("examples of rules between fields", () => {
  const fields = {
    timestamp: "google.protobuf.Timestamp a = 1 [(buf.validate.field).required = true]; google.protobuf.Timestamp b = 2 [(buf.validate.field).required = true];",
    duration: "google.protobuf.Duration a = 1 [(buf.validate.field).required = true]; google.protobuf.Duration b = 2 [(buf.validate.field).required = true];",
    uint32: "uint32 a = 1 [(buf.validate.field).uint32.gte = 1]; uint32 b = 2 [(buf.validate.field).uint32.gte = 1];",
    int64: "int64 a = 1 [(buf.validate.field).int64.gte = 1]; int64 b = 2 [(buf.validate.field).int64.gte = 1];",
    double: "double a = 1 [(buf.validate.field).double.gte = 1]; double b = 2 [(buf.validate.field).double.gte = 1];",
  };
  const wkt = ["duration", "timestamp"].map((name) => `google/protobuf/${name}.proto`);
  const kinds = Object.entries(fields);

  it("are found: one value behind or above another, either way, at any depth", async () => {
    const rule = (operator: string, at = "this"): string => `option (buf.validate.message).cel = {id: "order", message: "out of order", expression: "${at}.b ${operator} ${at}.a"};`;
    const rpcs = kinds.map(([kind]) => rpcOf(`GetRise_${kind}(Rise_${kind}) returns (Done)`, `get: "/v1/rise/${kind}"`) + rpcOf(`GetFall_${kind}(Fall_${kind}) returns (Done)`, `get: "/v1/fall/${kind}"`));
    const inner = rpcOf("GetInner(Inner) returns (Done)", 'post: "/v1/inner/{name}" body: "*"');
    const messages = kinds.map(([kind, text]) => `message Rise_${kind} { ${text} ${rule(">")} }\nmessage Fall_${kind} { ${text} ${rule("<")} }\n`);
    const text = `${protoHead("order.v1", "buf/validate/validate.proto", ...wkt)}service OrderService {\n${rpcs.join("")}${inner}}
${messages.join("")}message Inner { string name = 1; repeated Rise_timestamp stays = 2 [(buf.validate.field).repeated.min_items = 1]; map<string, Rise_int64> spans = 3; }
message Done {}
`;
    const image = await imageOfTexts({ "order.proto": text });
    const { registry } = image;
    const validator = createValidator({ registry });
    for (const { name, request, examples } of buildModel(image).services.flatMap(({ methods }) => methods)) {
      const desc = registry.getMessage(request)!;
      for (const example of [examples.minimal, examples.request]) {
        expect(example, name).toBeDefined();
        expect(validator.validate(desc, fromJson(desc, example as JsonValue, { registry })).kind, name).toBe("valid");
      }
      expect(Object.keys(examples.request as JsonObject), name).toHaveLength(name === "GetInner" ? 3 : 2);
    }
  });

  it("are none where there is no such order", async () => {
    const text = `${protoHead("order.v1", "buf/validate/validate.proto")}service OrderService {\n${rpcOf("Get(GetRequest) returns (GetResponse)", 'get: "/v1/get"')}}
message GetRequest { uint32 a = 1 [(buf.validate.field).uint32.gte = 1]; uint32 b = 2 [(buf.validate.field).uint32.gte = 1]; option (buf.validate.message).cel = {id: "far", message: "too near", expression: "this.b > this.a + 100u"}; }
message GetResponse {}
`;
    const [service] = buildModel(await imageOfTexts({ "order.proto": text })).services;
    expect(service!.methods[0]!.examples).toEqual({ response: {}, invalid: [] });
  });
});
