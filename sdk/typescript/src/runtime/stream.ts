/** Streams of the server as async iterables, and streams of the client as one request. */
import { errorOf, isMessage, networkFailed, parseJson, readText, send } from "./attempt.js";
import { Call } from "./call.js";
import type { Client } from "./client.js";
import { createEnvelopeReader, encodeEnvelopes, type Envelope, flagCompressed, flagEnd } from "./envelope.js";
import { clientError } from "./error.js";
import { begin, type CallOptions, execute, type Outcome, type Performed, toJson, typed } from "./execute.js";
import type { Method } from "./method.js";
import type { Scope } from "./scope.js";

const contentType = "application/connect+json";
const decoder = new TextDecoder();

/** Messages from the server. Nothing is sent before they are asked for; leaving a loop closes the stream. Each read is a call of its own. */
export class ServerStream<T> implements AsyncIterable<T> {
  readonly #start: () => Promise<Outcome<AsyncGenerator<T, void, undefined>>>;

  constructor(start: () => Promise<Outcome<AsyncGenerator<T, void, undefined>>>) {
    this.#start = start;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    yield* (await this.#start()).value;
  }

  /** Starts the call; gives the messages together with status, headers and request id. Read the messages, or call `return()` on them: the connection stays open until then. */
  withResponse(): Promise<Outcome<AsyncGenerator<T, void, undefined>>> {
    return this.#start();
  }
}

/** Makes a stream of a method that streams from the server. It may be retried until its first message, as the contract allows. */
export function serverStream<T extends object>(client: Client, method: Method, request: unknown, options: CallOptions = {}): ServerStream<T> {
  const endless = options.timeoutMs === undefined;
  return new ServerStream<T>(async () => {
    const body = encodeEnvelopes([toJson(request, method)]);
    const progress = begin(client, method, options);
    const { scope } = progress;
    const { value: frames, response } = await execute(client, method, options, progress, async (attempt) => openFrames(client, await send(client, method, body, attempt), attempt.scope), endless);
    if (endless) scope.disarm();
    let whole = false;
    // A stream that was left early must not go on behind its reader's back; a whole one leaves its connection to the next call.
    const close = (): void => scope.end(whole ? undefined : clientError("CALL_CANCELLED", "the stream was left"));
    const read = async function* (): AsyncGenerator<T, void, undefined> {
      try {
        for (let frame = frames.first; ; frame = await scope.wait(frames.next())) {
          const message = messageOf<T>(frame, frames.response, client);
          if (message === undefined) {
            whole = true;
            return;
          }
          yield message;
        }
      } catch (thrown) {
        throw typed(thrown, method, progress.attempts());
      } finally {
        close();
      }
    };
    const value = read();
    const leave = value.return.bind(value);
    // A generator that was never started would end without its `finally`.
    value.return = (result) => {
      close();
      return leave(result);
    };
    return { value, response };
  });
}

/** The type of what a method that streams from the client takes. */
export type Messages<T> = Iterable<T> | AsyncIterable<T>;

/** Starts a call of a method that streams from the client. The messages are collected and sent as one body, since most platforms cannot do otherwise. */
export function clientStream<T extends object, R extends string>(client: Client, method: Method, requests: Messages<unknown>, options: CallOptions = {}): Call<T, R> {
  const run = async (): Promise<Outcome<T>> => {
    const progress = begin(client, method, options);
    const { scope } = progress;
    const collect = async (): Promise<Blob> => {
      const messages: string[] = [];
      for await (const request of requests) {
        // Nobody waits any more: let go of the source as well.
        if (scope.signal.aborted) break;
        messages.push(toJson(request, method));
      }
      return encodeEnvelopes(messages);
    };
    try {
      const body = await scope.wait(collect());
      return await execute(client, method, options, progress, async (attempt) => {
        const got = await send(client, method, body, attempt);
        const { value: frames, ...info } = await openFrames(client, got, attempt.scope);
        const message = messageOf<T>(frames.first, got, client);
        // The message counts only once the last frame says that the call succeeded.
        if (message === undefined || messageOf<T>(await attempt.scope.wait(frames.next()), got, client)) throw errorOf(got, undefined, client.clock);
        return { value: message, ...info };
      });
    } catch (thrown) {
      throw typed(thrown, method, progress.attempts());
    } finally {
      scope.end();
    }
  };
  return new Call<T, R>(run());
}

/** What a stream's response is read through. */
interface Frames {
  /** The frame that came first; read early, because a refusal is one. */
  readonly first: Envelope | undefined;
  readonly next: () => Promise<Envelope | undefined>;
  readonly response: Response;
}

async function openFrames(client: Client, response: Response, scope: Scope): Promise<Performed<Frames>> {
  if (!isMessage(response, contentType) || !response.body) {
    const json = parseJson(await readText(response, scope));
    throw errorOf(response, response.status === 200 ? undefined : json, client.clock);
  }
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const read = createEnvelopeReader(() => reader.read(), client.messageBytesMax);
  const next = async (): Promise<Envelope | undefined> => {
    try {
      return await read();
    } catch (cause) {
      if (cause instanceof RangeError) {
        throw clientError("RESPONSE_MALFORMED", cause.message, { code: "resource_exhausted", status: response.status });
      }
      throw networkFailed(scope, cause, "the stream broke off");
    }
  };
  const first = await scope.wait(next());
  // A refused stream is HTTP 200 with the error in its only frame: as an attempt it has failed.
  if (!first || first.flags & flagEnd) messageOf(first, response, client);
  return { value: { first, next, response }, status: response.status, headers: response.headers };
}

/** The message of a frame; undefined at the end of the stream. Throws the error that the stream ended with. */
function messageOf<T>(frame: Envelope | undefined, response: Response, client: Client): T | undefined {
  if (!frame) throw clientError("NETWORK_FAILED", "the stream ended without its last frame", { status: response.status });
  const json = frame.flags & flagCompressed ? undefined : parseJson(decoder.decode(frame.data));
  if (typeof json !== "object" || json === null) throw errorOf(response, undefined, client.clock);
  if (!(frame.flags & flagEnd)) return json as T;
  if ("error" in json && json.error) throw errorOf(response, json.error, client.clock);
  return undefined;
}
