/** The executor that runs gRPC, gRPC-Web and Connect calls through connect-es. */
import { createConnectRouter, createContextValues, type ConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import type { Writable } from "node:stream";
import { callKey, Protocol, type Call } from "../call.js";
import { fail, Failure, readingFailure, Reason, toFailure } from "../errors.js";
import type { Act } from "../gate/act.js";
import { checkedFrames } from "./checked-frames.js";
import type { Plan } from "../gate/plan.js";
import type { Log } from "../log.js";
import { decodeBase64Stream } from "./grpc-web/text.js";
import { headersOf } from "./context.js";
import { encodingOf, encodingUnsupported, knownEncodings } from "./encoding.js";
import type { Exchange, HeaderList, Trailers } from "./exchange.js";
import { compressMinBytes, jsonOptions, type Spelling } from "./protocol.js";

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
  readonly refuse: (exchange: Exchange, spelling: Spelling, call: Call, failure: Failure) => void;
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
    jsonOptions,
    acceptCompression: [compressionGzip, compressionBrotli],
    compressMinBytes,
    shutdownSignal: options.shutdown,
  });
  for (const plan of options.plans) router.rpc(plan.desc, act.implementation(plan));
  const handlers = new Map<string, UniversalHandler>(router.handlers.map((handler) => [handler.requestPath, handler]));

  return {
    async execute(exchange, spelling, call) {
      const handler = handlers.get(call.plan.path)!;
      const header = headersOf(exchange);
      if (spelling.text) header.set("content-type", "application/grpc-web+proto");
      const contextValues = createContextValues().set(callKey, call);
      let answer: UniversalServerResponse;
      let body: Uint8Array[] | AsyncIterable<Uint8Array>;
      let unreadable: Failure | undefined;
      try {
        const encoding = encodingOf(exchange, spelling);
        if (!knownEncodings.has(encoding)) throw encodingUnsupported();
        answer = await handler({
          httpVersion: exchange.h2 ? "2.0" : "1.1",
          url: `http://localhost${exchange.target}`,
          method: exchange.verb === "HEAD" ? "GET" : exchange.verb,
          header,
          body: request(exchange, spelling, encoding, options.messageBytesMax, (failure) => (unreadable = failure)),
          signal: call.signal,
          contextValues,
        });
        // An answer of one message, and a refusal by connect-es itself, is whole before its head is sent, so that a failure can still be told in our own words.
        body = call.plan.desc.methodKind === "unary" || call.plan.desc.methodKind === "client_streaming" || isForeign(call) ? await collect(answer.body) : (answer.body ?? []);
      } catch (thrown) {
        refuse(exchange, spelling, call, await act.settle(call, readingFailure(thrown)));
        return;
      }
      const foreign = isForeign(call) ? (unreadable ?? foreignFailure(answer, body as Uint8Array[], spelling)) : undefined;
      if (foreign !== undefined) {
        refuse(exchange, spelling, call, await act.settle(call, foreign));
        return;
      }
      await write(exchange, spelling, answer, body, options.headersOf(call), log);
    },
  };
}

async function collect(body: AsyncIterable<Uint8Array> | undefined): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  if (body !== undefined) for await (const chunk of body) chunks.push(chunk);
  return chunks;
}

/** True while none of our own code has answered: what there is to send then is connect-es refusing. */
function isForeign(call: Call): boolean {
  return call.recorded === "not yet" && call.acted !== true;
}

/** The body as connect-es reads it: its base64 undone, its frames checked. */
async function* request(exchange: Exchange, spelling: Spelling, encoding: string, messageBytesMax: number, onUnreadable: (failure: Failure) => void): AsyncGenerator<Uint8Array> {
  const bytes = spelling.text ? decodeBase64Stream(exchange.body()) : exchange.body();
  try {
    yield* spelling.stream ? checkedFrames(bytes, { messageBytesMax, encoding }) : bytes;
  } catch (thrown) {
    // connect-es would tell it in words of its own.
    if (thrown instanceof Failure) onUnreadable(thrown);
    throw thrown;
  }
}

const trailerFlag = 0x80;
const endStreamFlag = 0x02;

/** What connect-es refused by itself, before any handler ran: malformed, too large, badly compressed, badly timed. */
function foreignFailure(answer: UniversalServerResponse, body: readonly Uint8Array[], spelling: Spelling): Failure | undefined {
  if (answer.status === 415) return fail(Reason.CONTENT_TYPE_UNSUPPORTED);
  if (answer.status === 405) return fail(Reason.VERB_NOT_ALLOWED);
  const bytes = Buffer.concat(body);
  if (spelling.protocol === Protocol.GRPC) return failureOfStatus(answer.trailer?.get("grpc-status") ?? answer.header?.get("grpc-status"));
  if (spelling.protocol === Protocol.GRPC_WEB) {
    const frame = lastFrame(bytes, trailerFlag);
    return frame === undefined ? fail(Reason.INTERNAL) : failureOfStatus(/^grpc-status:\s*(\d+)/im.exec(frame.toString())?.[1]);
  }
  if (spelling.stream) {
    const frame = lastFrame(bytes, endStreamFlag);
    return frame === undefined ? fail(Reason.INTERNAL) : failureOfName((JSON.parse(frame.toString()) as { error?: { code?: string } }).error?.code);
  }
  return answer.status === 200 ? undefined : failureOfName((JSON.parse(bytes.toString() || "{}") as { code?: string }).code);
}

function lastFrame(bytes: Buffer, flag: number): Buffer | undefined {
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    if ((bytes[at]! & flag) !== 0) return bytes.subarray(at + 5, end);
    at = end;
  }
  return undefined;
}

const reasonOfStatus: Readonly<Record<string, Reason>> = {
  "1": Reason.CALL_CANCELLED,
  canceled: Reason.CALL_CANCELLED,
  "3": Reason.REQUEST_MALFORMED,
  invalid_argument: Reason.REQUEST_MALFORMED,
  "4": Reason.DEADLINE_PASSED,
  deadline_exceeded: Reason.DEADLINE_PASSED,
  "8": Reason.MESSAGE_TOO_LARGE,
  resource_exhausted: Reason.MESSAGE_TOO_LARGE,
  // connect-es reports a truncated or corrupt compressed body as internal; the caller sent it.
  "13": Reason.REQUEST_MALFORMED,
  internal: Reason.REQUEST_MALFORMED,
};

function failureOfStatus(status: string | null | undefined): Failure | undefined {
  return status === "0" ? undefined : failureOfName(status ?? undefined);
}

function failureOfName(name: string | undefined): Failure {
  return fail(reasonOfStatus[name ?? ""] ?? Reason.REQUEST_MALFORMED);
}

async function write(exchange: Exchange, spelling: Spelling, answer: UniversalServerResponse, body: Uint8Array[] | AsyncIterable<Uint8Array>, headers: HeaderList, log: Log): Promise<void> {
  if (exchange.gone) return;
  const head: [string, string][] = [];
  answer.header?.forEach((value, name) => head.push([name, spelling.text && name === "content-type" ? spelling.contentType : value]));
  for (const [name, value] of headers) head.push([name, value]);
  const encode = spelling.text ? (chunk: Uint8Array) => Buffer.from(Buffer.from(chunk).toString("base64")) : (chunk: Uint8Array) => chunk;
  try {
    if (Array.isArray(body)) {
      exchange.abandonBody();
      exchange.send(answer.status, head, encode(body.length === 1 ? body[0]! : Buffer.concat(body)), trailersOf(answer));
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

/** Resolves when a stream takes more, or will never again. */
export function drained(sink: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      sink.off("drain", done);
      sink.off("close", done);
      resolve();
    };
    sink.on("drain", done);
    sink.on("close", done);
  });
}
