/** Writes the answers of one turn of the event loop back to back. */
import type { ServerResponse } from "node:http";
import { withTurn } from "../turn.js";

/** An answer whose head is written, with its body. */
interface Answer {
  readonly response: ServerResponse;
  readonly body: Uint8Array | string | undefined;
}

/**
 * Sends an answer at the end of this turn of the event loop. One that goes out alone wakes the process at the other end of the
 * connection, or the proxy between; of answers that follow each other at once only the first does. With 64 calls in flight that
 * is a third of what a small call costs.
 */
export const endWithTurn = withTurn<Answer>((answers) => {
  for (const { response, body } of answers) {
    if (body === undefined) response.end();
    else response.end(body);
  }
});
