/** gRPC over HTTP/2 (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md). */
import { frame, frames } from "./envelope.js";
import { binaryOf, credentialHeaders, fromBinaryMessage, inflated } from "./messages.js";
import { fromGrpcTrailers } from "./status.js";
import type { Codec } from "./wire.js";

/** The gRPC codec. Calls of every kind send one message. */
export const grpc: Codec = {
  encode: (method, request, options) => ({
    verb: "POST",
    path: method.path,
    headers: [
      ["content-type", "application/grpc+proto"],
      ["te", "trailers"],
      ...(options.gzip ? [["grpc-encoding", "gzip"] as const] : []),
      ...credentialHeaders(options.credential),
      ...(options.headers ?? []),
    ],
    body: frame(options.payload ?? binaryOf(method.desc.input, request), options.gzip ? 1 : 0),
  }),
  decode: (method, { headers, trailers, body }) => {
    // A refusal may come as headers alone ("Trailers-Only").
    const outcome = fromGrpcTrailers(trailers.has("grpc-status") ? trailers : headers);
    const messages = frames(body).map(({ flags, data }) => fromBinaryMessage(method.desc.output, inflated(data, (flags & 1) === 1)));
    return { ...outcome, messages };
  },
};
