/** A server in memory: answers the SDK's own requests by handlers, through the client's whole runtime. */
import type { Call } from "../runtime/call.js";
import { type Client, createClient, type Fetch } from "../runtime/client.js";
import { createEnvelopeReader, encodeEnvelopes, flagEnd, headBytes } from "../runtime/envelope.js";
import type { Paged } from "../runtime/paged.js";
import type { ServerStream } from "../runtime/stream.js";
import { Refusal, refuse, statusOf } from "./refusal.js";

// Exactly `any`: functions of all methods must fit, and their parameters are compared in both directions.
type Method = (client: Client, request: any, options?: any) => unknown;

/** What a handler gets: the request, or all requests of a method that streams from the client. */
type RequestOf<M extends Method> = M extends (client: Client, request: infer R, ...rest: never[]) => unknown ? ([Extract<R, AsyncIterable<unknown>>] extends [never] ? Exclude<R, undefined> : Extract<R, AsyncIterable<unknown>> extends AsyncIterable<infer One> ? readonly One[] : never) : never;

/** A message of which some fields are left out, at any depth. */
export type Sketch<T> = T extends readonly (infer One)[] ? readonly Sketch<One>[] : T extends object ? { readonly [Name in keyof T]?: Sketch<T[Name]> } : T;

/** What a handler answers with: the response, or the messages of a stream. */
type ResponseOf<M extends Method> =
  ReturnType<M> extends Paged<unknown, infer Page, string>
    ? Sketch<Page>
    : ReturnType<M> extends ServerStream<infer One>
      ? Iterable<Sketch<One>> | AsyncIterable<Sketch<One>>
      : ReturnType<M> extends Call<infer T, string>
        ? Sketch<T>
        : never;

/** Answers calls of one method. A refusal may be returned or thrown; anything else that is thrown is an INTERNAL error. */
export type Handler<M extends Method> = (request: RequestOf<M>, call: SeenCall) => ResponseOf<M> | Refusal | Promise<ResponseOf<M> | Refusal>;

/** A call as it arrived. */
export interface SeenCall {
  /** `package.Service/Method`. */
  readonly method: string;
  /** The request as JSON; of a client stream the list of messages. */
  readonly request: unknown;
  readonly headers: Headers;
}

/** A server in memory. */
export interface FakeServer {
  /** Give it to a client as its `fetch`; the client's `baseUrl` may be any. */
  readonly fetch: Fetch;
  /** Every call so far, retries included. */
  readonly calls: readonly SeenCall[];
  /** Sets the handler of a method, named by its generated function: `server.on(documentsGet, () => ({ document }))`. A method without one answers METHOD_UNKNOWN. */
  on<M extends Method>(method: M, handler: Handler<M>): FakeServer;
}

type AnyHandler = (request: unknown, call: SeenCall) => unknown;

/** Makes a server without handlers. */
export function createFakeServer(): FakeServer {
  const calls: SeenCall[] = [];
  const handlers: Promise<readonly [name: string, entry: Probed & { readonly handler: AnyHandler }]>[] = [];
  const server: FakeServer = {
    calls,
    on(method, handler) {
      handlers.push(probe(method).then((found) => [found.name, { ...found, handler: handler as AnyHandler }] as const));
      return server;
    },
    async fetch(url, init) {
      const method = new URL(url).pathname.split("/").slice(-2).join("/");
      const headers = new Headers(init.headers);
      const streaming = headers.get("content-type") === "application/connect+json";
      const messages = await messagesOf(new Response(init.body), streaming);
      const entry = new Map(await Promise.all(handlers)).get(method);
      const request = entry?.takesMany ? messages : messages[0];
      const one: SeenCall = { method, request, headers };
      calls.push(one);
      const answer = await settle(async () => (entry ? entry.handler(request, one) : refuse("METHOD_UNKNOWN", { message: `no handler for ${method}: set one with on()` })));
      init.signal?.throwIfAborted();
      if (streaming) return streamed(answer, entry?.takesMany);
      // What is no JSON is the handler's mistake, not the network's.
      const response = await settle(async () => unary(answer));
      return response instanceof Refusal ? unary(response) : (response as Response);
    },
  };
  return server;
}

async function settle(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (thrown) {
    return thrown instanceof Refusal ? thrown : refuse("INTERNAL", { message: `the handler failed: ${String(thrown)}` });
  }
}

function unary(answer: unknown): Response {
  if (!(answer instanceof Refusal)) return Response.json(answer === undefined ? {} : answer);
  const { code, wire, retryAfterMs } = answer;
  return Response.json(wire, { status: statusOf[code], headers: retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(retryAfterMs / 1000)) } });
}

/** The frames of an answer: of one message where the client streams, else of as many as it holds. */
function streamed(answer: unknown, isOne = false): Response {
  const frames = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    let refusal = answer instanceof Refusal ? answer : undefined;
    if (!refusal) {
      try {
        const many = !isOne && typeof answer === "object" && answer !== null && (Symbol.asyncIterator in answer || Symbol.iterator in answer);
        for await (const message of many ? (answer as AsyncIterable<unknown>) : [answer === undefined ? {} : answer]) yield await frame(message, 0);
      } catch (thrown) {
        refusal = (await settle(() => Promise.reject(thrown as Error))) as Refusal;
      }
    }
    yield frame(refusal ? { error: refusal.wire } : {}, flagEnd);
  };
  const all = frames();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await all.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await all.return();
    },
  });
  return new Response(body, { headers: { "content-type": "application/connect+json" } });
}

async function frame(message: unknown, flags: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(await encodeEnvelopes([JSON.stringify(message)]).arrayBuffer());
  bytes[0] = flags;
  return bytes;
}

async function messagesOf(body: Response, streaming: boolean): Promise<unknown[]> {
  if (!streaming) return [await body.json()];
  const messages: unknown[] = [];
  const blob = await body.blob();
  const reader = blob.stream().getReader();
  const next = createEnvelopeReader(() => reader.read(), Infinity);
  for (let read = 0; read < blob.size; ) {
    const { data } = await next();
    read += headBytes + data.length;
    messages.push(JSON.parse(new TextDecoder().decode(data)));
  }
  return messages;
}

/** What is learned of a generated function. */
interface Probed {
  /** `package.Service/Method`. */
  readonly name: string;
  /** True if it streams from the client. */
  readonly takesMany: boolean;
}

/** Which method a generated function calls: seen by letting it call, with an empty list as the request. */
async function probe(method: Method): Promise<Probed> {
  let found: Probed | undefined;
  const client = createClient({
    baseUrl: "http://probe.invalid",
    retries: 0,
    async fetch(url, { body }) {
      // Of a list of messages nothing is left; a message that is a list has at least its frame.
      found = { name: new URL(url).pathname.slice(1), takesMany: (await new Response(body).blob()).size === 0 };
      return new Response(null, { status: 204 });
    },
  });
  const started = method(client, []) as Partial<Paged<unknown, unknown> & ServerStream<unknown>>;
  await started.withResponse?.().catch(() => {});
  if (!found) throw new TypeError("on() takes a generated function such as documentsGet");
  return found;
}
