/** What goes out and what comes back in one exchange, the same for both versions of HTTP. */

/** Names in lower case and values, in the order they were sent; a name may repeat. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** How a body goes out: with its length, without, or without and in small pieces. */
export type Delivery = "declared" | "undeclared" | "torn";

/** One request, as it goes on the wire. */
export interface Sent {
  readonly verb: string;
  /** Path with query, sent as it is. */
  readonly path: string;
  readonly headers: Fields;
  /** Undefined: the request ends with its head and says nothing of a body. */
  readonly body: Buffer | undefined;
  readonly delivery: Delivery;
}

/** What came back. */
export interface Arrived {
  /** `answered`, or why nothing whole came. */
  readonly outcome: string;
  readonly status: number;
  readonly headers: Fields;
  readonly trailers: Fields;
  readonly body: Buffer;
}

/** The pieces in which a body goes out; at most a dozen, the first a single byte. */
export function piecesOf(body: Buffer, delivery: Delivery): Buffer[] {
  if (body.length === 0) return [];
  if (delivery !== "torn") return [body];
  const pieces = [body.subarray(0, 1)];
  const size = Math.max(3, Math.ceil(body.length / 11));
  for (let at = 1; at < body.length; at += size) pieces.push(body.subarray(at, at + size));
  return pieces;
}
