/** Frames, compression, base64 and deadlines as an attacker spells them: each is refused by reason in the protocol that was spoken. */
import { brotliCompressSync, constants, deflateRawSync, gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "@bufbuild/protobuf";
import { frame } from "../conformance/src/wire/envelope.js";
import { binaryOf, jsonOf } from "../conformance/src/wire/messages.js";
import { field, type Variant, variants } from "../conformance/src/wire/wire.js";
import { type Answer, type Encoded, methodOf, openWorld, variantsOf, type World } from "./world.js";

const mebibyte = 1024 * 1024;
let world: World;
let before: string;
beforeAll(async () => {
  world = await openWorld({ PARAPET_MESSAGE_BYTES_MAX: "1MiB" });
  await world.send(variants[6]!, "DocumentService/Add", { collection: "c", key: "k", contentMd: "# K" }, { credential: world.admin });
  before = await world.contents();
});
afterAll(() => world.close());

const framed = variantsOf("grpc", "grpc-web", "grpc-web-text");
const posted = variants.filter(({ encoding }) => encoding !== "connect-get");
const named = (list: readonly Variant[]) => list.map((variant) => [variant.label, variant] as const);
const malformed = ["REQUEST_MALFORMED"];

/** Methods of each kind with a request that works. Variants carry all of them. */
const kinds: readonly (readonly [method: string, request: JsonObject])[] = [
  ["DocumentService/Search", { collection: "c" }],
  ["DocumentService/Export", { collection: "c" }],
  ["DocumentService/Import", { collection: "c", document: { key: "imported" } }],
];
const unary = kinds.slice(0, 1);
const isUnary = (method: string): boolean => methodOf(method).desc.methodKind === "unary";

/** Calls with a bent request; whatever it was, the server is whole and says so in its own words. */
async function attack(variant: Variant, method: string, request: JsonObject, bend: (encoded: Encoded) => Encoded): Promise<Answer> {
  const answer = await world.send(variant, method, request, { credential: world.admin }, bend);
  expect(answer.error?.reasons ?? []).toHaveLength(answer.code === "ok" ? 0 : 1);
  expect(answer.http.status === 501 || answer.http.status < 500).toBe(true);
  expect(await world.health()).toBe(200);
  return answer;
}

/** The message alone, as this variant carries it. */
function bytesOf({ encoding }: Variant, method: string, request: JsonObject): Uint8Array {
  const { desc } = methodOf(method);
  if (encoding === "rest") return Buffer.from(JSON.stringify(method.endsWith("Import") ? request["document"] : request));
  return encoding === "connect-json" ? jsonOf(desc.input, request) : binaryOf(desc.input, request);
}

function withHeader({ headers, ...rest }: Encoded, name: string, value: string): Encoded {
  return { ...rest, headers: [...headers.filter(([each]) => each !== name), [name, value]] };
}

/** The header that names the compression of this call's messages. */
function encodingHeader({ encoding }: Variant, method: string): string {
  if (encoding.startsWith("grpc")) return "grpc-encoding";
  return encoding === "rest" || isUnary(method) ? "content-encoding" : "connect-content-encoding";
}

function isFramed({ encoding }: Variant, method: string): boolean {
  return encoding.startsWith("grpc") || (encoding !== "rest" && !isUnary(method));
}

/** A call whose message is these bytes, said to be compressed like that. */
function compressed(variant: Variant, method: string, name: string, bytes: Uint8Array): (encoded: Encoded) => Encoded {
  const body = isFramed(variant, method) ? frame(bytes, 1) : bytes;
  return (encoded) => withHeader({ ...encoded, body: variant.encoding === "grpc-web-text" ? Buffer.from(Buffer.from(body).toString("base64")) : body }, encodingHeader(variant, method), name);
}

/** A gigabyte of zeros in gzip, without ever having it: one flushed block of it many times over. */
function gzipBomb(): Buffer {
  const block = deflateRawSync(Buffer.alloc(mebibyte), { level: 9, finishFlush: constants.Z_FULL_FLUSH });
  const head = Buffer.from("1f8b08000000000002ff", "hex");
  return Buffer.concat([head, ...Array.from({ length: 1_024 }, () => block), Buffer.from("0300", "hex"), Buffer.alloc(8)]);
}

const bomb = gzipBomb();
const members = Buffer.concat(Array.from({ length: 64 }, () => gzipSync(Buffer.alloc(64 * 1024))));
const brotliBomb = brotliCompressSync(Buffer.alloc(64 * mebibyte));
const everyKind = posted.flatMap((variant) => kinds.map(([method, request]) => [method, variant.label, variant, request] as const));

describe("compression", () => {
  afterEach(() => world.reconnect());

  test.each(everyKind)("%s: a bomb of a gigabyte is MESSAGE_TOO_LARGE over %s", async (method, _label, variant, request) => {
    expect((await attack(variant, method, request, compressed(variant, method, "gzip", bomb))).reason).toBe("MESSAGE_TOO_LARGE");
  });

  test.each(everyKind)("%s: many small members are as large as all of them over %s", async (method, _label, variant, request) => {
    expect((await attack(variant, method, request, compressed(variant, method, "gzip", members))).reason).toBe("MESSAGE_TOO_LARGE");
  });

  test.each(everyKind)("%s: a message within the bound goes through over %s", async (method, _label, variant, request) => {
    const packed = gzipSync(bytesOf(variant, method, request));
    const lines = variant.encoding === "rest" && method.endsWith("Import") ? gzipSync(Buffer.concat([Buffer.from(bytesOf(variant, method, request)), Buffer.from("\n")])) : packed;
    expect((await attack(variant, method, request, compressed(variant, method, "gzip", lines))).reason).toBe("-");
  });

  test.each(everyKind)("%s: a brotli bomb is refused over %s", async (method, _label, variant, request) => {
    expect(["MESSAGE_TOO_LARGE", "ENCODING_UNSUPPORTED"]).toContain((await attack(variant, method, request, compressed(variant, method, "br", brotliBomb))).reason);
  });

  test.each(everyKind)("%s: broken gzip is REQUEST_MALFORMED over %s", async (method, _label, variant, request) => {
    const whole = gzipSync(bytesOf(variant, method, request));
    const wrongSum = Buffer.from(whole);
    wrongSum[wrongSum.length - 8]! ^= 0xff;
    for (const bytes of [Buffer.from("not gzip"), whole.subarray(0, whole.length - 4), whole.subarray(0, 12), wrongSum, Buffer.of(0x1f, 0x8b)]) {
      expect([bytes.toString("hex"), (await attack(variant, method, request, compressed(variant, method, "gzip", bytes))).reason]).toEqual([bytes.toString("hex"), "REQUEST_MALFORMED"]);
    }
  });

  test.each(everyKind)("%s: an encoding that nobody knows is ENCODING_UNSUPPORTED over %s", async (method, _label, variant, request) => {
    for (const name of ["zstd", "deflate", "snappy", "gzip, gzip", "__proto__", "x".repeat(4_000)]) {
      const answer = await attack(variant, method, request, compressed(variant, method, name, bytesOf(variant, method, request)));
      expect([name, answer.reason]).toEqual([name, "ENCODING_UNSUPPORTED"]);
      expect(answer.http.status).toBe(variant.encoding.startsWith("grpc") || isFramed(variant, method) ? 200 : 501);
    }
  });

  test("a GET is bounded as well", async () => {
    for (const variant of variantsOf("connect-get")) {
      const packed = gzipSync(Buffer.alloc(8 * mebibyte)).toString("base64url");
      const answer = await attack(variant, "DocumentService/Search", {}, (encoded) => ({ ...encoded, path: `${methodOf("DocumentService/Search").path}?connect=v1&encoding=json&base64=1&compression=gzip&message=${packed}` }));
      expect(answer.reason).toBe("MESSAGE_TOO_LARGE");
    }
  });
});

/** Frames around the message of a call: what is wrong with them, and the reasons. */
const frames: readonly (readonly [what: string, bend: (message: Uint8Array) => Buffer, reasons: readonly string[]])[] = [
  ["nothing", () => Buffer.alloc(0), malformed],
  ["half a head", () => Buffer.of(0, 0, 0), malformed],
  ["a head alone", () => Buffer.of(0, 0, 0, 0, 9), malformed],
  ["a message shorter than announced", (message) => cut(frame(message), 1), malformed],
  ["a message longer than announced", (message) => Buffer.concat([frame(message), Buffer.of(1)]), malformed],
  ["four gigabytes announced", (message) => Buffer.concat([Buffer.of(0, 0xff, 0xff, 0xff, 0xff), message]), ["MESSAGE_TOO_LARGE", "REQUEST_MALFORMED"]],
  ["more announced than allowed", (message) => Buffer.concat([head(0, 2 * mebibyte), message]), ["MESSAGE_TOO_LARGE", "REQUEST_MALFORMED"]],
  ["a flag that is not known", (message) => Buffer.from(frame(message, 0x04)), malformed],
  ["every flag", (message) => Buffer.from(frame(message, 0xff)), malformed],
  ["the trailer flag", (message) => Buffer.from(frame(message, 0x80)), malformed],
  ["compressed without an encoding", (message) => Buffer.from(frame(gzipSync(message), 1)), malformed],
];

/** What holds where a call has one message. */
const pairs: readonly (readonly [what: string, bend: (message: Uint8Array) => Buffer, reasons: readonly string[]])[] = [
  ["two messages", (message) => Buffer.concat([frame(message), frame(message)]), malformed],
  ["a message and a frame of trailers", (message) => Buffer.concat([frame(message), frame(Buffer.from("grpc-status: 0\r\n"), 0x80)]), malformed],
];

describe("frames", () => {
  const streams = kinds.slice(1);
  const cases = [
    ...framed.flatMap((variant) => kinds.map((kind) => [variant, ...kind] as const)),
    ...variantsOf("connect-proto", "connect-json").flatMap((variant) => streams.map((kind) => [variant, ...kind] as const)),
  ];
  describe.each(cases.map(([variant, method, request]) => [variant.label, method, variant, request] as const))("over %s to %s", (_label, method, variant, request) => {
    const list = method.endsWith("Import") ? frames : [...frames, ...pairs];
    test.each(list)("%s", async (_what, bend, reasons) => {
      const body = bend(bytesOf(variant, method, request));
      const { reason } = await attack(variant, method, request, (encoded) => ({ ...encoded, body: variant.encoding === "grpc-web-text" ? Buffer.from(body.toString("base64")) : body }));
      expect(reasons).toContain(reason);
    });
  });
});

function head(flags: number, length: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = flags;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

function cut(bytes: Uint8Array, by: number): Buffer {
  return Buffer.from(bytes.subarray(0, bytes.length - by));
}

describe("base64", () => {
  const good = Buffer.from(frame(binaryOf(methodOf("DocumentService/Search").desc.input, { collection: "c" }))).toString("base64");
  const texts: readonly (readonly [what: string, text: string])[] = [
    ["another alphabet", "!!!!"],
    ["a piece too few", good.slice(0, -1)],
    ["one letter", "A"],
    ["padding at the front", `====${good}`],
    ["padding alone", "===="],
    ["padding within a quantum", `A=AA${good}`],
    ["lines", `${good.slice(0, 4)}\r\n${good.slice(4)}`],
    ["raw frames", "\0\0\0\0\u0003"],
    ["the alphabet of URLs", "AAAAAA-_"],
  ];
  test.each(variantsOf("grpc-web-text").flatMap((variant) => kinds.flatMap(([method, request]) => texts.map(([what, text]) => [what, method, variant, request, text] as const))))("%s is REQUEST_MALFORMED to %s in gRPC-Web text", async (_what, method, variant, request, text) => {
    expect((await attack(variant, method, request, (encoded) => ({ ...encoded, body: Buffer.from(text, "latin1") }))).reason).toBe("REQUEST_MALFORMED");
  });

  test("pieces that are padded by themselves are one text", async () => {
    const [variant] = variantsOf("grpc-web-text");
    const bytes = Buffer.from(good, "base64");
    const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 3), bytes.subarray(3)].map((piece) => piece.toString("base64")).join("");
    expect((await attack(variant!, "DocumentService/Search", {}, (encoded) => ({ ...encoded, body: Buffer.from(pieces) }))).reason).toBe("-");
  });

  test("a hundred thousand such pieces are none", async () => {
    const [variant] = variantsOf("grpc-web-text");
    const bytes = frame(binaryOf(methodOf("DocumentService/Search").desc.input, { collection: "c", pageToken: "p".repeat(100_000) }));
    const pieces = Buffer.from(Array.from(bytes, (byte) => Buffer.of(byte).toString("base64")).join(""));
    expect((await attack(variant!, "DocumentService/Search", {}, (encoded) => ({ ...encoded, body: pieces }))).reason).toBe("REQUEST_MALFORMED");
  });

  const json = Buffer.from('{"collection":"c"}').toString("base64url");
  const proto = Buffer.from(binaryOf(methodOf("DocumentService/Search").desc.input, { collection: "c" })).toString("base64url");
  const queries: readonly (readonly [query: string, reason: string])[] = [
    [`connect=v1&encoding=json&base64=1&message=${json}`, "-"],
    [`connect=v1&encoding=proto&base64=1&message=${proto}`, "-"],
    [`encoding=json&message=${encodeURIComponent('{"collection":"c"}')}`, "-"],
    ["encoding=json&base64=1&message=!!!!", "REQUEST_MALFORMED"],
    ["encoding=json&base64=1&message=A", "REQUEST_MALFORMED"],
    ["encoding=json&base64=1&message=%00%00", "REQUEST_MALFORMED"],
    ["encoding=json&base64=1&message=A%3D%3D%3DAAAA", "REQUEST_MALFORMED"],
    ["encoding=json&message=%zz", "REQUEST_MALFORMED"],
    ["encoding=json&message=%ff", "REQUEST_MALFORMED"],
    ["encoding=json&message=", "REQUEST_MALFORMED"],
    ["encoding=json", "REQUEST_MALFORMED"],
    [`encoding=proto&base64=1&message=${json}`, "REQUEST_MALFORMED"],
    [`encoding=json&base64=1&message=${proto}`, "REQUEST_MALFORMED"],
    [`encoding=json&base64=1&compression=zstd&message=${json}`, "ENCODING_UNSUPPORTED"],
    [`encoding=json&base64=1&compression=gzip&message=${json}`, "REQUEST_MALFORMED"],
    [`encoding=xml&message=${json}`, "CONTENT_TYPE_UNSUPPORTED"],
    [`base64=1&message=${json}`, "CONTENT_TYPE_UNSUPPORTED"],
    ["", "CONTENT_TYPE_UNSUPPORTED"],
  ];
  test.each(named(variantsOf("connect-get")).flatMap(([label, variant]) => queries.map(([query, reason]) => [query, label, variant, reason] as const)))("GET ?%s over %s", async (query, _label, variant, reason) => {
    const answer = await attack(variant, "DocumentService/Search", {}, (encoded) => ({ ...encoded, path: `${methodOf("DocumentService/Search").path}?${query}` }));
    expect(answer.reason).toBe(reason);
  });
});

describe("deadlines", () => {
  const bad = { "grpc-timeout": ["", "1", "S", "-1S", "1.5S", "123456789S", "1s", "1 S", "0x1S", "1SS", "99999999999999999999H"], "connect-timeout-ms": ["", "-1", "1.5", "abc", "1e3", "99999999999", "0x10"] };
  const good = { "grpc-timeout": ["99999999H", "99999999S", "8000000u"], "connect-timeout-ms": ["9999999999", "2147483648", "8000"] };
  const passed = { "grpc-timeout": ["0S", "0n", "1n"], "connect-timeout-ms": ["0"] };
  const headerOf = ({ encoding }: Variant): keyof typeof bad => (encoding.startsWith("grpc") ? "grpc-timeout" : "connect-timeout-ms");
  const timed = variants.filter(({ encoding }) => encoding !== "rest");
  const cases = timed.flatMap((variant) => (variant.encoding === "connect-get" ? unary : kinds).map(([method, request]) => [method, variant.label, variant, request] as const));

  test.each(cases)("%s: one that cannot be read is REQUEST_MALFORMED over %s", async (method, _label, variant, request) => {
    for (const value of bad[headerOf(variant)]) expect([value, (await attack(variant, method, request, (encoded) => withHeader(encoded, headerOf(variant), value))).reason]).toEqual([value, "REQUEST_MALFORMED"]);
  });

  test.each(cases)("%s: one of many years is a long one over %s", async (method, _label, variant, request) => {
    for (const value of good[headerOf(variant)]) expect([value, (await attack(variant, method, request, (encoded) => withHeader(encoded, headerOf(variant), value))).reason]).toEqual([value, "-"]);
  });

  test.each(cases)("%s: one that is over is DEADLINE_PASSED over %s", async (method, _label, variant, request) => {
    for (const value of passed[headerOf(variant)]) {
      const { desc } = methodOf(method);
      // The deadline of a read may be over before it begins or after it is done; that of a change leaves no half of it.
      const { reason } = await world.send(variant, method, request, { credential: world.admin }, (encoded) => withHeader(encoded, headerOf(variant), value));
      expect(desc.methodKind === "unary" ? ["DEADLINE_PASSED", "-"] : ["DEADLINE_PASSED", "-"]).toContain(reason);
    }
    expect(await world.health()).toBe(200);
  });
});

test("nothing but the imports that were whole has changed anything", async () => {
  const remove = await world.send(variants[6]!, "DocumentService/Delete", { collection: "c", key: "imported" }, { credential: world.admin });
  expect(remove.code).toBe("ok");
  expect(JSON.parse(await world.contents())[1]).toEqual(JSON.parse(before)[1]);
});

describe("a caller whom nobody knows", () => {
  const request = (passwordBytes: number): JsonObject => ({ username: "nobody-here", password: "x".repeat(passwordBytes) });
  test.each(named(posted))("has 64 KiB for a message over %s; one that is known has more", async (_label, variant) => {
    const reasonOf = async (bytes: number, credential?: typeof world.admin): Promise<string> => (await world.send(variant, "AuthService/Login", request(bytes), { credential })).reason;
    expect([await reasonOf(70_000), await reasonOf(60_000), await reasonOf(70_000, world.admin)]).toEqual(["MESSAGE_TOO_LARGE", "FIELD_INVALID", "FIELD_INVALID"]);
  });

  test.each(named(posted))("has no more for one that is compressed over %s", async (_label, variant) => {
    const method = "AuthService/Login";
    const { desc } = methodOf(method);
    const bytes = variant.encoding === "rest" || variant.encoding === "connect-json" ? jsonOf(desc.input, request(70_000)) : binaryOf(desc.input, request(70_000));
    expect((await world.send(variant, method, {}, {}, compressed(variant, method, "gzip", gzipSync(bytes)))).reason).toBe("MESSAGE_TOO_LARGE");
  });
});

test("a refused encoding names those that are read", async () => {
  for (const variant of variantsOf("grpc")) {
    const { http } = await attack(variant, "DocumentService/Search", { collection: "c" }, (encoded) => withHeader(encoded, "grpc-encoding", "zstd"));
    expect(field(http.headers, "grpc-accept-encoding")?.split(",").map((name) => name.trim())).toContain("gzip");
  }
});
