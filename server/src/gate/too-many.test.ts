/** What is said of too many items and pairs: in the words of protovalidate, and of nothing else. */
import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { AddBatchRequestSchema, AddRequestSchema, GetRequestSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { describe, expect, it } from "vitest";
import { compileTooMany } from "./too-many.js";

const validator = createValidator();
const names = (count: number): Record<string, { values: [] }> => Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, { values: [] }]));
const said = (desc: DescMessage, message: Message): unknown => validator.validate(desc, message).violations?.map(({ field, message: description, ruleId }) => ({ field: pathToString(field), description, rule: ruleId })) ?? [];

describe("a message with", () => {
  const documents = (count: number, meta = {}): Message => create(AddBatchRequestSchema, { collection: "c", documents: Array.from({ length: count }, (_, index) => ({ key: `k${index}`, ...(index === 3 ? { meta } : {}) })) });
  it.each<readonly [what: string, desc: DescMessage, message: Message, fields: readonly string[]]>([
    ["as many items as may be", AddBatchRequestSchema, documents(1_000), []],
    ["one item too many", AddBatchRequestSchema, documents(1_001), ["documents"]],
    ["as many pairs as may be", AddRequestSchema, create(AddRequestSchema, { collection: "c", key: "k", meta: names(256) }), []],
    ["one pair too many", AddRequestSchema, create(AddRequestSchema, { collection: "c", key: "k", meta: names(257) }), ["meta"]],
    ["one pair too many within a list", AddBatchRequestSchema, documents(5, names(257)), ["documents[3].meta"]],
    ["both", AddBatchRequestSchema, documents(1_001, names(257)), ["documents", "documents[3].meta"]],
  ])("%s is told as protovalidate tells it", (_what, desc, message, fields) => {
    const found = compileTooMany(desc)!(message);
    expect(found).toEqual(said(desc, message));
    expect(found.map(({ field }) => field)).toEqual(fields);
    // Once more: what was found before is not found again.
    expect(compileTooMany(desc)!(create(desc))).toEqual([]);
  });

  it("no list that has a rule is not looked at", () => {
    expect(compileTooMany(GetRequestSchema)).toBeUndefined();
  });

  it("other faults is not told of them", () => {
    expect(compileTooMany(AddBatchRequestSchema)!(create(AddBatchRequestSchema, { documents: [{ key: "" }] }))).toEqual([]);
  });
});
