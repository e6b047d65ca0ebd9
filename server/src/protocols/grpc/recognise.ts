/** Tells gRPC calls by their content type and reads their deadline (gRPC over HTTP/2, Requests). */
import { Protocol } from "../../call.js";
import type { Spelling } from "../protocol.js";

const spelling = (codec: "proto" | "json", contentType: string): Spelling => ({ protocol: Protocol.GRPC, codec, text: false, stream: true, contentType });

/** Spellings by media type. */
export const spellings: ReadonlyMap<string, Spelling> = new Map([
  ["application/grpc", spelling("proto", "application/grpc")],
  ["application/grpc+proto", spelling("proto", "application/grpc+proto")],
  ["application/grpc+json", spelling("json", "application/grpc+json")],
]);

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** The deadline in milliseconds; undefined: none. "malformed" if it cannot be read. */
export function timeoutMs(header: string | undefined): number | undefined | "malformed" {
  if (header === undefined) return undefined;
  const match = /^(\d{1,8})([HMSmun])$/.exec(header);
  return match === null ? "malformed" : Number(match[1]) * unitMs[match[2]!]!;
}
