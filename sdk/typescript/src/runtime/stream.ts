/** Streams of the server as async iterables, and streams of the client as one request. */
import { errorOf, isMessage, overNetwork, parseJson, send } from "./attempt.js";
import { Call, type Finish } from "./call.js";
import type { Client } from "./client.js";
import { createEnvelopeReader, encodeEnvelopes, flagEnd } from "./envelope.js";
import { utf8 } from "./details.js";
import { clientError, type ParapetError } from "./error.js";
import { type Attempt, begin, type CallOptions, execute, type Outcome, type Performed, toJson, typed } from "./execute.js";
import { createLeg, follow, type Leg } from "./follow.js";
import type { Method } from "./method.js";

/** Messages from the server. Nothing is sent before they are asked for; leaving a loop closes the stream. Each read is a call of its own. */
export class ServerStream<T> implements AsyncIterable<T> {
  /** Starts the call; gives the messages together with status, headers and request id. Read the messages, or call `return()` on them: the connection stays open until then. */
  declare readonly withResponse: () => Promise<Outcome<AsyncGenerator<T, void, undefined>>>;

  constructor(start: () => Promise<Outcome<AsyncGenerator<T, void, undefined>>>) {
    this.withResponse = start;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    yield* (await this.withResponse()).value;
  }
}

/** Makes a stream of a method that streams from the server. A broken one goes on behind its last message where the contract says how; before its first message it may be retried like any call. `finish`: see `hideSecrets`. */
export function serverStream<T>(client: Client, method: Method, request: unknown, options: CallOptions = {}, finish?: Finish): ServerStream<T> {
  const { resume } = method;
  return new ServerStream<T>(async () => {
    let body = encodeEnvelopes([toJson(request, method)]);
    const progress = begin(client, options);
    const open = (broken?: ParapetError): Promise<Outcome<Leg<T>>> =>
      execute(client, method, options, progress, (attempt) => openLeg<T>(client, method, body, attempt, finish), options.timeoutMs === undefined, broken);
    const { value: first, response } = await open();
    const value = follow(method, progress, first, resume?.response, async (token, broken) => {
      body = encodeEnvelopes([toJson({ ...(request as object), [resume!.request]: token }, method)]);
      return (await open(broken)).value;
    });
    await value.next();
    return { value, response };
  });
}

/** The type of what a method that streams from the client takes. */
export type Messages<T> = Iterable<T> | AsyncIterable<T>;

/** Starts a call of a method that streams from the client. The messages are collected and sent as one body, since most platforms cannot do otherwise. */
export function clientStream<T, R extends string>(client: Client, method: Method, requests: Messages<unknown>, options: CallOptions = {}, finish?: Finish): Call<T, R> {
  const run = async (): Promise<Outcome<T>> => {
    const progress = begin(client, options);
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
        const { value, ...info } = await openLeg<T>(client, method, body, attempt, finish);
        const message = await value.next();
        // The message counts only once the last frame says that the call succeeded.
        if (message === undefined || (await value.next()) !== undefined) throw clientError("RESPONSE_MALFORMED", "there is not one message in the response", info);
        return { value: message, ...info };
      });
    } catch (thrown) {
      throw typed(thrown, method, progress.attempts);
    } finally {
      scope.end();
    }
  };
  return new Call<T, R>(run());
}

/** Opens one connection. */
async function openLeg<T>(client: Client, method: Method, body: Blob, attempt: Attempt, finish: Finish | undefined): Promise<Performed<Leg<T>>> {
  const response = await send(client, method, body, attempt);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const read = createEnvelopeReader(() => reader.read(), client.messageBytesMax);
  const leg = await createLeg(attempt.scope, async () => {
    const { flags, data } = await overNetwork(attempt.scope, read(), "the response broke off");
    // A compressed message is no JSON; nobody asked for one.
    const json = parseJson(utf8.decode(data));
    const isEnd = flags & flagEnd;
    if (!isMessage(json, isEnd ? {} : method)) throw errorOf(response, undefined, client.clock);
    if (!isEnd) {
      finish?.(json as object, method);
      return json as T;
    }
    if ("error" in (json as object)) throw errorOf(response, (json as { error: unknown }).error, client.clock);
    return undefined;
  });
  return { value: leg, status: response.status, headers: response.headers };
}
