/** Messages that would take much time and memory for few bytes, on every protocol, in unary calls and streams: they are refused before they are read. */
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { frame } from "../conformance/src/wire/envelope.js";
import type { Variant } from "../conformance/src/wire/wire.js";
import { jsonDepthMax, messageFieldsMax } from "../server/src/limits.js";
import { binaryEncodings, openWorld, variantsOf, type World } from "./world.js";

let world: World;
beforeAll(async () => {
  world = await openWorld();
}, 60_000);
afterAll(() => world.close());

const unbounded = ["REQUEST_MALFORMED", "the message has too many fields and values, or too deep ones"];
const refusal = async (variant: Variant, method: string, payload: Uint8Array, gzip = false): Promise<unknown> => {
  const { reason, error } = await world.send(variant, `DocumentService/${method}`, { collection: "open" }, { credential: world.admin, payload, gzip });
  return [reason, error?.message];
};

/** A field of wire type 2, as often as is said. */
const field = (number: number, bytes: Uint8Array, times = 1): Buffer => Buffer.alloc(times * (2 + bytes.length), Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]));
const long = (number: number, bytes: Buffer): Buffer => {
  const length = [bytes.length & 0x7f | 0x80, (bytes.length >> 7) & 0x7f | 0x80, (bytes.length >> 14) & 0x7f | 0x80, bytes.length >> 21];
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
};
const open = field(1, Buffer.from("open"));
const nothing = Buffer.alloc(0);

/** Of what no message may have so many. */
const binary = (times: number): readonly (readonly [what: string, method: string, payload: Buffer])[] => [
  ["unknown numbers", "Search", Buffer.concat([open, Buffer.alloc(2 * times, Buffer.from([0x78, 0]))])],
  ["unknown texts", "Search", Buffer.concat([open, field(15, nothing, times)])],
  ["unknown groups", "Search", Buffer.concat([open, Buffer.alloc(2 * times, Buffer.from([0x7b, 0x7c]))])],
  ["fields of one unknown group", "Search", Buffer.concat([open, Buffer.from([0x7b]), Buffer.alloc(2 * times, Buffer.from([0x78, 0])), Buffer.from([0x7c])])],
  ["collections", "Search", field(1, Buffer.from("open"), times + 1)],
  ["empty documents", "AddBatch", Buffer.concat([open, field(2, nothing, times)])],
  ["fields of one document", "AddBatch", Buffer.concat([open, long(2, field(15, nothing, times))])],
  ["names of meta data", "Add", Buffer.concat([open, field(4, nothing, times)])],
  ["values of one name", "Add", Buffer.concat([open, long(4, long(2, field(1, nothing, times)))])],
  ["lifetimes", "Add", Buffer.concat([open, field(6, nothing, times)])],
  ["unknown fields ahead of an export", "Export", Buffer.concat([open, field(15, nothing, times)])],
  ["unknown fields in the first document of an import", "Import", Buffer.concat([open, field(15, nothing, times)])],
];

describe("protobuf", () => {
  const cases = variantsOf(...binaryEncodings).flatMap((variant) => binary(messageFieldsMax).map(([what, method, payload]) => [what, variant.label, variant, method, payload] as const));
  test.each(cases)("too many %s are not read over %s", async (_what, _label, variant, method, payload) => {
    expect(await refusal(variant, method, payload)).toEqual(unbounded);
    expect(await world.health()).toBe(200);
  });

  test.each(cases.filter(([, , { encoding }]) => encoding === "grpc" || encoding === "connect-proto"))("too many %s are not read where they are compressed over %s", async (_what, _label, variant, method, payload) => {
    expect(await refusal(variant, method, gzipSync(payload), true)).toEqual(unbounded);
  });

  test.each(variantsOf(...binaryEncodings).map((variant) => [variant.label, variant] as const))("as many as may be are read over %s", async (_label, variant) => {
    for (const [what, method, payload] of binary(messageFieldsMax / 2)) {
      const [reason] = (await refusal(variant, method, payload)) as [string];
      // Rules of the fields come behind it.
      expect([what, ["-", "FIELD_INVALID"].includes(reason)]).toEqual([what, true]);
    }
  });

  test.each(variantsOf(...binaryEncodings).map((variant) => [variant.label, variant] as const))("a field that is not written as its type is does not get past the count over %s", async (_label, variant) => {
    // The collection as a number: a reader that takes it for a text loses count of what follows.
    const payload = Buffer.concat([Buffer.from([0x08, 0]), Buffer.alloc(2 * messageFieldsMax, Buffer.from([0x78, 0]))]);
    expect(await refusal(variant, "Search", payload)).toEqual(["REQUEST_MALFORMED", "the request does not fit its message"]);
  });
});

const list = (times: number, one: string): string => `[${`${one},`.repeat(times - 1)}${one}]`;
const deep = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;
const swollen: readonly (readonly [what: string, json: string])[] = [
  ["lists in one another", deep(jsonDepthMax + 1)],
  ["lists", list(messageFieldsMax, "[]")],
  ["objects", list(messageFieldsMax, "{}")],
  ["members", `{${list(messageFieldsMax, '"a":1').slice(1, -1)}}`],
  ["texts", list(messageFieldsMax, '""')],
  ["numbers", list(4 * messageFieldsMax, "1")],
];

describe("JSON", () => {
  const cases = variantsOf("connect-json", "rest").flatMap((variant) => swollen.map(([what, json]) => [what, variant.label, variant, json] as const));
  test.each(cases)("too many %s are not read over %s", async (_what, _label, variant, json) => {
    const payload = Buffer.from(`{"collection":"open","key":"k","unknown":${json}}`);
    expect(await refusal(variant, "Add", payload)).toEqual(unbounded);
    expect(await world.health()).toBe(200);
  });

  test.each(cases.filter(([, , { encoding }]) => encoding !== "rest"))("too many %s are not read ahead of a stream over %s", async (_what, _label, variant, json) => {
    const payload = Buffer.from(`{"collection":"open","unknown":${json}}`);
    expect(await refusal(variant, "Export", payload)).toEqual(unbounded);
    expect(await refusal(variant, "Export", gzipSync(payload), true)).toEqual(unbounded);
  });

  test.each(cases)("too many %s are not read within a stream over %s", async (_what, _label, variant, json) => {
    const second = `{"document":{"key":"b","unknown":${json}}}`;
    const isRest = variant.encoding === "rest";
    const { reason, error } = await world.send(variant, "DocumentService/Import", { collection: "open" }, { credential: world.admin }, (encoded) => ({
      ...encoded,
      body: isRest ? Buffer.from(`{"key":"a"}\n${second.slice('{"document":'.length, -1)}\n`) : Buffer.concat([frame(Buffer.from('{"collection":"open","document":{"key":"a"}}')), frame(Buffer.from(second))]),
    }));
    expect([reason, error?.message]).toEqual([unbounded[0], isRest ? `line 2: ${unbounded[1]}` : unbounded[1]]);
  });

  test.each(variantsOf("connect-json", "rest").map((variant) => [variant.label, variant] as const))("as many as may be are read over %s", async (_label, variant) => {
    for (const json of [deep(5_000), list(messageFieldsMax / 2, "{}"), list(messageFieldsMax / 2, '""'), list(3 * messageFieldsMax, "1")]) {
      expect(await refusal(variant, "Search", Buffer.from(`{"collection":"open","unknown":${json}}`))).toEqual(["-", undefined]);
    }
  });
});

describe("a list with more items than its rule allows", () => {
  const documents = messageFieldsMax / 2;
  test.each(variantsOf("rest", "connect-json", ...binaryEncodings).map((variant) => [variant.label, variant] as const))("is told as that alone over %s: its items are not looked at", async (_label, variant) => {
    const payload = binaryEncodings.includes(variant.encoding) ? field(2, nothing, documents) : Buffer.from(`{"documents":${list(documents, "{}")}}`);
    const { reason, error } = await world.send(variant, "DocumentService/AddBatch", {}, { credential: world.admin, payload });
    expect(reason).toBe("FIELD_INVALID");
    expect(error?.message).toBe("documents: must contain no more than 1000 item(s)");
    expect(error?.metadata).toEqual({ field: "documents" });
  });
});
