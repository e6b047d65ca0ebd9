/** A transport that can be closed: what still runs is cancelled, and nothing starts after it. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import type { Clock } from "../runtime/clock.js";
import { clientError } from "../runtime/error.js";
import { createScope, type Scope } from "../runtime/scope.js";

/** A transport, and what closes it. */
export interface ClosingTransport {
  readonly transport: Transport;
  /** Cancels all calls, those that are started later too. */
  close(): void;
}

/** Wraps a transport, which must heed the signal of a call in all that it does: a repetition would open the connection anew. */
export function createClosingTransport(inner: Transport, clock: Clock): ClosingTransport {
  const open = new Set<Scope>();
  let isClosed = false;
  const closed = () => clientError("CALL_CANCELLED", "the client was closed");
  const enter = (signal: AbortSignal | undefined): Scope => {
    const scope = createScope({ clock, timeoutMs: Infinity, parent: signal, timedOut: closed });
    open.add(scope);
    // Of a stream that nobody reads any more this is all that is heard.
    scope.signal.addEventListener("abort", () => open.delete(scope));
    if (isClosed) scope.end(closed());
    return scope;
  };
  const leave = (scope: Scope): void => {
    open.delete(scope);
    scope.end();
  };
  const transport: Transport = {
    async unary(desc, signal, ...call) {
      const scope = enter(signal);
      try {
        return await inner.unary(desc, scope.signal, ...call);
      } finally {
        leave(scope);
      }
    },
    async stream(desc, signal, ...call) {
      const scope = enter(signal);
      const messages = async function* (received: AsyncIterable<MessageShape<DescMessage>>) {
        try {
          yield* received;
        } finally {
          leave(scope);
        }
      };
      try {
        const response = await inner.stream(desc, scope.signal, ...call);
        return { ...response, message: messages(response.message) as typeof response.message };
      } catch (thrown) {
        leave(scope);
        throw thrown;
      }
    },
  };
  return {
    transport,
    close() {
      isClosed = true;
      for (const scope of open) scope.end(closed());
    },
  };
}
