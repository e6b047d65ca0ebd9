/** The executor of unary calls, straight on Node's HTTP: read, decode, act, encode, answer. */
import type { Message } from "@bufbuild/protobuf";
import { Protocol, type Call } from "../call.js";
import { Failure, Reason, toFailure } from "../errors.js";
import type { Act } from "../gate/act.js";
import type { Plan } from "../gate/plan.js";
import { messageFieldsMax } from "../limits.js";
import { addedBy, type Adding } from "./added.js";
import type { Executor } from "./connect-es.js";
import { codecsOf, type Codecs } from "../codec/codec.js";
import { isCoding, pack, unpack } from "./codings.js";
import { unary as connect } from "./connect/unary.js";
import { CallContext } from "./context.js";
import { encodingOf } from "./encoding.js";
import type { Exchange, HeaderList } from "./exchange.js";
import { unary as grpc } from "./grpc/unary.js";
import { unary as grpcWeb } from "./grpc-web/unary.js";
import { parseJson } from "./json.js";
import { answerTooLarge, faults, malformed, tooLarge } from "./malformed.js";
import { checkBinary } from "./ready.js";
import { bytesOnWire, type Coding, compressMinBytes, messageBound, type Spelling, type UnaryProtocol } from "./protocol.js";
import { readWhole } from "./whole.js";

/** What the executor needs. */
export interface UnaryOptions {
  readonly plans: readonly Plan[];
  readonly act: Act;
  readonly messageBytesMax: number;
  readonly responseBytesMax: number;
  readonly refuse: (exchange: Exchange, spelling: Spelling, call: Call, failure: Failure, adding?: Adding) => void;
  readonly headersOf: (call: Call) => HeaderList;
  /** Takes what is not unary, and refuses encodings that nobody reads. */
  readonly rest: Executor;
}

const protocols: Readonly<Partial<Record<Protocol, UnaryProtocol>>> = { [Protocol.GRPC]: grpc, [Protocol.GRPC_WEB]: grpcWeb, [Protocol.CONNECT]: connect };

/** Makes the executor. It gives the same answers as connect-es; a matrix test holds the two together. */
export function createUnaryExecutor(options: UnaryOptions): Executor {
  const { act, responseBytesMax, refuse, headersOf, rest } = options;
  const compiled = new Map<Plan, { input: Codecs; output: Codecs }>();
  for (const plan of options.plans) compiled.set(plan, { input: codecsOf(plan.input, plan.desc.parent), output: codecsOf(plan.output, plan.desc.parent) });
  const codecs = (plan: Plan): { input: Codecs; output: Codecs } => compiled.get(plan)!;

  const send = (exchange: Exchange, spelling: Spelling, call: Call, context: CallContext, message: Uint8Array | string, coding: Coding | undefined): void => {
    if (call.expired === true) return;
    const headers = headersOf(call);
    protocols[spelling.protocol]!.answer(exchange, spelling, message, coding, headers, addedBy(context, headers));
  };

  const answer = (exchange: Exchange, spelling: Spelling, call: Call, context: CallContext, message: Message, coding: Coding | undefined): void | Promise<void> => {
    const { output } = codecs(call.plan);
    const body = spelling.codec === "proto" ? output.writeBinary(message) : output.writeJson(message);
    // Text goes out with the head in one piece over HTTP/1.1; bytes would be a second one.
    const asText = typeof body === "string" && !spelling.stream && (coding === undefined || body.length < compressMinBytes);
    const bytes = typeof body === "string" && !asText ? Buffer.from(body) : body;
    if (bytes.length > responseBytesMax) throw answerTooLarge(responseBytesMax);
    if (coding === undefined || bytes.length < compressMinBytes || typeof bytes === "string") return send(exchange, spelling, call, context, bytes, undefined);
    return new Promise<Buffer | undefined>((resolve) => pack(coding, bytes, resolve)).then((packed) => send(exchange, spelling, call, context, packed ?? bytes, packed && coding));
  };

  const run = (exchange: Exchange, spelling: Spelling, call: Call, bytes: Uint8Array, coding: Coding | undefined): void | Promise<void> => {
    const { input } = codecs(call.plan);
    let request: Message;
    try {
      request = decode(input, spelling, bytes);
    } catch (thrown) {
      return act.settle(call, thrown).then((failure) => refuse(exchange, spelling, call, failure));
    }
    const context = new CallContext(exchange, call, protocols[spelling.protocol]!.name, call.deadlineMs);
    // Whatever fails from here on has its record, if it was the call; what could not be written down or sent has none.
    const refused = (thrown: unknown): Promise<void> => act.settle(call, thrown).then((failure) => refuse(exchange, spelling, call, failure, context));
    try {
      const response = act.unary(call, request, context);
      if (response instanceof Promise) return response.then((message) => answer(exchange, spelling, call, context, message, coding)).catch(refused);
      const sent = answer(exchange, spelling, call, context, response, coding);
      return sent?.catch(refused);
    } catch (thrown) {
      return refused(thrown);
    }
  };

  /** The request message, decompressed; a Failure if it cannot be read. */
  const unpacked = (exchange: Exchange, spelling: Spelling, body: Buffer, messageBytesMax: number, encoding: string, done: (message: Buffer | Failure) => void): void => {
    let bytes: Buffer;
    let compressed: boolean;
    try {
      ({ bytes, compressed } = protocols[spelling.protocol]!.unwrap(exchange, spelling, body, { messageBytesMax, encoding }));
    } catch (thrown) {
      return done(toFailure(thrown));
    }
    if (bytes.length > messageBytesMax) return done(tooLarge(messageBytesMax));
    if (!compressed || bytes.length === 0) return done(bytes);
    unpack(encoding as Coding, bytes, messageBytesMax, done);
  };

  return {
    execute(exchange, spelling, call) {
      const protocol = protocols[spelling.protocol];
      if (protocol === undefined || call.plan.desc.methodKind !== "unary") return rest.execute(exchange, spelling, call);
      const encoding = encodingOf(exchange, spelling);
      if (encoding !== "identity" && !isCoding(encoding)) return rest.execute(exchange, spelling, call);
      const messageBytesMax = messageBound(call, options.messageBytesMax);
      const coding = call.plan.packsResponse ? codingOfAnswer(protocol.acceptEncoding(exchange), encoding) : undefined;
      return new Promise((resolve, reject) => {
        const proceed = (message: Buffer | Failure): void => {
          const outcome = message instanceof Failure ? act.settle(call, message).then((failure) => refuse(exchange, spelling, call, failure)) : run(exchange, spelling, call, message, coding);
          if (outcome === undefined) resolve();
          else outcome.then(resolve, reject);
        };
        if (exchange.verb !== "POST") {
          exchange.abandonBody();
          return unpacked(exchange, spelling, none, messageBytesMax, encoding, proceed);
        }
        readWhole(exchange, bytesOnWire(messageBytesMax, spelling), (body) => {
          if (body instanceof Failure) proceed(body.reason === Reason.MESSAGE_TOO_LARGE ? tooLarge(messageBytesMax) : body);
          else unpacked(exchange, spelling, body, messageBytesMax, encoding, proceed);
        });
      });
    },
  };
}

const none = Buffer.alloc(0);

function decode(input: Codecs, spelling: Spelling, bytes: Uint8Array): Message {
  try {
    if (spelling.codec === "proto") {
      if (bytes.length > messageFieldsMax) checkBinary(input, bytes);
      return input.readBinary(bytes);
    }
    const json = parseJson(bytes);
    // JSON text must hold a value.
    if (json === undefined) throw malformed(faults.notJson);
    return input.readJson(json);
  } catch (cause) {
    throw cause instanceof Failure ? cause : malformed(faults.notFitting, cause);
  }
}

/** Which compression the answer has: the first that is accepted and known; without a list, that of the request. Undefined: none. */
function codingOfAnswer(accepted: string | undefined, requested: string): Coding | undefined {
  if (accepted === undefined || accepted === "") return requested === "identity" ? undefined : (requested as Coding);
  if (accepted === "identity") return undefined;
  for (const name of accepted.split(",")) {
    const plain = name.trim();
    if (plain === "gzip" || plain === "br") return plain;
  }
  return undefined;
}
