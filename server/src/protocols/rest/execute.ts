/** Runs an admitted REST call and writes its answer. */
import type { Message } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import type { Call } from "../../call.js";
import { fail, Failure, Reason } from "../../errors.js";
import type { Act } from "../../gate/act.js";
import { type Adding, addedBy, merged } from "../added.js";
import { drained } from "../connect-es.js";
import type { Exchange, HeaderList } from "../exchange.js";
import { preferredCoding } from "../accept-encoding.js";
import { pack } from "../codings.js";
import { CallContext } from "../context.js";
import { parseJson } from "../json.js";
import { answerTooLarge } from "../malformed.js";
import { readWhole } from "../whole.js";
import { readBody, readLines, readPieces } from "./body.js";
import { type Coding, compressMinBytes, messageBound } from "../protocol.js";
import { createDecoder, type Decoder, type RawBody } from "./decode.js";
import { createEncoder, type Encoded, type Encoder } from "./encode.js";
import { knownTag, stateOf, taggedAs } from "./entity-tags.js";
import type { BoundRoute } from "./match.js";
import { problemOf } from "./refuse.js";

/** Variables of a path, by dotted proto field. */
export type Variables = readonly (readonly [field: string, value: string])[];

/** What running REST calls needs. */
export interface RestOptions {
  readonly routes: readonly BoundRoute[];
  readonly act: Act;
  readonly messageBytesMax: number;
  /** Largest answer, and largest part of a streamed one, in bytes. */
  readonly responseBytesMax: number;
  readonly refuse: (exchange: Exchange, call: Call, failure: Failure, adding?: Adding) => void;
  readonly headersOf: (call: Call) => HeaderList;
}

/** Runs REST calls. */
export interface RestExecutor {
  execute(exchange: Exchange, call: Call, bound: BoundRoute, variables: Variables): void | Promise<void>;
}

interface Compiled {
  readonly decoder: Decoder;
  readonly encoder: Encoder;
  /** Local names of the fields that conditional headers stand for, where the request has them. */
  readonly etag: boolean;
  readonly createOnly: boolean;
}

/** Makes the executor; everything about a route is compiled here. */
export function createRestExecutor(options: RestOptions): RestExecutor {
  const { act, responseBytesMax, refuse, headersOf } = options;
  const boundOf = (call: Call): number => messageBound(call, options.messageBytesMax);
  const compiled = new Map<BoundRoute, Compiled>(
    options.routes.map((bound) => {
      const { input, output, desc } = bound.plan;
      const has = (name: string): boolean => input.fields.some((field) => field.name === name && field.fieldKind === "scalar");
      return [bound, { decoder: createDecoder(bound.route, input, desc.parent), encoder: createEncoder(output, bound.route.responseBody, desc.parent), etag: has("etag"), createOnly: has("create_only") }];
    }),
  );

  const decoded = (exchange: Exchange, bound: BoundRoute, variables: Variables, body: Uint8Array | undefined): Message => {
    const { decoder, etag, createOnly } = compiled.get(bound)!;
    const message = decoder.raw && body !== undefined ? decoder.decode(variables, exchange.query, undefined, rawOf(exchange, body)) : decoder.decode(variables, exchange.query, body === undefined ? undefined : parseJson(body));
    applyConditions(exchange, message, etag, createOnly);
    return message;
  };

  const request = async (exchange: Exchange, call: Call, bound: BoundRoute, variables: Variables): Promise<Message> =>
    decoded(exchange, bound, variables, bound.route.body === "" ? undefined : await readBody(exchange, boundOf(call)));

  /** One answer, or one part of a streamed one. */
  const encode = (encoder: Encoder, message: Message): Encoded => {
    const encoded = encoder.encode(message);
    lengthOf(encoded);
    return encoded;
  };

  /** The length of an answer in bytes. Throws MESSAGE_TOO_LARGE. */
  const lengthOf = ({ body }: Encoded): number => {
    const bytes = Buffer.byteLength(body);
    if (bytes > responseBytesMax) throw answerTooLarge(responseBytesMax);
    return bytes;
  };

  /** The server's headers and those that the handler added. REST has no trailers: those are headers too. */
  const withAdded = (own: HeaderList, context: CallContext): HeaderList => {
    const added = addedBy(context, own);
    return added === undefined ? own : [...own, ...merged(added.headers, added.trailers)];
  };

  const respond = (exchange: Exchange, call: Call, bound: BoundRoute, response: Message, context: CallContext): void | Promise<void> => {
    const encoded = compiled.get(bound)!.encoder.encode(response);
    const { contentType, headers, body } = encoded;
    const length = lengthOf(encoded);
    if (length >= compressMinBytes && isPackable(bound, contentType, context)) return respondLarge(exchange, call, bound, encoded, context);
    const form: HeaderList = [["content-length", String(length)], ["content-type", contentType]];
    const answered = withAdded([...form, ...headers, ...headersOf(call)], context);
    if (!bound.plan.sideEffects && headers.length > 0) {
      const etag = headers.find(([name]) => name === "etag")?.[1];
      const known = etag === undefined ? undefined : knownTag(exchange.values("if-none-match"), etag);
      if (known !== undefined) return exchange.send(304, retagged(answered.slice(form.length), known), undefined);
    }
    // Node writes text and head in one encoding: what a handler puts into headers may be Latin-1.
    const bare = context.addedHeaders === undefined && context.addedTrailers === undefined;
    exchange.send(200, answered, bare || typeof body !== "string" ? body : Buffer.from(body));
  };

  /** An answer that is large enough to be compressed, for who takes it so. */
  const respondLarge = (exchange: Exchange, call: Call, bound: BoundRoute, { contentType, headers, body }: Encoded, context: CallContext): void | Promise<void> => {
    const coding = preferredCoding(exchange.values("accept-encoding").join(), codings);
    const rest = withAdded([...headers, varied, ...headersOf(call)], context);
    const etag = headers.find(([name]) => name === "etag")?.[1];
    const ownTag = etag === undefined || coding === undefined ? etag : taggedAs(etag, coding);
    const known = etag === undefined || bound.plan.sideEffects ? undefined : knownTag(exchange.values("if-none-match"), ownTag!);
    if (known !== undefined) return exchange.send(304, retagged(rest, known), undefined);
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    const plain = (): void => exchange.send(200, [["content-length", String(bytes.length)], ["content-type", contentType], ...rest], bytes);
    if (coding === undefined) return plain();
    return new Promise<Buffer | undefined>((resolve) => pack(coding, bytes, resolve)).then((packed) => {
      if (call.expired === true) return;
      if (packed === undefined) return plain();
      exchange.send(200, [["content-length", String(packed.length)], ["content-type", contentType], ["content-encoding", coding], ...(ownTag === undefined ? rest : retagged(rest, ownTag))], packed);
    });
  };

  /** Runs a unary call without waiting for anything that is there already. */
  const unary = (exchange: Exchange, call: Call, bound: BoundRoute, variables: Variables): void | Promise<void> => {
    const context = new CallContext(exchange, call, "rest", call.deadlineMs);
    // What could not be written down or sent has its record already, if it was the call's.
    const refused = (thrown: unknown): Promise<void> => act.settle(call, thrown).then((failure) => refuse(exchange, call, failure, context));
    const run = (body: Uint8Array | Failure | undefined): void | Promise<void> => {
      try {
        if (body instanceof Failure) throw body;
        const response = act.unary(call, decoded(exchange, bound, variables, body), context);
        if (response instanceof Promise) return response.then((message) => respond(exchange, call, bound, message, context)).catch(refused);
        const sent = respond(exchange, call, bound, response, context);
        return sent?.catch(refused);
      } catch (thrown) {
        return refused(thrown);
      }
    };
    if (bound.route.body === "") return run(undefined);
    if (exchange.header("content-encoding") !== undefined) return readBody(exchange, boundOf(call)).then(run, refused);
    return new Promise((resolve, reject) => {
      readWhole(exchange, boundOf(call), (body) => {
        const outcome = run(body);
        if (outcome === undefined) resolve();
        else outcome.then(resolve, reject);
      });
    });
  };

  const clientStream = async (exchange: Exchange, call: Call, bound: BoundRoute, variables: Variables, context: CallContext): Promise<void> => {
    const stream = act.implementation(bound.plan) as unknown as (requests: AsyncIterable<Message>, context: HandlerContext) => Promise<Message>;
    await respond(exchange, call, bound, await stream(lines(exchange, call, bound, variables), context), context);
  };

  async function* lines(exchange: Exchange, call: Call, bound: BoundRoute, variables: Variables): AsyncGenerator<Message> {
    const { decoder } = compiled.get(bound)!;
    if (decoder.raw) for await (const piece of readPieces(exchange)) yield decoder.decode(variables, exchange.query, undefined, rawOf(exchange, piece));
    else for await (const value of readLines(exchange, boundOf(call))) yield decoder.decode(variables, exchange.query, value);
  }

  const serverStream = async (exchange: Exchange, call: Call, bound: BoundRoute, variables: Variables, context: CallContext): Promise<void> => {
    const { encoder } = compiled.get(bound)!;
    const { resume } = bound.plan;
    const message = await request(exchange, call, bound, variables);
    const events = !encoder.raw && /\btext\/event-stream\b/.test(exchange.header("accept") ?? "");
    if (events && resume) resumeBehind(exchange.header("last-event-id"), message, resume.request);
    const stream = act.implementation(bound.plan) as unknown as (r: Message, c: HandlerContext) => AsyncIterable<Message>;
    const iterator = stream(message, context)[Symbol.asyncIterator]();
    // The first message is awaited, so that a refusal is a problem document and not a broken stream.
    let next = await iterator.next();
    const first = next.done === true ? undefined : await firstOf(call, iterator, () => encode(encoder, next.value as Message));
    const contentType = encoder.raw ? (first?.contentType ?? "application/octet-stream") : events ? "text/event-stream" : "application/x-ndjson";
    const sink = exchange.begin(200, [["content-type", contentType], ...withAdded(headersOf(call), context)], false);
    const frame = (part: Buffer | string, of: Message): Buffer | string => {
      if (encoder.raw) return part;
      return events ? `${resume ? eventId(of, resume.response) : ""}data: ${part.toString()}\n\n` : `${part.toString()}\n`;
    };
    try {
      for (let part = first; next.done !== true; part = next.done === true ? undefined : encode(encoder, next.value)) {
        if (sink.destroyed) return void (await iterator.return?.());
        if (!sink.write(frame(part!.body, next.value))) await drained(sink);
        next = await iterator.next();
      }
      exchange.end();
    } catch (thrown) {
      // The error frame of a stream that has begun: one more line `{"error": problem}`, or one `error` event.
      const problem = JSON.stringify(problemOf(await ended(call, iterator, thrown), call.requestId));
      if (encoder.raw) exchange.destroy();
      else sink.end(events ? `event: error\ndata: ${problem}\n\n` : `${JSON.stringify({ error: JSON.parse(problem) as unknown })}\n`);
    }
  };

  /** Ends a stream whose handler may still run, because what it answered could not be written down; records why. */
  const ended = async (call: Call, iterator: AsyncIterator<Message>, thrown: unknown): Promise<Failure> => {
    const failure = await act.settle(call, thrown);
    await iterator.return?.();
    return failure;
  };

  const firstOf = async <T>(call: Call, iterator: AsyncIterator<Message>, write: () => T): Promise<T> => {
    try {
      return write();
    } catch (thrown) {
      throw await ended(call, iterator, thrown);
    }
  };

  return {
    execute(exchange, call, bound, variables) {
      const kind = bound.plan.desc.methodKind;
      if (kind === "unary") return unary(exchange, call, bound, variables);
      const context = new CallContext(exchange, call, "rest", call.deadlineMs);
      return (kind === "client_streaming" ? clientStream : serverStream)(exchange, call, bound, variables, context).catch(async (thrown: unknown) => refuse(exchange, call, await act.settle(call, thrown), context));
    },
  };
}

/** Last-Event-ID to the token it stands for, as browsers send it when they connect again (html.spec.whatwg.org, server-sent events). It goes before a token in the request itself, which says where the first of its connections began. */
function resumeBehind(id: string | undefined, message: Message, field: string): void {
  const target = message as unknown as Record<string, string>;
  if (id) target[field] = Buffer.from(id, "latin1").toString();
}

/** The `id` line of an event; none for a token that a line cannot hold. */
function eventId(message: Message, field: string): string {
  const token = (message as unknown as Record<string, string>)[field]!;
  return token === "" || /[\r\n\0]/.test(token) ? "" : `id: ${token}\n`;
}

function rawOf(exchange: Exchange, data: Uint8Array): RawBody {
  return { contentType: exchange.header("content-type") ?? "", data };
}

/** Brotli takes fewer bytes; gzip is taken by everybody. */
const codings: readonly Coding[] = ["br", "gzip"];
const varied = ["vary", "Accept-Encoding"] as const;

/** True if an answer may be compressed: its plan allows it, it is text, and it has no tag of the handler's own, which would name other bytes. */
function isPackable({ plan }: BoundRoute, contentType: string, { addedHeaders }: CallContext): boolean {
  return plan.packsResponse && /^(?:text\/|application\/(?:[\w.-]+\+)?(?:json|xml|yaml|x-ndjson)\b)/.test(contentType) && addedHeaders?.has("etag") !== true;
}

/** The headers with another entity tag. */
function retagged(headers: HeaderList, etag: string): HeaderList {
  return headers.map((header) => (header[0] === "etag" ? (["etag", etag] as const) : header));
}

/** If-Match and If-None-Match (RFC 9110 section 13.1) to the fields they stand for. */
function applyConditions(exchange: Exchange, message: Message, etag: boolean, createOnly: boolean): void {
  const target = message as unknown as { etag: string; createOnly: boolean };
  const match = exchange.header("if-match");
  if (match !== undefined && etag) {
    const one = /^\s*"([^"]*)"\s*$/.exec(match);
    if (one === null) throw fail(Reason.REQUEST_MALFORMED, { header: "if-match" }, { message: "If-Match must hold one strong entity tag" });
    target.etag = stateOf(one[1]!);
  }
  const noneMatch = createOnly ? exchange.header("if-none-match") : undefined;
  if (noneMatch === undefined) return;
  // A condition that is passed over would overwrite what it was to protect.
  if (noneMatch.trim() !== "*") throw fail(Reason.REQUEST_MALFORMED, { header: "if-none-match" }, { message: "If-None-Match of a change must be *" });
  target.createOnly = true;
}
