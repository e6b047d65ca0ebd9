/** Text that has no UTF-8 form is refused, wherever it stands: it would be stored as something else. */
import { create } from "@bufbuild/protobuf";
import { AddRequestSchema, NewDocumentSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { DocumentSchema } from "@parapet/contract/parapet/document/v1/document_pb";
import { describe, expect, it } from "vitest";
import { meta } from "../testing/document-fixture.js";
import { draftOf, draftOfImport } from "./drafts.js";
import { compileFilter } from "./filter.js";
import { compareCodePoints } from "./text.js";

const lone = "x\ud800";
const pair = "\u{1f600}";

describe("ill-formed text", () => {
  it.each([
    ["key", { key: lone }],
    ["lang", { key: "k", lang: lone }],
    ["content_md", { key: "k", contentMd: lone }],
    ["meta name", { key: "k", meta: meta({ [lone]: ["v"] }) }],
    ['meta["n"]', { key: "k", meta: meta({ n: ["fine", lone] }) }],
  ])("is refused in %s", (field, init) => {
    expect(() => draftOf(create(AddRequestSchema, init))).toThrow(`${field}: must be well-formed Unicode`);
    expect(() => draftOf(create(NewDocumentSchema, init), "documents[7].")).toThrow(`documents[7].${field}: must be well-formed Unicode`);
  });

  it("is refused in filters", () => {
    expect(() => compileFilter(create(AddRequestSchema, { meta: meta({ n: [lone] }) }).meta, undefined)).toThrow("filter_meta");
    expect(() => compileFilter({}, lone)).toThrow("lang");
  });

  it("is not what a pair of surrogates is", () => {
    expect(() => draftOf(create(AddRequestSchema, { key: pair, lang: pair, contentMd: pair, meta: meta({ [pair]: [pair] }) }))).not.toThrow();
  });
});

describe("an imported document", () => {
  const now = 1_000_000;
  const draft = (expiresAt: { seconds: bigint; nanos?: number } | undefined) =>
    draftOfImport(create(DocumentSchema, expiresAt === undefined ? {} : { expiresAt }), create(NewDocumentSchema, { key: "k" }), now);

  it("keeps its end, which must lie ahead and within what a Timestamp can say", () => {
    expect(draft({ seconds: 1001n }).expiresAtMs({} as never, now)).toBe(1_001_000);
    expect(() => draft({ seconds: 1000n })).toThrow("must be in the future");
    expect(() => draft({ seconds: 253_402_300_800n })).toThrow("must be before the year 10000");
  });
});

describe("the order of names", () => {
  it("is that of their UTF-8 forms", () => {
    const names = ["", "a", "a\0", "ab", "b", "z", "é", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}"];
    const shuffled = [...names].reverse();
    expect(shuffled.sort(compareCodePoints)).toEqual(names);
    expect(names.map((name) => Buffer.from(name)).sort((a, b) => Buffer.compare(a, b)).map(String)).toEqual(names);
  });
});
