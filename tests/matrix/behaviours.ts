/** What a handler may do, by the key of the document it is asked for. */
import { create } from "@bufbuild/protobuf";
import { anyPack, NullValue } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createContextKey, encodeBinaryHeader, type HandlerContext } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "@parapet/contract/google/rpc/error_details_pb";
import { StatusSchema } from "@parapet/contract/google/rpc/status_pb";
import { DocumentSchema } from "@parapet/contract/parapet/document/v1/document_pb";
import { GetResponseSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { fail, Reason } from "../../server/src/errors.js";

type Answer = { readonly document?: { readonly key?: string; readonly contentMd?: string; readonly meta?: Record<string, never> } };
type Behaviour = (context: HandlerContext) => unknown;

const answer = (contentMd = "# Answer"): Answer => ({ document: { key: "answer", contentMd } });
const big = "All work and no play. ".repeat(400);
const thrower = (thrown: unknown): Behaviour => () => {
  throw thrown;
};
const kept = createContextKey("nothing yet");

/** Fields of every kind that a handler may add. */
function adorn({ responseHeader, responseTrailer }: HandlerContext): void {
  responseHeader.set("x-plain", "a header");
  responseHeader.append("x-many", "one");
  responseHeader.append("x-many", "two");
  responseHeader.set("x-latin", "ünïcode");
  responseHeader.set("x-empty", "");
  responseHeader.set("x-comma", "a, b;c=\"d\"");
  responseHeader.set("x-bytes-bin", encodeBinaryHeader(new Uint8Array([0, 1, 254, 255])));
  responseHeader.append("set-cookie", "a=1; Path=/");
  responseHeader.append("set-cookie", "b=2");
  responseHeader.set("vary", "accept-language");
  responseTrailer.set("x-plain", "a trailer");
  responseTrailer.append("x-many", "three");
  responseTrailer.append("x-many", "four");
  responseTrailer.set("a-first", "1");
  responseTrailer.set("z-last", "9");
  responseTrailer.set("x-status-bin", encodeBinaryHeader(create(StatusSchema, { code: 5, message: "ü" }), StatusSchema));
}

/** Fields that are not a handler's to say. */
function overreach({ responseHeader, responseTrailer }: HandlerContext): void {
  for (const fields of [responseHeader, responseTrailer]) {
    for (const [name, value] of reaching) fields.set(name, value);
  }
}

const reaching = [
  ["content-type", "text/html"],
  ["content-length", "3"],
  ["content-encoding", "gzip"],
  ["grpc-encoding", "gzip"],
  ["grpc-status", "7"],
  ["grpc-message", "gotcha"],
  ["grpc-status-details-bin", "AAAA"],
  ["connection", "close"],
  ["keep-alive", "timeout=1"],
  ["transfer-encoding", "chunked"],
  ["trailer", "x-plain"],
  ["upgrade", "h2c"],
  ["date", "Thu, 01 Jan 2026 00:00:00 GMT"],
  ["host", "evil.example"],
  ["x-request-id", "mine"],
  ["cache-control", "public, max-age=60"],
  ["x-content-type-options", "sniff"],
] as const;

const codes = Object.values(Code).filter((code): code is Code => typeof code === "number");
const detailed = new ConnectError("with % details: ü \"and\" more", Code.FailedPrecondition, { "x-plain": "carried", "x-bytes-bin": "AAEC", "x-many": "1, 2" }, [
  { desc: ErrorInfoSchema, value: { reason: "OWN_REASON", domain: "example.org", metadata: { k: "v%" } } },
  { desc: RetryInfoSchema, value: { retryDelay: { seconds: 3n } } },
]);
const plainDetail = new ConnectError("with one detail", Code.OutOfRange, undefined, [{ desc: BadRequestSchema, value: { fieldViolations: [{ field: "key", description: "wrong" }] } }]);
const received = new ConnectError("from elsewhere", Code.NotFound, { "x-plain": "of elsewhere" });
received.isWireError = true;

/** By name. Handlers call them at once (`get`) and after a turn of the loop (`add`). */
export const behaviours: Readonly<Record<string, Behaviour>> = {
  "answers": () => answer(),
  "answers-a-message": () => create(GetResponseSchema, { document: create(DocumentSchema, { key: "made" }) }),
  "answers-much": () => answer(big),
  "answers-nothing": () => ({}),
  "answers-undefined": () => undefined,
  "answers-null": () => null,
  "answers-a-text": () => "text",
  "answers-another-message": () => anyPack(StatusSchema, create(StatusSchema, { code: 3 })),
  "answers-what-json-has-not": () => ({ document: { meta: { n: { values: [{ kind: { case: "numberValue", value: Number.NaN } }] } } } }),
  "answers-null-in-meta": () => ({ document: { meta: { n: { values: [{ kind: { case: "nullValue", value: NullValue.NULL_VALUE } }] } } } }),
  "answers-what-no-form-has": () => ({ document: { revision: -1 } }),
  "answers-half-a-surrogate": () => answer("\ud800"),
  "adds-fields": (context) => (adorn(context), answer()),
  "adds-fields-to-much": (context) => (adorn(context), answer(big)),
  "adds-a-trailer": ({ responseTrailer }) => (responseTrailer.set("x-plain", "%"), answer()),
  "adds-what-it-must-not": (context) => (adorn(context), overreach(context), answer()),
  "adds-what-it-must-not-to-much": (context) => (overreach(context), answer(big)),
  "adds-and-takes-away": (context) => (adorn(context), [...context.responseHeader.keys()].forEach((name) => context.responseHeader.delete(name)), [...context.responseTrailer.keys()].forEach((name) => context.responseTrailer.delete(name)), answer()),
  "adds-and-fails": (context) => (adorn(context), thrower(detailed)(context)),
  "adds-and-breaks": (context) => (adorn(context), thrower(new Error("secret"))(context)),
  "adds-what-it-must-not-and-fails": (context) => (overreach(context), thrower(new ConnectError("no", Code.Aborted, Object.fromEntries(reaching)))(context)),
  ...Object.fromEntries(codes.map((code) => [`throws-${Code[code].toLowerCase()}`, thrower(new ConnectError(`code: ${code} %`, code, { "x-plain": String(code) }))])),
  "throws-with-details": thrower(detailed),
  "throws-with-one-detail": thrower(plainDetail),
  "throws-what-came-from-elsewhere": thrower(received),
  "throws-without-words": thrower(new ConnectError("", Code.NotFound)),
  "throws-a-long-story": thrower(new ConnectError("% ü\n".repeat(300), Code.NotFound)),
  "throws-lines": thrower(new ConnectError("a\r\ngrpc-status: 0\r\n\u0000", Code.NotFound)),
  "throws-a-failure": thrower(fail(Reason.DOCUMENT_NOT_FOUND, { key: "k%" })),
  "throws-a-wait": thrower(fail(Reason.IDEMPOTENCY_IN_FLIGHT, {}, { retryAfterMs: 1_500 })),
  "throws-an-error": thrower(new Error("secret")),
  "throws-a-text": thrower("secret"),
  "throws-nothing": thrower(undefined),
  "throws-an-abort": thrower(new DOMException("secret", "AbortError")),
  "tells-its-context": ({ protocolName, requestMethod, url, service, method, requestHeader, values, timeoutMs, signal }) => {
    const before = values.get(kept);
    values.set(kept, "kept");
    const after = values.get(kept);
    values.delete(kept);
    const left = timeoutMs();
    return answer(JSON.stringify({
      protocolName,
      requestMethod,
      path: new URL(url).pathname,
      service: service.typeName,
      method: method.name,
      headers: [...requestHeader].filter(([name]) => !["content-length", "transfer-encoding", "host"].includes(name)),
      kept: [before, after, values.get(kept)],
      left: left === undefined ? "for ever" : left > 9_000 && left <= 10_000,
      aborted: signal.aborted,
    }));
  },
};
