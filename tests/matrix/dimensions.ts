/** The dimensions of the matrix: each a table of values, each value a change to a call. */
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { methodOf } from "../../conformance/src/contract.js";
import { bent, type Draft, draftOf, gzip, messageOf, type Shape, withHeaders } from "./draft.js";
import type { Delivery } from "./exchanged.js";
import { callers, messageBytesMax } from "./pair.js";

/** One value: its name, and what it makes of a call; undefined where the shape cannot have it. */
export type Value = readonly [name: string, apply: (draft: Draft, shape: Shape) => Draft | undefined];

/** Values to choose one of. */
export type Dimension = readonly Value[];

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const json = (text: string): Buffer => Buffer.from(text);

/** A start: a method with a request. */
export const call = (name: string, method: string, request: Parameters<typeof draftOf>[1]): Value => [name, (draft, shape) => {
  const contract = methodOf(method);
  return shape.get && contract.sideEffects ? undefined : { ...draftOf(contract, request), requestId: draft.requestId };
}];

const get = { collection: "docs", key: "first", lang: "en" };

/** Calls of every kind: public, of a principal, of a right; found and not; large; that change something. */
export const calls: Dimension = [
  call("get", "DocumentService/Get", get),
  call("get-absent", "DocumentService/Get", { collection: "docs", key: "absent" }),
  call("get-elsewhere", "DocumentService/Get", { collection: "nowhere", key: "k" }),
  call("get-big", "DocumentService/Get", { collection: "docs", key: "big" }),
  call("get-nothing", "DocumentService/Get", {}),
  call("search", "DocumentService/Search", { collection: "docs", limit: 2, sort: "key", asc: true }),
  call("checksum", "DocumentService/GetChecksum", { collection: "docs" }),
  call("me", "AuthService/GetMe", {}),
  call("users", "AuthService/ListUsers", {}),
  call("health", "SystemService/GetHealth", {}),
  call("capabilities", "SystemService/GetCapabilities", {}),
  call("compliance", "SystemService/GetComplianceStatus", {}),
  call("add", "DocumentService/Add", { collection: "docs", key: "added", contentMd: "# A: 100 %", meta: { tag: ["x"] } }),
  call("add-conditional", "DocumentService/Add", { collection: "docs", key: "conditional", etag: "not-there" }),
  call("add-again", "DocumentService/Add", { collection: "docs", key: "first", lang: "en", createOnly: true }),
  call("delete-absent", "DocumentService/Delete", { collection: "docs", key: "absent-ü%: 1" }),
  call("permission", "AuthService/SetPermission", { username: "ghost", collection: "docs", read: true }),
];

/** A call that shows what the body of its answer went through. */
export const readingCalls: Dimension = [call("get", "DocumentService/Get", get), call("get-big", "DocumentService/Get", { collection: "docs", key: "big" })];
/** One call of each kind of method that may be sent broken. */
export const brokenCalls: Dimension = [call("get", "DocumentService/Get", get), call("add", "DocumentService/Add", { collection: "docs", key: "broken", contentMd: "# B" })];
/** Logins that succeed and fail. */
export const logins: Dimension = [
  call("login", "AuthService/Login", { username: "writer", password: "correct horse battery staple" }),
  call("login-wrong", "AuthService/Login", { username: "writer", password: "wrong" }),
  call("login-unknown", "AuthService/Login", { username: "nobody-of-that-name", password: "wrong" }),
];

/** Who calls. */
export const everybody: Dimension = callers.map((caller) => [caller, (draft) => bent(draft, { caller })]);
const only = (...names: readonly (typeof callers)[number][]): Dimension => everybody.filter(([name]) => names.includes(name as (typeof callers)[number]));
/** A caller who may, and one who has no credential. */
export const writerOrNobody: Dimension = only("writer", "nobody");
/** A caller who may read and write. */
export const writer: Dimension = only("writer");
/** Callers that a login finds with and without a credential of their own. */
export const beforeLogin: Dimension = only("nobody", "forger");

/** How a body goes out. */
export const deliveries: Dimension = (["declared", "undeclared", "torn"] satisfies Delivery[]).map((delivery): Value => [delivery, (draft) => bent(draft, { delivery })]);

const proto = (name: string, bytes: string): Value => [name, (draft, { form }) => (form === "proto" ? bent(draft, { message: hex(bytes) }) : undefined)];
const text = (name: string, message: string | Buffer): Value => [name, (draft, { form }) => (form === "json" ? bent(draft, { message: Buffer.from(message) }) : undefined)];
const around = (name: string, before: Buffer, after: Buffer): Value => [name, (draft, shape) => bent(draft, { message: Buffer.concat([before, messageOf(shape, draft), after]) })];

/** What is in a message. */
export const messages: Dimension = [
  ["as-it-should-be", (draft) => draft],
  ["of-no-bytes", (draft) => bent(draft, { message: Buffer.alloc(0) })],
  ["cut", (draft, shape) => bent(draft, { message: messageOf(shape, draft).subarray(0, -2) })],
  ["of-zeros", (draft) => bent(draft, { message: Buffer.alloc(7) })],
  ["of-ones", (draft) => bent(draft, { message: Buffer.alloc(7, 255) })],
  proto("with-unknown-field", "0a04646f6373 12056669727374 1a02656e f2d30603616263"),
  proto("with-wrong-wire-type", "0a04646f6373 1005"),
  proto("with-text-that-is-not-utf8", "0a04646f6373 1203ff80fe"),
  proto("with-a-group", "0a04646f6373 12056669727374 2b 2c"),
  proto("with-an-open-group", "0a04646f6373 12056669727374 2b"),
  proto("with-a-field-twice", "0a0178 0a04646f6373 12056669727374 1a02656e"),
  proto("with-field-zero", "00 00"),
  proto("with-a-wire-type-that-is-none", "0a04646f6373 1f"),
  proto("with-a-long-number", "0aff ffff ffff ffff ffff ff01"),
  proto("with-a-length-beyond-the-end", "0a7f646f6373"),
  text("null", "null"),
  text("of-empty-text", '""'),
  text("a-list", "[]"),
  text("a-number", "1"),
  text("empty-object", "{}"),
  text("with-unknown-field", '{"collection":"docs","key":"first","lang":"en","more":{"deep":[1]}}'),
  text("with-a-field-twice", '{"collection":"x","collection":"docs","key":"first","lang":"en"}'),
  text("with-wrong-type", '{"collection":"docs","key":5}'),
  text("with-null-field", '{"collection":"docs","key":"first","lang":null}'),
  text("with-original-names", '{"collection":"docs","key":"first","lang":"en","content_md":"x"}'),
  text("with-text-that-is-not-utf8", Buffer.concat([json('{"collection":"docs","key":"'), hex("ff80fe"), json('"}')])),
  text("with-half-a-surrogate", String.raw`{"collection":"docs","key":"\ud800"}`),
  text("with-nul", String.raw`{"collection":"docs","key":"a\u0000b"}`),
  text("with-prototype", '{"__proto__":{"key":"first"},"collection":"docs","key":"first","lang":"en"}'),
  text("deep", `{"collection":"docs","key":"first","meta":{"a":${"[".repeat(3_000)}${"]".repeat(3_000)}}}`),
  text("too-deep", `{"collection":"docs","key":"first","unknown":${"[".repeat(12_000)}${"]".repeat(12_000)}}`),
  text("single-quoted", "{'collection':'docs'}"),
  text("with-a-comment", '{"collection":"docs"/* */}'),
  text("nan", '{"collection":"docs","key":"first","lang":NaN}'),
  ...([["with-bom", hex("efbbbf"), Buffer.alloc(0)], ["in-blanks", json(" \r\n\t"), json(" \n")], ["with-more-behind", Buffer.alloc(0), json("{}")], ["with-nul-behind", Buffer.alloc(0), Buffer.alloc(1)]] as const).map(
    ([name, before, after]): Value => {
      const value = around(name, before, after);
      return [name, (draft, shape) => (shape.form === "json" ? value[1](draft, shape) : undefined)];
    },
  ),
];

const framed = (name: string, change: (draft: Draft) => Partial<Draft>): Value => [name, (draft, shape) => (shape.framed ? bent(draft, change(draft)) : undefined)];
const flags = (...all: readonly number[]): Value[] => all.map((flag) => framed(`flag-${flag.toString(16)}`, () => ({ flags: flag })));

/** What is around a message. */
export const frameForms: Dimension = [
  ["whole", (draft) => draft],
  framed("no-frame", () => ({ bend: () => Buffer.alloc(0) })),
  framed("part-of-a-head", () => ({ bend: (body) => body.subarray(0, 3) })),
  framed("head-alone", () => ({ bend: (body) => body.subarray(0, 5) })),
  framed("cut", () => ({ bend: (body) => body.subarray(0, -1) })),
  framed("one-byte-more", () => ({ bend: (body) => Buffer.concat([body, Buffer.alloc(1)]) })),
  framed("twice", () => ({ bend: (body) => Buffer.concat([body, body]) })),
  framed("twice-the-second-cut", () => ({ bend: (body) => Buffer.concat([body, body.subarray(0, -3)]) })),
  framed("and-an-empty-one", () => ({ bend: (body) => Buffer.concat([body, Buffer.alloc(5)]) })),
  framed("after-an-empty-one", () => ({ bend: (body) => Buffer.concat([Buffer.alloc(5), body]) })),
  framed("and-trailers", () => ({ bend: (body) => Buffer.concat([body, hex("80 00000010"), json("grpc-status: 0\r\n")]) })),
  framed("trailers-alone", () => ({ bend: () => Buffer.concat([hex("80 00000010"), json("grpc-status: 0\r\n")]) })),
  framed("announced-too-large", () => ({ bend: (body) => Buffer.concat([hex("00 00010001"), body.subarray(5)]) })),
  framed("announced-as-4-gib", () => ({ bend: (body) => Buffer.concat([hex("00 ffffffff"), body.subarray(5)]) })),
  ...flags(0x01, 0x02, 0x03, 0x04, 0x40, 0x80, 0x81, 0xff),
];

const spelled = (name: string, respell: (text: string) => string): Value => [name, (draft, shape) => (shape.text ? bent(draft, { respell }) : undefined)];

/** How base64 is written, where the whole body is base64. */
export const base64Forms: Dimension = [
  spelled("one-piece", (given) => given),
  spelled("padded-pieces", (given) => Buffer.from(given, "base64").reduce((all, byte) => all + Buffer.of(byte).toString("base64"), "")),
  spelled("head-and-message-apart", (given) => Buffer.from(given, "base64").subarray(0, 5).toString("base64") + Buffer.from(given, "base64").subarray(5).toString("base64")),
  spelled("without-padding", (given) => given.replace(/=+$/, "")),
  spelled("padded-too-much", (given) => `${given}====`),
  spelled("padding-in-front", (given) => `=${given}`),
  spelled("one-character-short", (given) => given.slice(0, -1)),
  spelled("with-line-ends", (given) => given.replaceAll(/(.{8})/g, "$1\r\n")),
  spelled("for-urls", (given) => `${given.slice(0, 4)}-_${given.slice(6)}`),
  spelled("with-a-stranger", (given) => `${given.slice(0, 4)}!${given.slice(5)}`),
  spelled("of-nothing", () => ""),
  spelled("not-text", () => "\u00ff\u0000\u0080\u0001"),
];

const packed = (name: string, label: string | undefined, pack: (message: Buffer) => Buffer, flag: number): Value => [
  name,
  (draft, shape) => {
    const changed = bent(draft, { pack, flags: flag, ...(shape.get && label !== undefined ? { query: { ...draft.query, compression: label } } : {}) });
    return label === undefined || shape.get ? changed : withHeaders(changed, [shape.encodingHeader, label]);
  },
];
const plain = (message: Buffer): Buffer => message;

/** How the message is compressed, and what the call says of it. */
export const encodings: Dimension = [
  packed("not-compressed", undefined, plain, 0),
  packed("identity", "identity", plain, 0),
  packed("gzip", "gzip", gzip, 1),
  packed("gzip-not-flagged", "gzip", plain, 0),
  packed("gzip-of-nothing", "gzip", () => Buffer.alloc(0), 1),
  packed("gzip-that-is-none", "gzip", plain, 1),
  packed("gzip-cut", "gzip", (message) => gzip(message).subarray(0, -4), 1),
  packed("gzip-cut-early", "gzip", (message) => gzip(message).subarray(0, 12), 1),
  packed("gzip-corrupt", "gzip", (message) => Buffer.from(gzip(message).map((byte, index, all) => (index === all.length - 7 ? byte ^ 0xff : byte))), 1),
  packed("gzip-and-more", "gzip", (message) => Buffer.concat([gzip(message), Buffer.from("more")]), 1),
  packed("gzip-in-two-members", "gzip", (message) => Buffer.concat([gzip(message.subarray(0, 3)), gzip(message.subarray(3))]), 1),
  packed("gzip-of-too-much", "gzip", (message) => gzipSync(Buffer.concat([message, Buffer.alloc(messageBytesMax)])), 1),
  packed("zlib-as-gzip", "gzip", (message) => deflateSync(message), 1),
  packed("brotli", "br", (message) => brotliCompressSync(message), 1),
  packed("brotli-that-is-none", "br", plain, 1),
  packed("brotli-of-nothing", "br", () => Buffer.alloc(0), 1),
  packed("brotli-cut", "br", (message) => brotliCompressSync(message).subarray(0, -2), 1),
  packed("brotli-and-more", "br", (message) => Buffer.concat([brotliCompressSync(message), Buffer.from("more")]), 1),
  packed("brotli-of-too-much", "br", (message) => brotliCompressSync(Buffer.concat([message, Buffer.alloc(messageBytesMax)])), 1),
  packed("brotli-not-flagged", "br", plain, 0),
  packed("of-a-name-that-objects-have", "constructor", plain, 1),
  packed("deflate", "deflate", (message) => deflateSync(message), 1),
  packed("unheard-of", "snappy-x", plain, 1),
  packed("in-capitals", "GZIP", gzip, 1),
  packed("of-no-name", "", plain, 0),
  packed("two-names", "gzip, gzip", (message) => gzip(gzip(message)), 1),
  packed("compressed-without-a-word", undefined, gzip, 1),
  packed("identity-and-flagged", "identity", plain, 1),
];

const accepting = (name: string, ...lists: readonly string[]): Value => [name, (draft, shape) => withHeaders(draft, ...lists.map((list) => [shape.acceptHeader, list] as const))];

/** Which compressions of the answer the caller takes. */
export const accepts: Dimension = [
  accepting("no-list"),
  accepting("empty-list", ""),
  accepting("identity", "identity"),
  accepting("gzip", "gzip"),
  accepting("brotli", "br"),
  accepting("gzip-or-brotli", "gzip,br"),
  accepting("brotli-or-gzip", "br, gzip"),
  accepting("identity-or-gzip", "identity, gzip"),
  accepting("a-name-that-objects-have", "constructor, br"),
  accepting("unheard-of-or-gzip", "snappy-x,deflate , gzip"),
  accepting("anything", "*"),
  accepting("gzip-never", "gzip;q=0"),
  accepting("gzip-weighted", "gzip;q=1.0, identity; q=0.5"),
  accepting("gzip-in-capitals", "GZIP"),
  accepting("only-commas", ",,"),
  accepting("on-two-lines", "identity", "gzip"),
];

const typed = (name: string, of: (type: string) => string): Value => [name, (draft, shape) => (shape.get ? undefined : bent(draft, { contentType: of(shape.contentType) }))];

/** How the content type is written. */
export const contentTypes: Dimension = [
  typed("plain", (type) => type),
  typed("with-charset", (type) => `${type}; charset=utf-8`),
  typed("with-tight-charset", (type) => `${type};charset=UTF-8`),
  typed("with-latin-charset", (type) => `${type}; charset=iso-8859-1`),
  typed("with-parameter", (type) => `${type}; v=1`),
  typed("with-semicolon", (type) => `${type};`),
  typed("in-capitals", (type) => type.toUpperCase()),
  typed("with-blanks", (type) => `  ${type}  ;  charset=utf-8`),
  typed("with-subtype", (type) => (/\+|application\/(proto|json)$/.test(type) ? type : `${type}+proto`)),
  typed("with-json-subtype", (type) => type.replace(/\+proto$/, "").replace(/^(application\/grpc.*)$/, "$1+json")),
  typed("with-foreign-subtype", (type) => type.replace(/\+proto$/, "").replace(/^(application\/grpc.*)$/, "$1+thrift")),
  typed("twice", (type) => `${type}, ${type}`),
  typed("none", () => ""),
  typed("text", () => "text/plain"),
  typed("of-a-form", () => "application/x-www-form-urlencoded"),
  typed("of-a-stream", () => "application/connect+json"),
];
