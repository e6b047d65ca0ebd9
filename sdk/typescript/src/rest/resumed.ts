/** A streamed response over as many connections as it takes. Every connection is one of server-sent events, since only these carry tokens; the caller reads what it asked for. */
import { overNetwork, parseJson } from "../runtime/attempt.js";
import type { Client } from "../runtime/client.js";
import { clientError, type ParapetError } from "../runtime/error.js";
import type { Progress } from "../runtime/execute.js";
import { createLeg, follow, type Leg } from "../runtime/follow.js";
import type { Method } from "../runtime/method.js";
import type { Scope } from "../runtime/scope.js";
import { createEventReader, isEvents, type ServerEvent } from "./events.js";
import { problemError, remember } from "./problem.js";

const encoder = new TextEncoder();

/** A stream that goes on behind its last event. */
export interface Resumed {
  /** Asks for events, behind the last one. */
  prepare(headers: Headers): void;
  /** The events of a response; undefined for one that has none, which cannot go on. */
  legOf(response: Response, scope: Scope): Promise<Leg<ServerEvent> | undefined>;
  /** The response with a body of everything that comes. `open`: opens the next connection, or fails with `broken`. */
  follow(response: Response, leg: Leg<ServerEvent>, open: (broken: ParapetError) => Promise<Leg<ServerEvent> | undefined>): Promise<Response>;
}

/** Makes one for a request: what it accepts decides what the caller reads, events or lines of JSON. */
export function createResumed(client: Client, method: Method, progress: Progress, request: Request): Resumed {
  const asEvents = /\btext\/event-stream\b/i.test(request.headers.get("accept") ?? "");
  const framed = ({ event, data, text }: ServerEvent): string => (asEvents ? text : event === "error" ? `{"error":${data}}\n` : `${data}\n`);
  let after = "";
  // The server's own word on why the stream ended: the caller gets it as it came.
  let last: ServerEvent | undefined;
  return {
    prepare(headers) {
      last = undefined;
      headers.set("accept", "text/event-stream");
      // In UTF-8, as browsers send it, where headers are made of bytes.
      if (after !== "") headers.set("last-event-id", String.fromCharCode(...encoder.encode(after)));
    },
    async legOf(response, scope) {
      const { body } = response;
      if (!body || !isEvents(response)) {
        // Nothing has been given yet: it is read as it is.
        if (after === "") return undefined;
        throw problemError(undefined, response, client.clock);
      }
      const reader = body.getReader();
      const read = createEventReader(() => reader.read(), client.messageBytesMax);
      return createLeg(scope, async () => {
        const event = await overNetwork(scope, read(), "the response broke off");
        if (event?.event !== "error") return event;
        last = event;
        throw problemError(parseJson(event.data), response, client.clock);
      });
    },
    async follow(response, leg, open) {
      const events = follow<ServerEvent>(method, progress, leg, "id", async (id, broken) => {
        after = id as string;
        return (await open(broken))!;
      });
      await events.next();
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          try {
            const { done, value } = await events.next();
            return done ? controller.close() : controller.enqueue(encoder.encode(framed(value)));
          } catch (thrown) {
            const failure = thrown as ParapetError;
            if (!last || failure.status === 0) return controller.error(failure);
            remember(answer, failure);
            controller.enqueue(encoder.encode(framed(last)));
            controller.close();
          }
        },
        // The generator may be waiting for its next event, and hears of nothing but its scope.
        cancel: () => progress.scope.end(clientError("CALL_CANCELLED", "the stream was left")),
      });
      const headers = new Headers(response.headers);
      if (!asEvents) headers.set("content-type", "application/x-ndjson");
      const answer = new Response(body, { status: response.status, statusText: response.statusText, headers });
      return answer;
    },
  };
}
