/** Writes the answers of one turn of the event loop back to back. */
import type { ServerResponse } from "node:http";

/**
 * Sends a response whose head is written, with its body, at the end of this turn of the event loop. An answer that goes out
 * alone wakes the process at the other end of the connection, or the proxy between; of answers that follow each other at
 * once only the first does. With 64 calls in flight that is a third of what a small call costs.
 */
export function endWithTurn(response: ServerResponse, body: Uint8Array | string | undefined): void {
  if (waiting.push({ response, body }) === 1) setImmediate(endAll);
}

let waiting: { readonly response: ServerResponse; readonly body: Uint8Array | string | undefined }[] = [];

function endAll(): void {
  const all = waiting;
  waiting = [];
  for (const { response, body } of all) {
    if (body === undefined) response.end();
    else response.end(body);
  }
}
