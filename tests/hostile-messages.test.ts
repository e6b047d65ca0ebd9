/** Messages as an attacker writes them, on every protocol: each is refused by reason, changes nothing, and the server goes on. */
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "@bufbuild/protobuf";
import { binaryOf } from "../conformance/src/wire/messages.js";
import { type Credential, type Variant, variants } from "../conformance/src/wire/wire.js";
import { type Answer, binaryEncodings, jsonEncodings, methodOf, openWorld, variantsOf, type World } from "./world.js";

let world: World;
let insider: Credential;
let before: string;
beforeAll(async () => {
  world = await openWorld();
  insider = await world.user("insider", [{ collection: "open", read: true, write: true }]);
  for (const collection of ["open", "shut"]) await world.send(connectJson, "DocumentService/Add", { collection, key: "first", contentMd: "# First" }, { credential: world.admin });
  before = await world.contents();
});
afterAll(() => world.close());

const connectJson = variants.find(({ label }) => label === "connect-json/h1")!;
const named = (list: readonly Variant[]) => list.map((variant) => [variant.label, variant] as const);

/** Calls with this message; whatever it was, the server is whole and says so in its own words. */
async function attack(variant: Variant, method: string, payload: Uint8Array, headers: readonly (readonly [string, string])[] = []): Promise<Answer> {
  const answer = await world.send(variant, `DocumentService/${method}`, {}, { credential: world.admin, payload, headers });
  expect(answer.error?.reasons ?? []).toHaveLength(answer.code === "ok" ? 0 : 1);
  expect(answer.http.status === 501 || answer.http.status < 500).toBe(true);
  expect(JSON.stringify([...answer.http.headers, ...answer.http.trailers]).length + (answer.code === "ok" ? 0 : answer.http.body.length)).toBeLessThan(16_384);
  expect(await world.health()).toBe(200);
  return answer;
}

const document = '"collection":"open","key":"k"';
const nest = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;
const depths = [2, 50, 101, 1_000, 3_000, 5_000, 10_000, 100_000];
const malformed = ["REQUEST_MALFORMED"];
const invalid = ["FIELD_INVALID"];
/** Deep nesting is refused by a rule while it can be read, and as unreadable beyond. */
const either = ["FIELD_INVALID", "REQUEST_MALFORMED"];

/** JSON for Add, with the reasons that refuse it. */
const json: readonly (readonly [what: string, text: string | Buffer, reasons: readonly string[]])[] = [
  ["text that ends early", `{${document}`, malformed],
  ["text that ends within a string", '{"collection":"op', malformed],
  ["text that ends within an escape", '{"collection":"\\u00', malformed],
  ["an array", `[{${document}}]`, malformed],
  ["null", "null", malformed],
  ["a number", "1", malformed],
  ["a text", '"open"', malformed],
  ["two objects", `{${document}}{${document}}`, malformed],
  ["a trailing comma", `{${document},}`, malformed],
  ["a comment", `{${document}/* */}`, malformed],
  ["single quotes", "{'collection':'open'}", malformed],
  ["not a number", `{${document},"ttl":NaN}`, malformed],
  ["a control character", '{"collection":"open","key":"a\u0000b"}', malformed],
  ["UTF-16", Buffer.from(`{${document}}`, "utf16le"), malformed],
  ["bytes that are no UTF-8", Buffer.from(`{${document},"contentMd":"\xff"}`, "latin1"), malformed],
  ["an overlong encoding", Buffer.from('{"collection":"open","key":"\xc0\xaf"}', "latin1"), malformed],
  ["a number for a text", '{"collection":5,"key":"k"}', malformed],
  ["an object for a text", '{"collection":{"$ne":""},"key":"k"}', malformed],
  ["an array for a text", '{"collection":["open"],"key":"k"}', malformed],
  ["null for a text", '{"collection":null,"key":"k"}', invalid],
  ["a text for a truth", `{${document},"createOnly":"yes"}`, malformed],
  ["a number for a truth", `{${document},"createOnly":1}`, malformed],
  ["an array for a map", `{${document},"meta":[["a",["b"]]]}`, malformed],
  ["a text for a list", `{${document},"meta":{"a":"b"}}`, malformed],
  ["an object for a list", `{${document},"meta":{"a":{"values":["b"]}}}`, malformed],
  ["a number in a list of texts", `{${document},"meta":{"a":[1]}}`, invalid],
  ["null in a list of texts", `{${document},"meta":{"a":[null]}}`, invalid],
  ["an object in a list of texts", `{${document},"meta":{"a":[{"__proto__":{"x":1}}]}}`, invalid],
  ["a number beyond all numbers", `{${document},"meta":{"a":[1e999]}}`, either],
  ["a duration of words", `{${document},"ttl":"soon"}`, malformed],
  ["a duration beyond all durations", `{${document},"ttl":"99999999999999999999s"}`, malformed],
  ["a duration in the past", `{${document},"ttl":"-1s"}`, invalid],
  ["a duration of a million years", `{${document},"ttl":"31557600000000s"}`, either],
  ["257 meta names", `{${document},"meta":{${Array.from({ length: 257 }, (_, i) => `"n${i}":["v"]`).join(",")}}}`, invalid],
  ["5,000 meta values", `{${document},"meta":{"n":[${Array.from({ length: 5_000 }, () => '"v"').join(",")}]}}`, invalid],
  ["256 meta names that are too long", `{${document},"meta":{${Array.from({ length: 256 }, (_, i) => `"${i}${"n".repeat(4_000)}":["v"]`).join(",")}}}`, invalid],
  ...depths.map((depth) => [`lists ${depth} deep in meta`, `{${document},"meta":{"a":${nest(depth)}}}`, either] as const),
  ...depths.map((depth) => [`objects ${depth} deep in meta`, `{${document},"meta":{"a":[${'{"a":'.repeat(depth)}1${"}".repeat(depth)}]}}`, either] as const),
  ...depths.map((depth) => [`a body ${depth} deep`, nest(depth), malformed] as const),
];

describe("JSON", () => {
  describe.each(named(variantsOf("connect-json", "rest")))("over %s", (_label, variant) => {
    test.each(json)("%s is refused", async (_what, text, reasons) => {
      expect(reasons).toContain((await attack(variant, "Add", Buffer.from(text))).reason);
    });

    test("changed nothing", async () => {
      expect(await world.contents()).toBe(before);
    });

    test.each(depths)("values %i deep under a name that is not known are ignored or unreadable", async (depth) => {
      const { reason } = await attack(variant, "Search", Buffer.from(`{"collection":"open","unknown":${nest(depth)}}`));
      expect(["-", "REQUEST_MALFORMED"]).toContain(reason);
    });
  });

  /** Without a bound each of them held up every other caller for seconds, or for minutes. */
  const swollen = { "four million lists in one another": `${"[".repeat(4e6)}${"]".repeat(4e6)}`, "five million objects": `[${"{},".repeat(5e6)}{}]` };
  test.each(named(variantsOf("connect-json", "rest")).flatMap(([label, variant]) => Object.entries(swollen).map(([what, text]) => [what, label, variant, text] as const)))("%s are not read over %s", async (_what, _label, variant, text) => {
    const { reason, error } = await attack(variant, "Add", Buffer.from(`{${document},"unknown":${text}}`));
    expect([reason, error?.message]).toEqual(["REQUEST_MALFORMED", "the message has too many fields and values, or too deep ones"]);
    expect(await world.health()).toBe(200);
  });

  test("what a compression swells is bounded as well", async () => {
    const connectJson = variantsOf("connect-json")[0]!;
    for (const [coding, pack] of [["gzip", gzipSync], ["br", brotliCompressSync]] as const) {
      const { reason } = await attack(connectJson, "Add", pack(Buffer.from(`{${document},"unknown":${swollen["five million objects"]}}`)), [["content-encoding", coding]]);
      expect([coding, reason]).toEqual([coding, "REQUEST_MALFORMED"]);
    }
  });

  /** What a GET can carry; its head is bounded, so there is no room for the largest. */
  test.each(named(variantsOf("connect-get")).flatMap(([label, variant]) => json.filter(([, text]) => text.length < 8_000).map(([what, text, reasons]) => [what, label, variant, text, reasons] as const)))("%s is refused over %s", async (_what, _label, variant, text, reasons) => {
    const { reason } = await attack(variant, "Get", Buffer.from(text));
    // Fields that Get does not have are unknown to it, whatever is in them.
    expect([...reasons, "DOCUMENT_NOT_FOUND"]).toContain(reason);
  });
});

/** JSON for Search, whose numbers have bounds. */
const searches: readonly (readonly [what: string, json: string, reasons: readonly string[]])[] = [
  ["a negative limit", '"limit":-1', invalid],
  ["the most negative limit", '"limit":-2147483648', invalid],
  ["a limit below 32 bits", '"limit":-2147483649', malformed],
  ["a limit beyond 32 bits", '"limit":2147483648', malformed],
  ["a limit beyond the largest", '"limit":1001', invalid],
  ["half a document", '"limit":1.5', malformed],
  ["an endless limit", '"limit":1e999', malformed],
  ["a limit in words", '"limit":"ten"', malformed],
  ["a true limit", '"limit":true', malformed],
  ["a list of limits", '"limit":[1]', malformed],
  ["a negative offset", '"offset":-1', invalid],
  ["a sort that is no order", '"sort":"__proto__"', invalid],
  ["a sort of another name", '"sort":"constructor"', invalid],
  ["an order of another type", '"asc":"asc"', malformed],
  ["a page token that is none", '"pageToken":"\\u0000"', ["PAGE_TOKEN_INVALID"]],
  ["a page token of another alphabet", '"pageToken":"../../"', ["PAGE_TOKEN_INVALID"]],
  ["a page token of 2 kB", `"pageToken":"${"A".repeat(2_048)}"`, ["PAGE_TOKEN_INVALID"]],
  ["a page token that is too long", `"pageToken":"${"A".repeat(2_049)}"`, invalid],
  ["a page token beside an offset", '"pageToken":"A","offset":1', invalid],
  ["a filter of numbers", '"filterMeta":{"a":[1]}', invalid],
];

describe("searches", () => {
  test.each(named(variantsOf(...jsonEncodings)).flatMap(([label, variant]) => searches.map(([what, text, reasons]) => [what, label, variant, text, reasons] as const)))("%s is refused over %s", async (_what, _label, variant, text, reasons) => {
    expect(reasons).toContain((await attack(variant, "Search", Buffer.from(`{"collection":"open",${text}}`))).reason);
  });

  test.each(named(variantsOf(...binaryEncodings)).flatMap(([label, variant]) => [{ limit: -1 }, { limit: 1001 }, { offset: -1 }, { sort: "__proto__" }].map((bad) => [JSON.stringify(bad), label, variant, bad] as const)))("%s is FIELD_INVALID over %s", async (_what, _label, variant, bad) => {
    const { reason, error } = await attack(variant, "Search", binaryOf(methodOf("DocumentService/Search").desc.input, { collection: "open", ...bad }));
    expect(reason).toBe("FIELD_INVALID");
    expect(error!.details.map(({ typeUrl }) => typeUrl.slice(typeUrl.lastIndexOf("/") + 1)).sort()).toEqual(["google.rpc.BadRequest", "google.rpc.ErrorInfo"]);
  });
});

describe("names that mean something to JavaScript", () => {
  test.each(named(variantsOf("connect-json", "rest")))("are names like any other over %s", async (_label, variant) => {
    const text = '{"collection":"protos","key":"k","meta":{"__proto__":["a"],"constructor":["b"],"toString":["c"]},"__proto__":{"contentMd":"polluted","createOnly":true},"constructor":{"prototype":{"admin":true}}}';
    const added = await world.send(variant, "DocumentService/Add", {}, { credential: world.admin, payload: Buffer.from(text) });
    expect(added.reason).toBe("-");
    expect(Buffer.from(added.http.body).toString()).toContain('"__proto__":["a"]');
    const got = JSON.parse(Buffer.from((await world.send(variant, "DocumentService/Get", { collection: "protos", key: "k" }, { credential: world.admin })).http.body).toString()) as JsonObject;
    const shown = (got["document"] ?? got) as JsonObject;
    expect(Object.entries(shown["meta"] as JsonObject).sort(([a], [b]) => (a < b ? -1 : 1))).toEqual([["__proto__", ["a"]], ["constructor", ["b"]], ["toString", ["c"]]]);
    expect(shown["contentMd"]).toBe("");
    expect(({} as JsonObject)["admin"]).toBeUndefined();
    const found = await world.send(variant, "DocumentService/Search", {}, { credential: world.admin, payload: Buffer.from('{"collection":"protos","filterMeta":{"__proto__":["a"]}}') });
    expect(found.messages[0]!["totalSize"]).toBe(1);
    const missed = await world.send(variant, "DocumentService/Search", {}, { credential: world.admin, payload: Buffer.from('{"collection":"protos","filterMeta":{"__proto__":["z"]}}') });
    expect(missed.messages[0]!["totalSize"]).toBe(0);
    await world.send(connectJson, "DocumentService/DeleteCollection", { collection: "protos", force: true }, { credential: world.admin });
  });

  test.each(named(variantsOf(...binaryEncodings)))("survive the binary encoding over %s", async (_label, variant) => {
    // Field 4 is the map: name "__proto__", one list of one text.
    const entry = Buffer.concat([tagged(1, Buffer.from("__proto__")), tagged(2, tagged(1, tagged(3, Buffer.from("a"))))]);
    const payload = Buffer.concat([tagged(1, Buffer.from("protos")), tagged(2, Buffer.from("k")), tagged(4, entry)]);
    expect((await world.send(variant, "DocumentService/Add", {}, { credential: world.admin, payload })).code).toBe("ok");
    const got = await world.send(connectJson, "DocumentService/Get", { collection: "protos", key: "k" }, { credential: world.admin });
    expect(Buffer.from(got.http.body).toString()).toContain('"meta":{"__proto__":["a"]}');
    await world.send(connectJson, "DocumentService/DeleteCollection", { collection: "protos", force: true }, { credential: world.admin });
  });
});

describe("JSON that ProtoJSON does not have", () => {
  const forms = [{ addedAt: "2026-02-30T00:00:00Z" }, { addedAt: "2026-02-03T00:00:00Z " }, { revision: "0x1" }, { revision: "01" }, { meta: { a: ["\ud800"] } }];
  const streams = variants.filter(({ encoding }) => encoding === "connect-json" || encoding === "rest");
  const payloadOf = (variant: Variant, collection: string, fields: JsonObject): Buffer => {
    const document = { key: "first", ...fields };
    return Buffer.from(JSON.stringify(variant.encoding === "rest" ? document : { collection, document }));
  };

  test.each(named(streams).flatMap(([label, variant]) => forms.map((form) => [JSON.stringify(form), label, form, variant] as const)))("%s in a stream is REQUEST_MALFORMED over %s", async (_text, _label, form, variant) => {
    const { reason } = await world.send(variant, "DocumentService/Import", { collection: "open" }, { credential: insider, payload: payloadOf(variant, "open", form) });
    expect(reason).toBe("REQUEST_MALFORMED");
  });

  test.each(named(streams))("but what it has is taken in a stream over %s", async (_label, variant) => {
    const { reason, messages } = await world.send(variant, "DocumentService/Import", { collection: "forms" }, { credential: world.admin, payload: payloadOf(variant, "forms", { contentMd: "# First", revision: "1e0", addedAt: "2026-02-03T01:00:00+01:00", meta: { a: ["b"] }, strange: [] }) });
    expect([reason, messages[0]?.["imported"]]).toEqual(["-", 1]);
    await world.send(connectJson, "DocumentService/DeleteCollection", { collection: "forms", force: true }, { credential: world.admin });
  });
});

describe("one name given twice", () => {
  const twice = [
    '{"collection":"open","collection":"shut","key":"first"}',
    '{"collection":"shut","collection":"open","key":"first"}',
    '{"collection":"open","\\u0063ollection":"shut","key":"first"}',
    '{"collection":"open","key":"first","contentMd":"a","content_md":"b"}',
    '{"collection":"open","key":"first","unknown":{"a":1,"a":2}}',
    '{"collection":"open","key":"first","unknown":[{"a":1,"\\u0061":2}]}',
  ];
  test.each(named(variantsOf(...jsonEncodings)).flatMap(([label, variant]) => twice.map((text) => [text, label, variant] as const)))("%s is REQUEST_MALFORMED over %s", async (text, _label, variant) => {
    const method = { "connect-get": "Get", "connect-json": "Add", "rest": "Update" }[variant.encoding as "rest"];
    // The REST route of Update names the object in its path; the other one does not.
    const { reason, http } = await world.send(variant, `DocumentService/${method}`, { collection: "open", key: "first" }, { credential: insider, payload: Buffer.from(text) }, (encoded) => (variant.encoding === "rest" ? { ...encoded, verb: "POST", path: "/v1/update" } : encoded));
    // To Get the text of a document is unknown, and unknown names have no second spelling.
    expect([reason, Buffer.from(http.body).includes("shut")]).toEqual([method === "Get" && text.includes("content_md") ? "-" : "REQUEST_MALFORMED", false]);
  });

  test.each(named(variantsOf(...binaryEncodings)))("is decided and read alike over %s", async (_label, variant) => {
    for (const [first, last, reason] of [["open", "shut", "PERMISSION_MISSING"], ["shut", "open", "-"]] as const) {
      const payload = Buffer.concat([tagged(1, Buffer.from(first)), tagged(1, Buffer.from(last)), tagged(2, Buffer.from("first"))]);
      const answer = await world.send(variant, "DocumentService/Get", {}, { credential: insider, payload });
      expect(answer.reason).toBe(reason);
      if (reason === "-") expect(answer.messages[0]!["document"]).toMatchObject({ collection: "open" });
    }
  });

  test.each(named(variantsOf("rest")))("in path and body, the path counts over %s", async (_label, variant) => {
    for (const body of ['{"collection":"open","key":"first","contentMd":"taken"}', '{"key":"x","contentMd":"taken","\\u0063ollection":"open"}']) {
      const { reason } = await world.send(variant, "DocumentService/Update", {}, { credential: insider, payload: Buffer.from(body) }, (encoded) => ({ ...encoded, path: "/v1/collections/shut/documents/first" }));
      expect(reason).toBe("PERMISSION_MISSING");
    }
    expect(await world.contents()).toBe(before);
  });
});

/** A field of wire type 2 (length, then bytes). */
function tagged(field: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Lists in lists, as the binary encoding of a ListValue has them. */
function nestedLists(depth: number): Buffer {
  const parts: Buffer[] = [];
  let length = 0;
  for (let level = 0; level < depth; level++) {
    // Value { list_value (6): ListValue { values (1): … } }, written from the inside outwards.
    const list = Buffer.concat([varint((6 << 3) | 2), varint(length)]);
    const value = Buffer.concat([varint((1 << 3) | 2), varint(length + list.length)]);
    length += list.length + value.length;
    parts.push(list, value);
  }
  return Buffer.concat(parts.reverse());
}

const valid = Buffer.concat([tagged(1, Buffer.from("open")), tagged(2, Buffer.from("k"))]);

/** Protobuf for Add, with the reasons that refuse it. */
const binary: readonly (readonly [what: string, bytes: Buffer, reasons: readonly string[]])[] = [
  ["a message that ends within a field", valid.subarray(0, valid.length - 1), malformed],
  ["a length beyond the message", Buffer.from("0affffffff0f", "hex"), malformed],
  ["a negative length", Buffer.from("0affffffffffffffffff01", "hex"), malformed],
  ["a varint without end", Buffer.concat([valid, Buffer.alloc(64, 0xff)]), malformed],
  ["field number zero", Buffer.concat([valid, Buffer.from("0000", "hex")]), malformed],
  ["wire type 6", Buffer.concat([valid, Buffer.from("7e00", "hex")]), malformed],
  ["wire type 7", Buffer.concat([valid, Buffer.from("7f00", "hex")]), malformed],
  ["a group without end", Buffer.concat([valid, Buffer.from("7b", "hex")]), malformed],
  ["the end of no group", Buffer.concat([valid, Buffer.from("7c", "hex")]), malformed],
  ["the end of another group", Buffer.concat([valid, Buffer.from("7b84017c", "hex")]), malformed],
  ["a number where a text is", Buffer.concat([Buffer.from("0801", "hex"), tagged(2, Buffer.from("k"))]), either],
  ["a text where a truth is", Buffer.concat([valid, tagged(8, Buffer.from("\u0001\u0001"))]), [...either, "-"]],
  ["JSON", Buffer.from(`{${document}}`), malformed],
  ["noise", Buffer.from(Array.from({ length: 512 }, (_, index) => (index * 197 + 13) % 256)), malformed],
  ...depths.map((depth) => [`lists ${depth} deep in meta`, Buffer.concat([valid, tagged(4, Buffer.concat([tagged(1, Buffer.from("a")), tagged(2, nestedLists(depth))]))]), either] as const),
  ...depths.map((depth) => [`unknown groups ${depth} deep without end`, Buffer.concat([valid, Buffer.alloc(depth, 0x7b)]), malformed] as const),
];

describe("protobuf", () => {
  describe.each(named(variantsOf(...binaryEncodings)))("over %s", (_label, variant) => {
    test.each(binary)("%s is refused", async (_what, bytes, reasons) => {
      expect(reasons).toContain((await attack(variant, "Add", bytes)).reason);
      if (reasons.includes("-")) await world.send(connectJson, "DocumentService/Delete", { collection: "open", key: "k" }, { credential: world.admin });
    });

    test("changed nothing", async () => {
      expect((JSON.parse(await world.contents()) as unknown[])[1]).toEqual((JSON.parse(before) as unknown[])[1]);
    });

    test.each(depths)("whole unknown groups %i deep are ignored or unreadable", async (depth) => {
      const { reason } = await attack(variant, "Search", Buffer.concat([tagged(1, Buffer.from("open")), Buffer.alloc(depth, 0x7b), Buffer.alloc(depth, 0x7c)]));
      expect(["-", "REQUEST_MALFORMED"]).toContain(reason);
    });
  });
});

describe("batches", () => {
  const batch = (documents: JsonObject[]): JsonObject => ({ collection: "open", documents });
  const batches: readonly (readonly [what: string, request: JsonObject])[] = [
    ["no document", batch([])],
    ["1,001 documents", batch(Array.from({ length: 1_001 }, (_, index) => ({ key: `k${index}` })))],
    ["1,000 documents without a key", batch(Array.from({ length: 1_000 }, () => ({ key: "" })))],
    ["one bad document behind 999 good ones", batch([...Array.from({ length: 999 }, (_, index) => ({ key: `k${index}` })), { key: "" }])],
    ["one bad etag behind 999 good ones", batch([...Array.from({ length: 999 }, (_, index) => ({ key: `k${index}` })), { key: "first", etag: "another" }])],
  ];
  test.each(named(variantsOf("rest", "connect-json", ...binaryEncodings)).flatMap(([label, variant]) => batches.map(([what, request]) => [what, label, variant, request] as const)))("%s: none is added over %s", async (what, _label, variant, request) => {
    const payload = binaryEncodings.includes(variant.encoding) ? binaryOf(methodOf("DocumentService/AddBatch").desc.input, request) : Buffer.from(JSON.stringify(request));
    expect((await attack(variant, "AddBatch", payload)).reason).toBe(what.includes("etag") ? "ETAG_MISMATCH" : "FIELD_INVALID");
    expect((JSON.parse(await world.contents()) as unknown[])[1]).toEqual((JSON.parse(before) as unknown[])[1]);
  });
});

test("a mask of 1 MB is refused in few words", async () => {
  const { reason } = await attack(connectJson, "Update", Buffer.from(JSON.stringify({ collection: "open", key: "first", updateMask: "m".repeat(1024 * 1024) })));
  expect(reason).toBe("FIELD_INVALID");
});
