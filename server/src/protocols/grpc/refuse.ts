/** Writes a failure as gRPC: HTTP 200, headers, then the status in the trailers (gRPC over HTTP/2, Responses). */
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { StatusSchema } from "@parapet/contract/google/rpc/status_pb";
import { detailsOf, type Failure } from "../../errors.js";
import { base64, type Refuse } from "../protocol.js";

/** The trailers of a failure; shared with gRPC-Web. */
export function statusTrailers(failure: Failure): [name: string, value: string][] {
  const status = create(StatusSchema, {
    code: failure.facts.code,
    message: failure.message,
    details: detailsOf(failure).map(({ desc, value }) => anyPack(desc, value)),
  });
  const trailers: [string, string][] = [
    ["grpc-status", String(failure.facts.code)],
    ["grpc-message", percentEncode(failure.message)],
    ["grpc-status-details-bin", base64(toBinary(StatusSchema, status))],
  ];
  if (failure.options.retryAfterMs !== undefined) trailers.push(["grpc-retry-pushback-ms", String(Math.ceil(failure.options.retryAfterMs))]);
  return trailers;
}

/** Percent-Encoded of the gRPC specification: everything outside the printable ASCII range, and `%`. */
export function percentEncode(text: string): string {
  if (/^[ -$&-~]*$/.test(text)) return text;
  let out = "";
  for (const byte of Buffer.from(text)) {
    out += byte >= 0x20 && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}

/** Headers first, so that limit headers are headers and never trailers (RL-12). */
export const refuse: Refuse = (exchange, spelling, failure, headers, added) => {
  exchange.send(200, [["content-type", spelling.contentType], ...headers, ...(added?.headers ?? [])], undefined, Object.fromEntries([...(added?.trailers ?? []), ...statusTrailers(failure)]));
};
