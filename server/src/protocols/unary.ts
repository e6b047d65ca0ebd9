/** The executor of unary calls, straight on Node's HTTP: read, decode, act, encode, answer. */
import { constants, gunzip, gzip } from "node:zlib";
import type { Message } from "@bufbuild/protobuf";
import { Protocol, type Call } from "../call.js";
import { fail, Failure, Reason, toFailure } from "../errors.js";
import type { Act } from "../gate/act.js";
import type { Plan } from "../gate/plan.js";
import type { Executor } from "./connect-es.js";
import { codecsOf, type Codecs } from "./codec/codec.js";
import { unary as connect } from "./connect/unary.js";
import { CallContext } from "./context.js";
import type { Exchange, HeaderList } from "./exchange.js";
import { unary as grpc } from "./grpc/unary.js";
import { unary as grpcWeb } from "./grpc-web/unary.js";
import { parseJson } from "./json.js";
import { compressMinBytes, type Spelling, type UnaryProtocol } from "./protocol.js";
import { readWhole } from "./whole.js";

/** What the executor needs. */
export interface UnaryOptions {
  readonly plans: readonly Plan[];
  readonly act: Act;
  readonly messageBytesMax: number;
  readonly responseBytesMax: number;
  readonly refuse: (exchange: Exchange, spelling: Spelling, call: Call, failure: Failure) => void;
  readonly headersOf: (call: Call) => HeaderList;
  /** Takes what is not unary, and encodings that are rare. */
  readonly rest: Executor;
}

const protocols: Readonly<Partial<Record<Protocol, UnaryProtocol>>> = { [Protocol.GRPC]: grpc, [Protocol.GRPC_WEB]: grpcWeb, [Protocol.CONNECT]: connect };

/** Frame heads and base64 make a body larger than its message. */
const wrappingBytes = 64;

/** Makes the executor. It gives the same answers as connect-es; a matrix test holds the two together. */
export function createUnaryExecutor(options: UnaryOptions): Executor {
  const { act, messageBytesMax, responseBytesMax, refuse, headersOf, rest } = options;
  const compiled = new Map<Plan, { input: Codecs; output: Codecs }>();
  for (const plan of options.plans) compiled.set(plan, { input: codecsOf(plan.input), output: codecsOf(plan.output) });
  const codecs = (plan: Plan): { input: Codecs; output: Codecs } => compiled.get(plan)!;

  const answer = (exchange: Exchange, spelling: Spelling, call: Call, context: CallContext, message: Message, zip: boolean): void => {
    const protocol = protocols[spelling.protocol]!;
    const { output } = codecs(call.plan);
    const body = spelling.codec === "proto" ? output.writeBinary(message) : output.writeJson(message);
    // Text goes out with the head in one piece over HTTP/1.1; bytes would be a second one.
    const asText = typeof body === "string" && !spelling.stream && (!zip || body.length < compressMinBytes);
    const bytes = typeof body === "string" && !asText ? Buffer.from(body) : body;
    if (bytes.length > responseBytesMax) throw fail(Reason.MESSAGE_TOO_LARGE, {}, { message: `the answer has more than ${responseBytesMax} bytes` });
    if (!zip || bytes.length < compressMinBytes || typeof bytes === "string") return protocol.answer(exchange, spelling, bytes, false, headersOf(call), context);
    gzip(bytes, (error, packed) => {
      // What cannot be compressed goes as it is.
      if (error === null) protocol.answer(exchange, spelling, packed, true, headersOf(call), context);
      else protocol.answer(exchange, spelling, bytes, false, headersOf(call), context);
    });
  };

  const run = (exchange: Exchange, spelling: Spelling, call: Call, bytes: Uint8Array, zip: boolean): void | Promise<void> => {
    const { input } = codecs(call.plan);
    const refused = (thrown: unknown): void => refuse(exchange, spelling, call, toFailure(thrown));
    let request: Message;
    try {
      request = decode(input, spelling, bytes);
    } catch (thrown) {
      return act.settle(call, thrown).then(refused);
    }
    const context = new CallContext(exchange, call, protocols[spelling.protocol]!.name, call.deadlineMs);
    const response = act.unary(call, request, context);
    if (!(response instanceof Promise)) return answer(exchange, spelling, call, context, response, zip);
    return response.then((message) => answer(exchange, spelling, call, context, message, zip)).catch(refused);
  };

  return {
    execute(exchange, spelling, call) {
      const protocol = protocols[spelling.protocol];
      if (protocol === undefined || call.plan.desc.methodKind !== "unary") return rest.execute(exchange, spelling, call);
      const requested = protocol.requestEncoding(exchange) ?? "identity";
      const accepted = responseEncoding(protocol.acceptEncoding(exchange), requested);
      if ((requested !== "identity" && requested !== "gzip") || accepted === "rare") return rest.execute(exchange, spelling, call);
      const zip = accepted === "gzip";
      const settle = (thrown: unknown): Promise<void> => act.settle(call, thrown).then((failure) => refuse(exchange, spelling, call, failure));
      return new Promise((resolve, reject) => {
        const bytesMax = spelling.text ? Math.ceil((messageBytesMax * 4) / 3) + wrappingBytes : messageBytesMax + wrappingBytes;
        readWhole(exchange, bytesMax, (body) => {
          const done = (outcome: void | Promise<void>): void => (outcome === undefined ? resolve() : void outcome.then(resolve, reject));
          try {
            if (body instanceof Failure) return done(settle(body));
            const { bytes, compressed } = protocol.unwrap(exchange, spelling, body, requested);
            if (bytes.length > messageBytesMax) throw tooLarge(messageBytesMax);
            if (!compressed || bytes.length === 0) return done(run(exchange, spelling, call, bytes, zip));
            gunzip(bytes, { maxOutputLength: messageBytesMax, finishFlush: constants.Z_FINISH }, (error, plain) => {
              if (error === null) done(run(exchange, spelling, call, plain, zip));
              else done(settle((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? tooLarge(messageBytesMax) : fail(Reason.REQUEST_MALFORMED, {}, { message: "the message is not valid gzip", cause: error })));
            });
          } catch (thrown) {
            done(settle(thrown));
          }
        });
      });
    },
  };
}

function decode(input: Codecs, spelling: Spelling, bytes: Uint8Array): Message {
  try {
    if (spelling.codec === "proto") return input.readBinary(bytes);
    return input.readJson(parseJson(bytes) ?? emptyJson());
  } catch (cause) {
    throw cause instanceof Failure ? cause : fail(Reason.REQUEST_MALFORMED, {}, { message: "the request does not fit its message", cause });
  }
}

/** JSON text must hold a value. */
function emptyJson(): never {
  throw fail(Reason.REQUEST_MALFORMED, {}, { message: "the body is not valid JSON" });
}

/** Which compression the answer has: the first that is accepted and known; without a list, that of the request. */
function responseEncoding(accepted: string | undefined, requested: string): "identity" | "gzip" | "rare" {
  if (accepted === undefined || accepted === "") return requested === "gzip" ? "gzip" : "identity";
  if (accepted === "identity") return "identity";
  for (const name of accepted.split(",")) {
    const plain = name.trim();
    if (plain === "gzip") return "gzip";
    if (plain === "br") return "rare";
  }
  return "identity";
}

function tooLarge(bytesMax: number): Failure {
  return fail(Reason.MESSAGE_TOO_LARGE, { bytesMax: String(bytesMax) }, { message: `a message may have at most ${bytesMax} bytes` });
}
