/** The executor that runs gRPC, gRPC-Web and Connect calls through connect-es. */
import { createConnectRouter, createContextKey, createContextValues, type ConnectRouter, type HandlerContext, type MethodImpl } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import type { Writable } from "node:stream";
import type { DescMethod } from "@bufbuild/protobuf";
import { callKey, callOf, type Call } from "../call.js";
import { fail, Failure, readingFailure, Reason, toFailure } from "../errors.js";
import type { Act } from "../gate/act.js";
import type { Plan } from "../gate/plan.js";
import { deadlineMsMax } from "../limits.js";
import type { Log } from "../log.js";
import { type Adding, ownNames, reservedNames } from "./added.js";
import { checkedFrames, type MessageBounds, unpacked } from "./checked-frames.js";
import { timeoutMs as connectTimeoutMs } from "./connect/recognise.js";
import { messageOfQuery } from "./connect/unary.js";
import { headersOf as requestHeadersOf } from "./context.js";
import { encodingOf, encodingUnsupported, knownEncodings } from "./encoding.js";
import type { Exchange, HeaderList, Trailers } from "./exchange.js";
import { foreignFailure, unwritten } from "./foreign.js";
import { compressedFlag } from "./frame.js";
import { timeoutMs as grpcTimeoutMs } from "./grpc/recognise.js";
import { decodeBase64Stream } from "./grpc-web/text.js";
import { codecsOf } from "../codec/codec.js";
import { typesBesideAll } from "../codec/types.js";
import { tooLarge } from "./malformed.js";
import { ready, readyBytesMax } from "./ready.js";
import { compressMinBytes, jsonOptions, messageBound, type Spelling } from "./protocol.js";

/** Runs an admitted call and writes its answer. Another executor can take over per method by answering first. */
export interface Executor {
  execute(exchange: Exchange, spelling: Spelling, call: Call): void | Promise<void>;
}

/** What the executor needs. */
export interface ConnectEsOptions {
  readonly plans: readonly Plan[];
  readonly act: Act;
  readonly messageBytesMax: number;
  readonly responseBytesMax: number;
  readonly refuse: (exchange: Exchange, spelling: Spelling, call: Call, failure: Failure, adding?: Adding) => void;
  /** Headers that every answer to this call carries. */
  readonly headersOf: (call: Call) => HeaderList;
  readonly shutdown: AbortSignal;
  readonly log: Log;
}

/** Makes the executor. */
export function createConnectEsExecutor(options: ConnectEsOptions): Executor {
  const { act, refuse, log } = options;
  const router: ConnectRouter = createConnectRouter({
    readMaxBytes: options.messageBytesMax,
    writeMaxBytes: options.responseBytesMax,
    jsonOptions: { ...jsonOptions, registry: typesBesideAll(options.plans.flatMap(({ desc, input, output }) => [desc.parent, input, output])) },
    acceptCompression: [compressionGzip, compressionBrotli],
    compressMinBytes,
    shutdownSignal: options.shutdown,
  });
  const failures = new WeakMap<Call, Failed>();
  for (const plan of options.plans) router.rpc(plan.desc, noting(plan, act.implementation(plan), options.headersOf, failures), plan.packsResponse ? {} : uncompressed);
  const handlers = new Map<string, UniversalHandler>(router.handlers.map((handler) => [handler.requestPath, handler]));

  const inputs = new Map(options.plans.map((plan) => [plan, codecsOf(plan.input, plan.desc.parent)]));
  const boundsOf = (call: Call, { codec }: Spelling, encoding: string): MessageBounds => {
    const input = inputs.get(call.plan)!;
    return { messageBytesMax: messageBound(call, options.messageBytesMax), encoding, readyBytesMax: readyBytesMax[codec], ready: (message) => ready(input, codec, message) };
  };

  return {
    async execute(exchange, spelling, call) {
      const handler = handlers.get(call.plan.path)!;
      const contextValues = createContextValues().set(callKey, call).set(exchangeKey, exchange);
      let answer: UniversalServerResponse;
      let body: Uint8Array[] | AsyncIterable<Uint8Array>;
      let unreadable: Failure | undefined;
      try {
        const encoding = encodingOf(exchange, spelling);
        if (!knownEncodings.has(encoding)) throw encodingUnsupported();
        const bounds = boundsOf(call, spelling, encoding);
        // connect-es takes much for base64 that is none.
        if (exchange.verb !== "POST") await readied(messageOfQuery(exchange.query), bounds);
        answer = await handler({
          httpVersion: exchange.h2 ? "2.0" : "1.1",
          url: urlOf(exchange),
          method: exchange.verb === "HEAD" ? "GET" : exchange.verb,
          header: headerOf(exchange, spelling),
          body: request(exchange, spelling, bounds, (failure) => (unreadable = failure)),
          signal: call.signal,
          contextValues,
        });
        // An answer of one message, and a refusal by connect-es itself, is whole before its head is sent, so that a failure can still be told in our own words.
        body = singular.has(call.plan.desc.methodKind) || isForeign(call) ? await collect(answer.body) : (answer.body ?? []);
      } catch (thrown) {
        refuse(exchange, spelling, call, await act.settle(call, readingFailure(thrown)));
        return;
      }
      const failed = failures.get(call);
      if (failed !== undefined) {
        refuse(exchange, spelling, call, failed.failure, failed);
        return;
      }
      const foreign = isForeign(call)
        ? (unreadable ?? foreignFailure(answer, body as Uint8Array[], spelling, options.messageBytesMax))
        : Array.isArray(body) && call.acted === true
          ? unwritten(answer, body, spelling, options.responseBytesMax)
          : undefined;
      if (foreign !== undefined) {
        refuse(exchange, spelling, call, await act.settle(call, foreign));
        return;
      }
      if (call.expired === true) return leave(body);
      await write(exchange, spelling, answer, body, options.headersOf(call), log);
    },
  };
}

/** No answer is long enough to be compressed. Requests may still be. */
const uncompressed = { compressMinBytes: Number.POSITIVE_INFINITY } as const;

const singular = new Set<DescMethod["methodKind"]>(["unary", "client_streaming"]);

/** How the handler of a call failed, with what it had added to the answer by then. */
interface Failed extends Adding {
  readonly failure: Failure;
}

/**
 * An implementation that answers with one message, with a note of its failure: connect-es would write it in words of its
 * own. The handler sees the headers as they were sent; what it added to the protocol's own fields is taken back.
 */
function noting(plan: Plan, implementation: MethodImpl<DescMethod>, headersOf: (call: Call) => HeaderList, failures: WeakMap<Call, Failed>): MethodImpl<DescMethod> {
  if (!singular.has(plan.desc.methodKind)) return implementation;
  const run = implementation as unknown as (request: unknown, context: HandlerContext) => Promise<unknown>;
  const noted = async (request: unknown, context: HandlerContext): Promise<unknown> => {
    const { requestHeader, responseHeader, responseTrailer, values } = context;
    for (const name of rewritten) {
      const sent = values.get(exchangeKey)?.header(name);
      if (sent === undefined) requestHeader.delete(name);
      else requestHeader.set(name, sent);
    }
    const names = [...reservedNames, ...ownNames(headersOf(callOf(context)))];
    const before = [responseHeader, responseTrailer].map((fields) => [fields, names.map((name) => [name, fields.get(name)] as const)] as const);
    try {
      return await run(request, context);
    } catch (thrown) {
      failures.set(callOf(context), { failure: toFailure(thrown), addedHeaders: responseHeader, addedTrailers: responseTrailer });
      throw thrown;
    } finally {
      for (const [fields, values] of before) {
        for (const [name, value] of values) {
          if (value === null) fields.delete(name);
          else fields.set(name, value);
        }
      }
    }
  };
  return noted as unknown as MethodImpl<DescMethod>;
}

/** Carries the request past connect-es. */
const exchangeKey = createContextKey<Exchange | undefined>(undefined);

const codings = ["grpc-encoding", "connect-content-encoding", "content-encoding"];
/** Headers that connect-es may get otherwise than they were sent. */
const rewritten = ["content-type", "content-length", "grpc-timeout", "connect-timeout-ms", ...codings];

/** The URL as connect-es takes it: a compression without a name is none. */
function urlOf({ verb, target }: Exchange): string {
  const url = `http://localhost${target}`;
  return verb === "POST" ? url : url.replace(/([?&])compression=(?=&|$)/, "$1");
}

/** The headers as connect-es takes them: parameters of a content type, empty codings and deadlines beyond its timer are more than it knows. */
function headerOf(exchange: Exchange, spelling: Spelling): Headers {
  const header = requestHeadersOf(exchange);
  if (exchange.verb === "POST") header.set("content-type", spelling.text ? "application/grpc-web+proto" : spelling.contentType);
  // A message by itself may have another length once it is ready.
  if (!spelling.stream) header.delete("content-length");
  for (const name of codings) if (header.get(name) === "") header.delete(name);
  for (const [name, read, longest] of deadlines) {
    const sent = read(header.get(name) ?? undefined);
    if (typeof sent === "number" && sent > deadlineMsMax) header.set(name, longest);
  }
  return header;
}

const deadlines = [
  ["grpc-timeout", grpcTimeoutMs, `${deadlineMsMax}m`],
  ["connect-timeout-ms", connectTimeoutMs, String(deadlineMsMax)],
] as const;

async function collect(body: AsyncIterable<Uint8Array> | undefined): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  if (body !== undefined) for await (const chunk of body) chunks.push(chunk);
  return chunks;
}

/** True while none of our own code has answered: what there is to send then is connect-es refusing. */
function isForeign(call: Call): boolean {
  return call.recorded === "not yet" && call.acted !== true;
}

/** The body as connect-es reads it: its base64 undone, its messages checked. */
async function* request(exchange: Exchange, spelling: Spelling, bounds: MessageBounds, onUnreadable: (failure: Failure) => void): AsyncGenerator<Uint8Array> {
  const bytes = spelling.text ? decodeBase64Stream(exchange.body()) : exchange.body();
  try {
    yield* spelling.stream ? checkedFrames(bytes, bounds) : checkedMessage(bytes, bounds);
  } catch (thrown) {
    // connect-es would tell it in words of its own. What Node itself throws is the caller's end of the connection.
    onUnreadable(thrown instanceof Failure ? thrown : fail(Reason.CALL_CANCELLED, {}, { cause: thrown }));
    throw thrown;
  }
}

/** Throws MESSAGE_TOO_LARGE as soon as there are more bytes than may be, and REQUEST_MALFORMED for a message that cannot be read within bounds. */
async function* checkedMessage(source: AsyncIterable<Uint8Array>, bounds: MessageBounds): AsyncGenerator<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of source) {
    length += chunk.length;
    if (length > bounds.messageBytesMax) throw tooLarge(bounds.messageBytesMax);
    chunks.push(chunk);
  }
  const message = Buffer.concat(chunks);
  const plain = await readied(message, bounds);
  // What was compressed is passed on so: the answer's coding follows from it.
  yield bounds.encoding === "identity" ? plain : message;
}

/** A message, decompressed and ready. Throws what keeps it from being read. */
async function readied(message: Buffer, { encoding, messageBytesMax, ready: make }: MessageBounds): Promise<Uint8Array> {
  return make(await unpacked(message, encoding, messageBytesMax));
}

/** Ends a body that nobody reads, so that its handler lets go of what it holds. */
async function leave(body: Uint8Array[] | AsyncIterable<Uint8Array>): Promise<void> {
  if (!Array.isArray(body)) await body[Symbol.asyncIterator]().return?.();
}

async function write(exchange: Exchange, spelling: Spelling, answer: UniversalServerResponse, body: Uint8Array[] | AsyncIterable<Uint8Array>, headers: HeaderList, log: Log): Promise<void> {
  if (exchange.gone) return leave(body);
  const head: [string, string][] = [];
  const own = ownNames(headers);
  const idle = Array.isArray(body) && spelling.stream && !body.some((frame) => (frame[0]! & compressedFlag) !== 0);
  answer.header?.forEach((value, name) => {
    // A coding that no frame has need not be named.
    if (own.has(name) || (idle && name === "grpc-encoding")) return;
    head.push([name, name === "content-type" && answer.status === 200 ? spelling.contentType : value]);
  });
  for (const [name, value] of headers) head.push([name, value]);
  const encode = spelling.text ? (chunk: Uint8Array) => Buffer.from(Buffer.from(chunk).toString("base64")) : (chunk: Uint8Array) => chunk;
  try {
    if (Array.isArray(body)) {
      const whole = encode(body.length === 1 ? body[0]! : Buffer.concat(body));
      const trailers = trailersOf(answer);
      if (trailers === undefined && !head.some(([name]) => name === "content-length")) head.push(["content-length", String(whole.length)]);
      exchange.abandonBody();
      exchange.send(answer.status, head, whole, trailers);
      return;
    }
    const sink = exchange.begin(answer.status, head, answer.trailer !== undefined);
    for await (const chunk of body) {
      if (sink.destroyed) return;
      if (!sink.write(encode(chunk))) await drained(sink);
    }
    exchange.abandonBody();
    // Trailers are known when the body has ended, and not before.
    exchange.end(trailersOf(answer));
  } catch (cause) {
    log.debug("response ended early", { cause: toFailure(cause) });
    exchange.destroy();
  }
}

function trailersOf(answer: UniversalServerResponse): Trailers | undefined {
  if (answer.trailer === undefined) return undefined;
  const trailers: Record<string, string> = {};
  answer.trailer.forEach((value, name) => (trailers[name] = value));
  return Object.keys(trailers).length === 0 ? undefined : trailers;
}

/**
 * Resolves when a stream takes more, or will never again, and everybody else has had a turn: a socket whose other end reads
 * fast takes all it is given within one, so that a long stream would keep all other calls waiting until its end.
 */
export function drained(sink: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      sink.off("drain", done);
      sink.off("close", done);
      setImmediate(resolve);
    };
    sink.on("drain", done);
    sink.on("close", done);
  });
}
