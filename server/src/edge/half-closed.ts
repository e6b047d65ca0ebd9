/** Callers over HTTP/1.1 that close their side of the connection behind their request, and wait for the answer. */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { halfClosedIdleMs, halfClosedProbesMs } from "../limits.js";
import { nextAnswer } from "./answer-line.js";

/** Lets a server answer callers that have closed their side. Node's own servers know the property, and do not document it. */
export function allowHalfClosed(server: Server): void {
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
}

/**
 * Watches a connection that was given to such a server. One that goes away altogether closes its side as well, so whoever
 * has no answer yet is told now and then that it is being worked on (102): the system of a caller that is gone refuses the
 * first, the second cannot be sent, and the call is cancelled. An answer that has begun is cut, as who reads it goes.
 */
export function watchHalfClosed(socket: Socket): void {
  socket.allowHalfOpen = true;
  // Behind Node's own listener, which ends the connection if nobody waits for an answer, and with the last answer else.
  socket.on("end", onEnd);
}

function onEnd(this: Socket): void {
  const next = nextAnswer(this);
  if (next === undefined || this.destroyed) return;
  if (next.headersSent) return void this.end();
  // Of a stream that begins now and falls silent nobody would learn that its caller has gone: Node does not read any more.
  this.setTimeout(halfClosedIdleMs);
  let asked = 0;
  const ask = (): void => {
    const waiting = nextAnswer(this);
    if (waiting === undefined || waiting.headersSent) return;
    // HTTP/1.0 knows no answers ahead of the answer.
    if (waiting.req.httpVersionMinor > 0) waiting.writeProcessing();
    timer = later();
  };
  const later = (): NodeJS.Timeout => setTimeout(ask, halfClosedProbesMs[Math.min(asked++, halfClosedProbesMs.length - 1)]);
  let timer = later();
  this.once("close", () => clearTimeout(timer));
}
