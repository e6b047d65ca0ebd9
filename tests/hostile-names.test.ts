/** Names as an attacker chooses them, on every protocol: legal ones come back byte for byte and stay apart, others are refused by reason. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "@bufbuild/protobuf";
import { binaryOf } from "../conformance/src/wire/messages.js";
import { type Credential, type Variant, variants as everyVariant } from "../conformance/src/wire/wire.js";
import { binaryEncodings, type Encoded, jsonEncodings, methodOf, openWorld, variantsOf, type World } from "./world.js";

let world: World;
let insider: Credential;
beforeAll(async () => {
  world = await openWorld();
  insider = await world.user("insider", [{ collection: "a", read: true, write: true }]);
});
afterAll(() => world.close());

/** Names are read after HTTP is done with: one variant an encoding shows all there is to see. */
const variants = everyVariant.filter(({ encoding }, index) => everyVariant.findIndex((other) => other.encoding === encoding) === index);
const writing = variants.filter(({ encoding }) => encoding !== "connect-get");
const writer = writing.find(({ label }) => label === "connect-json/h1")!;
/** Clients resolve dot segments before they send; spelled like this they reach the server. */
const spelled = (encoded: Encoded): Encoded => ({ ...encoded, path: encoded.path.replaceAll(/\/(\.{1,2})(?=[/?]|$)/g, (_match, dots: string) => `/${dots.replaceAll(".", "%2E")}`) });
const carrierOf = (variant: Variant): Variant => (variant.encoding === "connect-get" ? writer : variant);

/** Names that the contract allows for collections and keys alike. */
const legal: readonly (readonly [what: string, name: string])[] = [
  ["a pipe", "a|b"],
  ["slashes", "/a//b/"],
  ["one dot", "."],
  ["two dots", ".."],
  ["a way up", "../../etc/passwd"],
  ["NUL alone", "\0"],
  ["NUL inside", "a\0b"],
  ["NUL and what escapes it in stored keys", "a\0\u00ff\u0001"],
  ["the highest bytes of UTF-8", "\u{10ffff}\u{10ffff}"],
  ["emoji", "😀🏴‍☠️👩‍👩‍👧"],
  ["mixed case", "MiXeD"],
  ["lower case", "mixed"],
  ["composed", "\u00e9"],
  ["decomposed", "e\u0301"],
  ["blanks around", " a "],
  ["a percent sign", "100%"],
  ["an encoded slash", "a%2Fb"],
  ["an encoded NUL", "a%00"],
  ["a query and a fragment", "a?b=c&d#e"],
  ["lines", "a\r\nX-Injected: yes\r\n\r\n"],
  ["text that runs backwards", "\u202egpj.exe"],
  ["a byte order mark", "\ufeffa"],
  ["a property of every object", "constructor"],
  ["the prototype", "__proto__"],
  ["quotes and braces", "\"{'}${x}"],
  ["a custom verb", "a:restore"],
  ["a plus", "a+b"],
  ["a part of a route", "documents"],
  ["as long as allowed, in bytes", "😀".repeat(32)],
];

describe("a legal name", () => {
  describe.each(variants.map((variant) => [variant.label, variant] as const))("over %s", (_label, variant) => {
    test.each(legal)("%s comes back as it was sent", async (_what, name) => {
      const { admin } = world;
      const lang = name.length > 8 ? "" : name.slice(0, 8);
      const document = { collection: name, key: name, lang, meta: { [name]: [name, ""] }, contentMd: name };
      const added = await world.send(carrierOf(variant), "DocumentService/Add", document, { credential: admin });
      expect(added.reason).toBe("-");
      expect(added.messages[0]!["document"]).toMatchObject(document);
      const got = await world.send(variant, "DocumentService/Get", { collection: name, key: name, lang }, { credential: admin }, spelled);
      expect(got.messages[0]!["document"]).toEqual(added.messages[0]!["document"]);
      const found = await world.send(variant, "DocumentService/Search", { collection: name }, { credential: admin });
      expect((found.messages[0]!["documents"] as JsonObject[]).map(({ collection, key }) => [collection, key])).toEqual([[name, name]]);
      const filtered = await world.send(writer, "DocumentService/Search", { collection: name, filterMeta: { [name]: [name] } }, { credential: admin });
      expect(filtered.messages[0]!["totalSize"]).toBe(1);
      const listed = await world.send(variant, "DocumentService/ListCollections", { pageSize: 1000 }, { credential: admin });
      expect((listed.messages[0]!["collections"] as JsonObject[]).map((each) => each["name"])).toContain(name);
      const removed = await world.send(carrierOf(variant), "DocumentService/DeleteCollection", { collection: name, force: true }, { credential: admin }, spelled);
      expect(removed.messages[0]).toEqual({ status: "deleted", deletedDocuments: 1 });
    });
  });

  test("leaves nothing of itself behind", async () => {
    expect(JSON.parse(await world.contents())).toEqual([{ totalDocuments: 0, totalRevisions: 0, collections: [] }, []]);
  });
});

describe("collections whose names are close", () => {
  /** None of them may be mistaken for `a`, nor a key of one for a key of another. */
  const neighbours = ["a|b", "a|", "a/b", "a/", "/a", "a\0b", "a\0", "\0a", "A", "a ", " a", "a.", "a%00", "a\u0301", "á", "ａ", "a*", "a\n", "ab", "a\0\u0001"];
  const keys = ["b|c", "c", "|c", "b\0c", "\0c"];
  beforeAll(async () => {
    const { admin } = world;
    for (const collection of ["a", ...neighbours]) {
      for (const key of keys) await world.send(writer, "DocumentService/Add", { collection, key, contentMd: collection }, { credential: admin });
    }
  });

  test.each(neighbours.flatMap((collection) => variants.map((variant) => [JSON.stringify(collection), variant.label, collection, variant] as const)))("%s is shut to a user of `a` over %s", async (_name, _label, collection, variant) => {
    const options = { credential: insider };
    for (const method of ["Get", "Search", "GetChecksum", "GetCollection", "Export"]) {
      if (variant.encoding === "connect-get" && method === "Export") continue;
      const { reason, messages } = await world.send(variant, `DocumentService/${method}`, method === "Get" ? { collection, key: "c" } : { collection }, options);
      expect([method, reason, messages.length]).toEqual([method, "PERMISSION_MISSING", 0]);
    }
    if (variant.encoding === "connect-get") return;
    for (const [method, rest] of [["Add", { key: "c" }], ["Update", { key: "c", contentMd: "taken" }], ["Delete", { key: "c" }], ["AddBatch", { documents: [{ key: "c" }] }], ["DeleteBatch", { documents: [{ key: "c" }] }]] as const) {
      expect([method, (await world.send(variant, `DocumentService/${method}`, { collection, ...rest }, options)).reason]).toEqual([method, "PERMISSION_MISSING"]);
    }
  });

  test.each(variants.map((variant) => [variant.label, variant] as const))("never show each other's documents over %s", async (_label, variant) => {
    for (const collection of ["a", ...neighbours]) {
      const { messages } = await world.send(variant, "DocumentService/Search", { collection, limit: 1000 }, { credential: world.admin });
      const documents = messages[0]!["documents"] as JsonObject[];
      expect(new Set(documents.map((each) => each["key"]))).toEqual(new Set(keys));
      expect(documents).toHaveLength(keys.length);
      expect(new Set(documents.flatMap((each) => [each["collection"], each["contentMd"]]))).toEqual(new Set([collection]));
    }
  });

  test("a user sees the one that is its own in the list", async () => {
    const { messages } = await world.send(writer, "DocumentService/ListCollections", {}, { credential: insider });
    expect((messages[0]!["collections"] as JsonObject[]).map(({ name }) => name)).toEqual(["a"]);
  });

  test("deleting one leaves the others", async () => {
    const before = JSON.parse(await world.contents()) as [JsonObject, JsonObject[]];
    await world.send(writer, "DocumentService/DeleteCollection", { collection: "a", force: true }, { credential: world.admin });
    const after = JSON.parse(await world.contents()) as [JsonObject, JsonObject[]];
    expect(after[1]).toEqual(before[1].filter(({ collection }) => collection !== "a"));
    for (const collection of neighbours) await world.send(writer, "DocumentService/DeleteCollection", { collection, force: true }, { credential: world.admin });
  });
});

describe("a name that is not legal", () => {
  const long = "n".repeat(1024 * 1024);
  const illegal: readonly (readonly [what: string, request: JsonObject])[] = [
    ["an empty collection", { collection: "", key: "k" }],
    ["an empty key", { collection: "c", key: "" }],
    ["a collection of 129 bytes", { collection: `${"😀".repeat(32)}x`, key: "k" }],
    ["a key of 513 bytes", { collection: "c", key: "k".repeat(513) }],
    ["a collection of 1 MB", { collection: long, key: "k" }],
    ["a key of 1 MB", { collection: "c", key: long }],
    ["a language of 1 MB", { collection: "c", key: "k", lang: long }],
    ["a meta name of 1 MB", { collection: "c", key: "k", meta: { [long]: ["v"] } }],
    ["an empty meta name", { collection: "c", key: "k", meta: { "": ["v"] } }],
    ["the name of all collections", { collection: "*", key: "k" }],
    ["an etag of 1 MB", { collection: "c", key: "k", etag: long }],
  ];

  describe.each(writing.map((variant) => [variant.label, variant] as const))("over %s", (_label, variant) => {
    test.each(illegal)("%s is FIELD_INVALID and changes nothing", async (_what, request) => {
      const before = await world.contents();
      const { reason, error } = await world.send(variant, "DocumentService/Add", request, { credential: world.admin });
      expect(reason).toBe("FIELD_INVALID");
      expect(error!.message.length).toBeLessThan(1_000);
      expect(await world.contents()).toBe(before);
      expect(await world.health()).toBe(200);
    });
  });

  test("does not grow the audit log", async () => {
    const requestId = "hostile-names-long";
    await world.send(writer, "DocumentService/Add", { collection: long, key: long }, { credential: world.admin, headers: [["x-request-id", requestId]] });
    const { messages } = await world.send(writer, "AuditService/ListAuditRecords", { requestId }, { credential: world.admin });
    expect(messages[0]!["records"]).toHaveLength(1);
    expect(JSON.stringify(messages[0]).length).toBeLessThan(16_384);
  });

  /** Half of a pair of surrogates has no UTF-8; JSON can spell it nevertheless (RFC 8259 section 8.2). */
  test.each(variantsOf(...jsonEncodings).flatMap((variant) => ["collection", "key", "lang"].map((field) => [field, variant.label, field, variant] as const)))("a lone surrogate in %s is refused over %s", async (_field, _label, field, variant) => {
    const before = await world.contents();
    const text = JSON.stringify({ collection: "c", key: "k", lang: "l", [field]: "\ud800" });
    const method = variant.encoding === "connect-get" ? "Get" : "Add";
    const { reason } = await world.send(variant, `DocumentService/${method}`, {}, { credential: world.admin, payload: Buffer.from(text) });
    expect(["FIELD_INVALID", "REQUEST_MALFORMED"]).toContain(reason);
    expect(await world.contents()).toBe(before);
  });

  test.each(variantsOf(...binaryEncodings).flatMap((variant) => [1, 2, 3].map((field) => [field, variant.label, variant] as const)))("bytes that are no UTF-8 in field %i are REQUEST_MALFORMED over %s", async (field, _label, variant) => {
    const before = await world.contents();
    const valid = binaryOf(methodOf("DocumentService/Add").desc.input, { collection: "c", key: "k", lang: "l" });
    const payload = Buffer.from(valid);
    for (let at = 0; at < payload.length; at += 3) if (payload[at]! >> 3 === field) payload[at + 2] = 0xff;
    expect((await world.send(variant, "DocumentService/Add", {}, { credential: world.admin, payload })).reason).toBe("REQUEST_MALFORMED");
    expect(await world.contents()).toBe(before);
  });

  test.each(variantsOf("rest").map((variant) => [variant.label, variant] as const))("a path segment that is no UTF-8 is REQUEST_MALFORMED over %s", async (_label, variant) => {
    for (const segment of ["%ff", "%c0%af", "%ed%a0%80", "%", "%4", "%zz", "%u0041"]) {
      const answer = await world.send(variant, "DocumentService/Get", { collection: "c", key: "k" }, { credential: world.admin }, (encoded) => ({ ...encoded, path: `/v1/collections/c/documents/${segment}` }));
      expect([segment, answer.reason, answer.http.status]).toEqual([segment, "REQUEST_MALFORMED", 400]);
    }
  });

  test.each(variantsOf("rest").map((variant) => [variant.label, variant] as const))("an empty path segment is no route over %s", async (_label, variant) => {
    for (const path of ["/v1/collections//documents/k", "/v1/collections/c/documents/", "/v1/collections/"]) {
      const answer = await world.send(variant, "DocumentService/Get", {}, { credential: world.admin }, (encoded) => ({ ...encoded, path }));
      expect([path, answer.reason, answer.http.status]).toEqual([path, "METHOD_UNKNOWN", 404]);
    }
  });
});
