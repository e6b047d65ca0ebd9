/** Tells Connect calls by their content type or query, and reads their deadline (Connect protocol). */
import { Protocol } from "../../call.js";
import type { Spelling } from "../protocol.js";

const spelling = (codec: "proto" | "json", stream: boolean, contentType: string): Spelling => ({ protocol: Protocol.CONNECT, codec, text: false, stream, contentType });

/** Spellings by media type. */
export const spellings: ReadonlyMap<string, Spelling> = new Map([
  ["application/json", spelling("json", false, "application/json")],
  ["application/proto", spelling("proto", false, "application/proto")],
  ["application/connect+json", spelling("json", true, "application/connect+json")],
  ["application/connect+proto", spelling("proto", true, "application/connect+proto")],
]);

/** How a GET or an unreadable POST is answered: as a unary call in JSON. */
export const unaryJson: Spelling = spellings.get("application/json")!;

/** The deadline in milliseconds; undefined: none. "malformed" if it cannot be read. */
export function timeoutMs(header: string | undefined): number | undefined | "malformed" {
  if (header === undefined) return undefined;
  return /^\d{1,10}$/.test(header) ? Number(header) : "malformed";
}
