/** Compression of request messages: where each protocol names it, and which are read. */
import { Protocol } from "../call.js";
import { fail, type Failure, Reason } from "../errors.js";
import type { Exchange, HeaderList } from "./exchange.js";
import type { Spelling } from "./protocol.js";

/** Compressions that are read on every protocol but REST, which reads gzip alone. */
export const knownEncodings: ReadonlySet<string> = new Set(["identity", "gzip", "br"]);

/** The compression that a call names for its messages; `identity` if it names none. */
export function encodingOf(exchange: Exchange, { protocol, stream }: Spelling): string {
  return namedEncoding(exchange, protocol, stream) || "identity";
}

function namedEncoding(exchange: Exchange, protocol: Protocol, stream: boolean): string | null | undefined {
  if (protocol !== Protocol.CONNECT) return exchange.header("grpc-encoding");
  if (stream) return exchange.header("connect-content-encoding");
  return exchange.verb === "POST" ? exchange.header("content-encoding") : new URLSearchParams(exchange.query).get("compression");
}

/** The refusal of any other. */
export function encodingUnsupported(): Failure {
  return fail(Reason.ENCODING_UNSUPPORTED, {}, { message: "a message may be sent as it is, in gzip or in br" });
}

const named = "gzip,br";

/**
 * Names the compressions that are read to a caller that used another (RFC 9110 section 12.5.3; gRPC compression;
 * Connect protocol, Unary-Response and Streaming-Response).
 */
export function acceptedEncodings({ reason }: Failure, { protocol, stream }: Spelling): HeaderList {
  if (reason !== Reason.ENCODING_UNSUPPORTED) return none;
  if (protocol === Protocol.GRPC || protocol === Protocol.GRPC_WEB) return [["grpc-accept-encoding", named]];
  if (protocol === Protocol.CONNECT) return [[stream ? "connect-accept-encoding" : "accept-encoding", named]];
  return [["accept-encoding", "gzip"]];
}

const none: HeaderList = [];
