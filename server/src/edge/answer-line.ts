/** The answers that one HTTP/1.1 connection waits for, in their order: pipelined requests are worked on side by side. */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Where a connection keeps the newest answer that had others ahead of it. Most connections never have one. */
const behindOthers = Symbol("newest answer behind others");

interface Line extends Socket {
  /** Node's own name for the answer that is next. */
  _httpMessage?: ServerResponse | null;
  [behindOthers]?: ServerResponse;
}

/** The answer that is next; undefined: nobody waits. */
export function nextAnswer(socket: Socket): ServerResponse | undefined {
  return (socket as Line)._httpMessage ?? undefined;
}

/** The last answer that somebody waits for; undefined: nobody waits. */
export function lastAnswer(socket: Socket): ServerResponse | undefined {
  const queued = (socket as Line)[behindOthers];
  return queued === undefined || queued.writableFinished ? nextAnswer(socket) : queued;
}

/**
 * Takes the answer to a request that has come into the line. False: an answer ahead of it ends the connection, so that
 * the request must not be processed, and nobody will answer it (RFC 9112 section 9.6).
 */
export function joinLine(socket: Socket, response: ServerResponse): boolean {
  const ahead = lastAnswer(socket);
  if (ahead === undefined || ahead === response) return true;
  (socket as Line)[behindOthers] = response;
  if (ahead.shouldKeepAlive) return true;
  response.shouldKeepAlive = false;
  return false;
}

/** Calls back once every request that came whole is answered; with the answer to one that did not come whole, where there is one. */
export function afterWholeRequests(socket: Socket, then: (unfinished: ServerResponse | undefined) => void): void {
  const next = nextAnswer(socket);
  if (next?.req.complete !== true) return then(next);
  // Node moves the line up in a listener of its own that was there before.
  next.once("finish", () => afterWholeRequests(socket, then));
}
