/** The wire form of a unary gRPC call (gRPC over HTTP/2): one length-prefixed message each way, the status in trailers. */
import type { Trailers } from "../exchange.js";
import { onlyMessage, prefixed } from "../frame.js";
import type { UnaryProtocol } from "../protocol.js";

const ok: Trailers = { "grpc-status": "0" };

/** gRPC. */
export const unary: UnaryProtocol = {
  name: "grpc",
  requestEncoding: (exchange) => exchange.header("grpc-encoding"),
  acceptEncoding: (exchange) => exchange.header("grpc-accept-encoding"),
  unwrap: (_exchange, _spelling, body, encoding) => onlyMessage(body, encoding),
  answer(exchange, spelling, message, compressed, headers, context) {
    const head = compressed ? [["content-type", spelling.contentType], ["grpc-encoding", "gzip"], ...headers] as const : [["content-type", spelling.contentType], ...headers] as const;
    const added = context.addedHeaders;
    const trailing = context.addedTrailers;
    exchange.send(200, added === undefined ? head : [...added, ...head], prefixed(message, compressed), trailing === undefined ? ok : { ...Object.fromEntries(trailing), ...ok });
  },
};

