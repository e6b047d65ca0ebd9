/** Runs an admitted REST call and writes its answer. */
import type { JsonValue, Message } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import type { Call } from "../../call.js";
import { fail, Failure, Reason, toFailure } from "../../errors.js";
import type { Act } from "../../gate/act.js";
import { drained } from "../connect-es.js";
import type { Exchange, HeaderList } from "../exchange.js";
import { CallContext } from "../context.js";
import { parseJson } from "../json.js";
import { readBody, readLines } from "./body.js";
import { createDecoder, type Decoder } from "./decode.js";
import { createEncoder, type Encoder } from "./encode.js";
import type { BoundRoute } from "./match.js";
import { problemOf } from "./refuse.js";

/** Variables of a path, by dotted proto field. */
export type Variables = readonly (readonly [field: string, value: string])[];

/** What running REST calls needs. */
export interface RestOptions {
  readonly routes: readonly BoundRoute[];
  readonly act: Act;
  readonly messageBytesMax: number;
  readonly refuse: (exchange: Exchange, call: Call, failure: Failure) => void;
  readonly headersOf: (call: Call) => HeaderList;
}

/** Runs REST calls. */
export interface RestExecutor {
  execute(exchange: Exchange, call: Call, bound: BoundRoute, variables: Variables): Promise<void>;
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
  const { act, messageBytesMax, refuse, headersOf } = options;
  const compiled = new Map<BoundRoute, Compiled>(
    options.routes.map((bound) => {
      const { input, output } = bound.plan;
      const has = (name: string): boolean => input.fields.some((field) => field.name === name && field.fieldKind === "scalar");
      return [bound, { decoder: createDecoder(bound.route, input), encoder: createEncoder(output, bound.route.responseBody), etag: has("etag"), createOnly: has("create_only") }];
    }),
  );

  const request = async (exchange: Exchange, bound: BoundRoute, variables: Variables): Promise<Message> => {
    const { decoder, etag, createOnly } = compiled.get(bound)!;
    let body: JsonValue | undefined;
    if (bound.route.body !== "") body = parseJson(await readBody(exchange, messageBytesMax));
    const message = decoder.decode(variables, exchange.query, body);
    applyConditions(exchange, message, etag, createOnly);
    return message;
  };

  const unary = async (exchange: Exchange, call: Call, bound: BoundRoute, variables: Variables): Promise<void> => {
    const { encoder } = compiled.get(bound)!;
    const message = bound.plan.desc.methodKind === "client_streaming" ? undefined : await request(exchange, bound, variables);
    const context = new CallContext(exchange, call, "rest", call.deadlineMs);
    const response =
      message === undefined
        ? await (act.implementation(bound.plan) as unknown as (r: AsyncIterable<Message>, c: HandlerContext) => Promise<Message>)(lines(exchange, bound, variables), context)
        : await act.unary(call, message, context);
    const encoded = encoder.encode(response);
    const headers: HeaderList = [["content-type", encoded.contentType], ...encoded.headers, ...headersOf(call)];
    const etag = encoded.headers.find(([name]) => name === "etag")?.[1];
    if (!bound.plan.sideEffects && etag !== undefined && exchange.header("if-none-match") === etag) {
      exchange.send(304, headers.filter(([name]) => name !== "content-type"), undefined);
      return;
    }
    exchange.send(200, [["content-length", String(encoded.body.length)], ...headers], encoded.body);
  };

  async function* lines(exchange: Exchange, bound: BoundRoute, variables: Variables): AsyncGenerator<Message> {
    const { decoder } = compiled.get(bound)!;
    for await (const value of readLines(exchange, messageBytesMax)) yield decoder.decode(variables, exchange.query, value);
  }

  const serverStream = async (exchange: Exchange, call: Call, bound: BoundRoute, variables: Variables): Promise<void> => {
    const { encoder } = compiled.get(bound)!;
    const message = await request(exchange, bound, variables);
    const stream = act.implementation(bound.plan) as unknown as (r: Message, c: HandlerContext) => AsyncIterable<Message>;
    const iterator = stream(message, new CallContext(exchange, call, "rest", call.deadlineMs))[Symbol.asyncIterator]();
    const events = !encoder.raw && /\btext\/event-stream\b/.test(exchange.header("accept") ?? "");
    // The first message is awaited, so that a refusal is a problem document and not a broken stream.
    let next = await iterator.next();
    const first = next.done === true ? undefined : encoder.encode(next.value);
    const contentType = encoder.raw ? (first?.contentType ?? "application/octet-stream") : events ? "text/event-stream" : "application/x-ndjson";
    const sink = exchange.begin(200, [["content-type", contentType], ...headersOf(call)], false);
    const frame = encoder.raw ? (part: Buffer) => part : events ? (part: Buffer) => `data: ${part.toString()}\n\n` : (part: Buffer) => `${part.toString()}\n`;
    try {
      for (let part = first; next.done !== true; part = next.done === true ? undefined : encoder.encode(next.value)) {
        if (sink.destroyed) return void (await iterator.return?.());
        if (!sink.write(frame(part!.body))) await drained(sink);
        next = await iterator.next();
      }
      exchange.end();
    } catch (thrown) {
      // The error frame of a stream that has begun: one more line `{"error": problem}`, or one `error` event.
      const problem = JSON.stringify(problemOf(toFailure(thrown), call.requestId));
      if (encoder.raw) exchange.destroy();
      else sink.end(events ? `event: error\ndata: ${problem}\n\n` : `${JSON.stringify({ error: JSON.parse(problem) as unknown })}\n`);
    }
  };

  return {
    async execute(exchange, call, bound, variables) {
      try {
        await (bound.plan.desc.methodKind === "server_streaming" ? serverStream : unary)(exchange, call, bound, variables);
      } catch (thrown) {
        refuse(exchange, call, await act.settle(call, thrown));
      }
    },
  };
}

/** If-Match and If-None-Match (RFC 9110 section 13.1) to the fields they stand for. */
function applyConditions(exchange: Exchange, message: Message, etag: boolean, createOnly: boolean): void {
  const target = message as unknown as { etag: string; createOnly: boolean };
  const match = exchange.header("if-match");
  if (match !== undefined && etag) {
    const one = /^\s*"([^"]*)"\s*$/.exec(match);
    if (one === null) throw fail(Reason.REQUEST_MALFORMED, { header: "if-match" }, { message: "If-Match must hold one strong entity tag" });
    target.etag = one[1]!;
  }
  if (createOnly && exchange.header("if-none-match")?.trim() === "*") target.createOnly = true;
}
