/** A stream of the server over as many connections as it takes. */
import { clientError, type ParapetError } from "./error.js";
import { type Progress, typed } from "./execute.js";
import type { Method } from "./method.js";
import type { Scope } from "./scope.js";

/** One connection of a stream. */
export interface Leg<T> {
  /** The next message; undefined at the end of the stream. */
  readonly next: () => Promise<T | undefined>;
  /** Bounds this connection alone. */
  readonly scope: Scope;
}

/** A connection of which the first message has been read: a refused stream is HTTP 200 with the error behind it, and as an attempt it has failed. */
export async function createLeg<T>(scope: Scope, receive: () => Promise<T | undefined>): Promise<Leg<T>> {
  let early: ReturnType<typeof receive> | undefined = receive();
  await scope.wait(early);
  return {
    scope,
    next() {
      const message = early ?? receive();
      early = undefined;
      return message;
    },
  };
}

/**
 * All messages, each once: after a broken connection it goes on behind the last message that was given, where the contract says how. Fails with ParapetError only.
 * The first thing it gives is no message: take it at once, so that the generator has begun and closes what is open even if nobody reads it.
 * `tokenField`: the field of a message that says where to go on. `open`: opens the next connection there, or fails with `broken` where the stream must not go on.
 */
export async function* follow<T>(
  method: Method,
  progress: Progress,
  leg: Leg<T>,
  tokenField?: string,
  open?: (token: unknown, broken: ParapetError) => Promise<Leg<T>>,
): AsyncGenerator<T, void, undefined> {
  const { scope } = progress;
  let token: unknown;
  let whole = false;
  try {
    for (let message = {} as T | undefined; message !== undefined; ) {
      token = tokenField && (message as Record<string, unknown> | null)?.[tokenField];
      yield message;
      while (true) {
        try {
          message = await scope.wait(leg.next());
          break;
        } catch (thrown) {
          const broken = typed(thrown, method, progress.attempts);
          if (!token || !open) throw broken;
          leg.scope.end(broken);
          leg = await open(token, broken);
        }
      }
    }
    whole = true;
  } finally {
    // A stream that was left early must not go on behind its reader's back; a whole one leaves its connection to the next call.
    scope.end(whole ? undefined : clientError("CALL_CANCELLED", "the stream was left"));
  }
}
