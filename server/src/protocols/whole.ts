/** Reads a whole body within a bound, without an iterator a chunk. */
import { fail, Failure, Reason } from "../errors.js";
import type { Exchange } from "./exchange.js";

const none = Buffer.alloc(0);

/** Calls back once: with the body, or with MESSAGE_TOO_LARGE as soon as it is known to be, or CALL_CANCELLED. */
export function readWhole(exchange: Exchange, bytesMax: number, done: (body: Buffer | Failure) => void): void {
  if (exchange.declaredBodyBytes() === 0) return done(none);
  // Who went while the gate decided is not heard of again.
  if (exchange.cut) return done(fail(Reason.CALL_CANCELLED));
  const { source } = exchange;
  let first: Buffer | undefined;
  let more: Buffer[] | undefined;
  let length = 0;
  let over = false;
  // Whoever is done hears what comes later and does nothing: to stop listening costs more.
  const finish = (outcome: Buffer | Failure): void => {
    if (over) return;
    over = true;
    done(outcome);
  };
  const onData = (chunk: Buffer): void => {
    length += chunk.length;
    if (length > bytesMax) {
      source.pause();
      source.off("data", onData);
      return finish(fail(Reason.MESSAGE_TOO_LARGE, { bytesMax: String(bytesMax) }, { message: `a message may have at most ${bytesMax} bytes` }));
    }
    if (first === undefined) first = chunk;
    else (more ??= [first]).push(chunk);
  };
  // A stream that was reset ends like one that is whole.
  const onEnd = (): void => finish(exchange.cut ? fail(Reason.CALL_CANCELLED) : more === undefined ? (first ?? none) : Buffer.concat(more, length));
  const onGone = (): void => {
    if (!over) finish(fail(Reason.CALL_CANCELLED));
  };
  source.on("data", onData);
  source.on("end", onEnd);
  source.on("close", onGone);
}
