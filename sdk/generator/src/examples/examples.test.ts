// Tests that examples keep or break the rules as they say, judged by protovalidate anew.
import { type DescMessage, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import { beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonObject, MessageType, Method, Model } from "../model.js";
import { isRequired } from "../rules.js";
import { type ContractName, imageOf, modelOf } from "../testing/contracts.js";

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
