/** The wire form of a unary gRPC call (gRPC over HTTP/2): one length-prefixed message each way, the status in trailers. */
import type { Trailers } from "../exchange.js";
import { onlyMessage, prefixed } from "../frame.js";
import type { UnaryProtocol } from "../protocol.js";

const ok: Trailers = { "grpc-status": "0" };

/** gRPC. */
export const unary: UnaryProtocol = {
  name: "grpc",
  acceptEncoding: (exchange) => exchange.header("grpc-accept-encoding"),
  unwrap: (_exchange, _spelling, body, bounds) => onlyMessage(body, bounds),
  answer(exchange, spelling, message, coding, headers, added) {
    const head = coding !== undefined ? [["content-type", spelling.contentType], ["grpc-encoding", coding], ...headers] as const : [["content-type", spelling.contentType], ...headers] as const;
    if (added === undefined) exchange.send(200, head, prefixed(message, coding !== undefined), ok);
    else exchange.send(200, [...added.headers, ...head], prefixed(message, coding !== undefined), { ...Object.fromEntries(added.trailers), ...ok });
  },
};
