/** Reads a whole body within a bound, without an iterator a chunk. */
import type { Readable } from "node:stream";
import { fail, Failure, Reason } from "../errors.js";
import type { Exchange } from "./exchange.js";

const none = Buffer.alloc(0);

/**
 * Calls back once: with the body, or with MESSAGE_TOO_LARGE as soon as it is known to be, or CALL_CANCELLED.
 *
 * The listeners are the same for all bodies and find theirs on the stream, which lets go of it when it was read. A stream
 * outlives its call by far: what still hung on it would be moved to the old generation with it.
 */
export function readWhole(exchange: Exchange, bytesMax: number, done: (body: Buffer | Failure) => void): void {
  if (exchange.declaredBodyBytes() === 0) return done(none);
  // Who went while the gate decided is not heard of again.
  if (exchange.cut) return done(fail(Reason.CALL_CANCELLED));
  const source: Source = exchange.source;
  // Nor is the end of a body that turned out to hold nothing.
  if (source.readableEnded) return done(none);
  source[reading] = { exchange, bytesMax, done, first: undefined, more: undefined, length: 0 };
  source.on("data", onData);
  source.on("end", onEnd);
  source.on("close", onClose);
}

/** A body that is being read. */
interface Reading {
  readonly exchange: Exchange;
  readonly bytesMax: number;
  readonly done: (body: Buffer | Failure) => void;
  first: Buffer | undefined;
  more: Buffer[] | undefined;
  length: number;
}

const reading = Symbol("the body that is being read");

interface Source extends Readable {
  [reading]?: Reading | undefined;
}

/** Whoever is done hears what comes later and does nothing: to stop listening costs more. */
function finish(source: Source, { done }: Reading, outcome: Buffer | Failure): void {
  source[reading] = undefined;
  done(outcome);
}

function onData(this: Source, chunk: Buffer): void {
  const body = this[reading];
  if (body === undefined) return;
  body.length += chunk.length;
  if (body.length > body.bytesMax) {
    this.pause();
    this.off("data", onData);
    return finish(this, body, fail(Reason.MESSAGE_TOO_LARGE, { bytesMax: String(body.bytesMax) }, { message: `a message may have at most ${body.bytesMax} bytes` }));
  }
  if (body.first === undefined) body.first = chunk;
  else (body.more ??= [body.first]).push(chunk);
}

function onEnd(this: Source): void {
  const body = this[reading];
  if (body === undefined) return;
  const { exchange, first, more, length } = body;
  // A stream that was reset ends like one that is whole.
  finish(this, body, exchange.cut ? fail(Reason.CALL_CANCELLED) : more === undefined ? (first ?? none) : Buffer.concat(more, length));
}

function onClose(this: Source): void {
  const body = this[reading];
  if (body !== undefined) finish(this, body, fail(Reason.CALL_CANCELLED));
}
