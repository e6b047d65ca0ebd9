/** The dimensions of the matrix that are headers, verbs, paths and parameters rather than bodies. */
import { bent, withHeaders } from "./draft.js";
import type { Dimension, Value } from "./dimensions.js";
import type { Fields } from "./exchanged.js";

const header = (name: string, ...headers: Fields): Value => [name, (draft) => withHeaders(draft, ...headers)];
const timeout = (name: string, grpc: string, connect: string): Value => [name, (draft, shape) => withHeaders(draft, [shape.timeoutHeader, shape.timeoutHeader === "grpc-timeout" ? grpc : connect])];

/** How long the caller waits. Nothing between a few microseconds and seconds: what happens then would be a matter of luck. */
export const timeouts: Dimension = [
  ["for-ever", (draft) => draft],
  timeout("a-minute", "1M", "60000"),
  timeout("in-seconds", "60S", "60000"),
  timeout("in-milliseconds", "60000m", "060000"),
  timeout("in-microseconds", "60000000u", "0000060000"),
  timeout("zero", "0S", "0"),
  timeout("zero-often", "00000000n", "0000000000"),
  timeout("a-nanosecond", "1n", "0"),
  timeout("all-digits", "99999999H", "9999999999"),
  timeout("a-digit-too-many", "100000000n", "10000000000"),
  timeout("longer-than-a-timer", "2147483H", "4294967296"),
  timeout("without-unit-or-with", "1000", "1000m"),
  timeout("of-an-unknown-unit", "1s", "1S"),
  timeout("negative", "-1S", "-1"),
  timeout("with-sign", "+1S", "+1"),
  timeout("a-fraction", "1.5S", "1.5"),
  timeout("with-blank", "1 S", "1 0"),
  timeout("hexadecimal", "0x10S", "0x10"),
  timeout("empty", "", ""),
  timeout("words", "soon", "soon"),
  ["of-the-other-protocol", (draft, shape) => withHeaders(draft, shape.timeoutHeader === "grpc-timeout" ? ["connect-timeout-ms", "soon"] : ["grpc-timeout", "soon"])],
  ["twice", (draft, shape) => withHeaders(draft, [shape.timeoutHeader, shape.timeoutHeader === "grpc-timeout" ? "60S" : "60000"], [shape.timeoutHeader, shape.timeoutHeader === "grpc-timeout" ? "61S" : "61000"])],
];

/** Keys that make a call happen once. The matrix sends each call with each of them, in this order. */
export const idempotencyKeys: Dimension = [
  ["no-key", (draft) => draft],
  ["a-key", (draft) => withHeaders(draft, ["idempotency-key", `once-${draft.method.name.replace("/", "-")}-${draft.caller}`])],
  ["the-key-again", (draft) => withHeaders(draft, ["idempotency-key", `once-${draft.method.name.replace("/", "-")}-${draft.caller}`])],
  ["the-key-of-another-call", (draft) => withHeaders(draft, ["idempotency-key", "once-DocumentService-Add-writer"])],
  header("a-key-of-255", ["idempotency-key", "k".repeat(255)]),
  header("a-key-too-long", ["idempotency-key", "k".repeat(256)]),
  header("a-key-of-blanks", ["idempotency-key", "a b"]),
  header("an-empty-key", ["idempotency-key", ""]),
  header("two-keys", ["idempotency-key", "one"], ["idempotency-key", "two"]),
];

/** Conditions, which mean something on REST alone. */
export const conditions: Dimension = [["unconditional", (draft) => draft], header("if-match", ["if-match", '"x"']), header("if-none-match", ["if-none-match", "*"])];

/** Headers that a proxy, a browser, a library or a stranger adds. */
export const company: Dimension = [
  header("alone"),
  header("of-an-allowed-page", ["origin", "https://app.example"]),
  header("of-a-foreign-page", ["origin", "https://evil.example"]),
  header("traced", ["traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"]),
  header("of-an-agent", ["user-agent", "grpc-ünïx/1.0"]),
  header("disguised", ["x-user-id", "usr_admin"], ["x-http-method-override", "DELETE"], ["x-forwarded-for", "10.0.0.1"]),
  header("with-binary-metadata", ["trace-bin", "AAEC/w"], ["trace-bin", "!"]),
  header("with-foreign-encodings", ["grpc-encoding", "identity"], ["connect-content-encoding", "identity"], ["content-encoding", "identity"]),
  header("with-encodings-of-others", ["connect-content-encoding", "snappy-x"]),
  header("of-version-1", ["connect-protocol-version", "1"]),
  header("of-version-2", ["connect-protocol-version", "2"]),
  header("of-no-version", ["connect-protocol-version", ""]),
  header("of-two-versions", ["connect-protocol-version", "1"], ["connect-protocol-version", "1"]),
  header("fetched", ["accept", "text/html"], ["x-grpc-web", "1"], ["x-user-agent", "grpc-web-javascript/0.1"], ["cache-control", "max-age=9"], ["if-modified-since", "Thu, 01 Jan 2026 00:00:00 GMT"]),
  header("with-an-id-of-its-own", ["x-request-id", "twice-given"]),
  header("with-an-id-that-is-none", ["x-request-id", "no id at all"]),
  ["without-an-id", (draft) => bent(draft, { requestId: false })],
];

/** Verbs. */
export const verbs: Dimension = [
  ["usual", (draft) => draft],
  ...["POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"].map((verb): Value => [verb, (draft, { get }) => bent(draft, { verb, ...((verb === "GET" || verb === "HEAD") && !get ? { bend: () => Buffer.alloc(0) } : {}) })]),
];

/** Paths. */
export const paths: Dimension = [
  ["as-it-is", (draft) => draft],
  ["with-slash", (draft) => bent(draft, { path: (path) => `${path}/` })],
  ["doubled", (draft) => bent(draft, { path: (path) => `/${path}` })],
  ["in-small-letters", (draft) => bent(draft, { path: (path) => path.toLowerCase() })],
  ["of-no-method", (draft) => bent(draft, { path: (path) => `${path}x` })],
  ["escaped", (draft) => bent(draft, { path: (path) => path.replace("v1", "%761") })],
];

const asked = (name: string, change: Readonly<Record<string, string | undefined>>): Value => [name, (draft, { get }) => (get ? bent(draft, { query: { ...draft.query, ...change } }) : undefined)];
const rewritten = (name: string, respell: (query: string) => string): Value => [name, (draft, { get }) => (get ? bent(draft, { respell }) : undefined)];
const wanted = '{"collection":"docs","key":"first","lang":"en"}';
/** The same request as protobuf: 32 bytes whose base64 has both characters that URLs need spelled otherwise. */
const wantedProto = Buffer.from("0a04646f637312056669727374 1a02656e".replaceAll(" ", ""), "hex");

/** Parameters of a GET (Connect protocol, Unary-Get-Request). */
export const parameters: Dimension = [
  asked("usual", {}),
  asked("without-version", { connect: undefined }),
  asked("version-2", { connect: "v2" }),
  asked("version-1-bare", { connect: "1" }),
  asked("empty-version", { connect: "" }),
  asked("without-encoding", { encoding: undefined }),
  asked("empty-encoding", { encoding: "" }),
  asked("unknown-encoding", { encoding: "thrift" }),
  asked("encoding-in-capitals", { encoding: "JSON" }),
  asked("proto", { encoding: "proto", message: wantedProto.toString("base64url") }),
  asked("proto-in-plain-text", { encoding: "proto", base64: undefined, message: wantedProto.toString("latin1") }),
  asked("proto-of-nothing", { encoding: "proto", message: "" }),
  asked("proto-without-message", { encoding: "proto", message: undefined }),
  asked("without-message", { message: undefined }),
  asked("empty-message", { message: "" }),
  asked("plain", { base64: undefined, message: wanted }),
  asked("base64-0", { base64: "0", message: wanted }),
  asked("base64-true", { base64: "true", message: wanted }),
  asked("base64-empty", { base64: "", message: wanted }),
  asked("not-base64", { message: "{!}" }),
  asked("base64-with-blank", { message: `${Buffer.from(wanted).toString("base64url").slice(0, 8)} ${Buffer.from(wanted).toString("base64url").slice(8)}` }),
  asked("base64-one-character-short", { message: Buffer.from(wanted).toString("base64url").slice(0, -2) }),
  asked("base64-padded", { message: Buffer.from(`${wanted} `).toString("base64") }),
  asked("base64-of-the-other-alphabet", { message: Buffer.from(`{"collection":"docs","key":"${"?>".repeat(9)}"}`).toString("base64") }),
  asked("base64-for-urls", { message: Buffer.from(`{"collection":"docs","key":"${"?>".repeat(9)}"}`).toString("base64url") }),
  asked("base64-with-padding-inside", { message: `${Buffer.from(wanted.slice(0, 10)).toString("base64")}${Buffer.from(wanted.slice(10)).toString("base64")}` }),
  asked("compression-identity", { compression: "identity" }),
  asked("compression-unheard-of", { compression: "snappy-x" }),
  asked("compression-empty", { compression: "" }),
  asked("unknown-parameter", { color: "red" }),
  rewritten("plus-for-blank", (query) => query.replace(/message=.*/, `message=${wanted.replaceAll(",", ",+")}`).replace("&base64=1", "")),
  rewritten("unescaped-plus", (query) => query.replace(/message=.*/, `message=${Buffer.from(`{"collection":"docs","key":"${">".repeat(9)}"}`).toString("base64")}`)),
  rewritten("broken-escape", (query) => `${query}%zz`),
  rewritten("escape-that-is-not-utf8", (query) => query.replace(/message=.*/, "message=%7B%22collection%22:%22%ff%22%7D").replace("&base64=1", "")),
  rewritten("message-twice", (query) => `${query}&message=e30`),
  rewritten("message-first", (query) => query.replace(/^(.*)&(message=.*)$/, "$2&$1")),
  rewritten("names-escaped", (query) => query.replace("encoding=", "%65ncoding=")),
  rewritten("empty-query", () => ""),
  rewritten("question-mark", (query) => `?${query}`),
  rewritten("semicolons", (query) => query.replaceAll("&", ";")),
];
