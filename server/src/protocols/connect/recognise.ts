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

/** How a GET or an unreadable POST is refused: as a unary call in JSON. */
export const unaryJson: Spelling = spellings.get("application/json")!;

const ofEncoding: ReadonlyMap<string | null, Spelling> = new Map([
  ["json", unaryJson],
  ["proto", spellings.get("application/proto")!],
]);

/** How the query of a GET spells its message; undefined if it does not say, or something else (Connect protocol, Unary-Get-Request). */
export function ofQuery(query: string): Spelling | undefined {
  return ofEncoding.get(new URLSearchParams(query).get("encoding"));
}

/**
 * True unless a call names another version of the protocol than 1, the only one there is; whoever names none means it
 * (Connect protocol, Connect-Protocol-Version and Connect-Version-Query).
 */
export function isVersionKnown(verb: string, query: string, header: string | undefined): boolean {
  if (verb === "POST") return header === undefined || header === "1" || header === "";
  return ["v1", ""].includes(new URLSearchParams(query).get("connect") ?? "");
}

/** The deadline in milliseconds; undefined: none. "malformed" if it cannot be read. */
export function timeoutMs(header: string | undefined): number | undefined | "malformed" {
  if (header === undefined) return undefined;
  return /^\d{1,10}$/.test(header) ? Number(header) : "malformed";
}
