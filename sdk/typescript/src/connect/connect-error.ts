/** Errors of connect-es as the one error of the SDK, with the same reasons on every protocol. */
import { Code, ConnectError } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { retryAfterMsOf } from "../runtime/attempt.js";
import type { Clock } from "../runtime/clock.js";
import type { Code as CodeName } from "../runtime/codes.js";
import { decodeDetail, findDetail } from "../runtime/details.js";
import { clientError, ParapetError } from "../runtime/error.js";
import { requestIdOf } from "../runtime/execute.js";

/** Codes that connect-es gives a broken connection. */
const ofNetwork: readonly Code[] = [Code.Aborted, Code.Internal, Code.Unavailable, Code.Unknown];

/** A value thrown by a transport as ParapetError. */
export function toParapetError(thrown: unknown, clock: Clock): ParapetError {
  if (thrown instanceof ParapetError) return thrown;
  if (!(thrown instanceof ConnectError)) return clientError("UNSPECIFIED", "the call failed", { cause: thrown });
  // What the call was ended with travels as the cause.
  if (thrown.cause instanceof ParapetError) return thrown.cause;
  const details = thrown.details.flatMap((detail) => ("type" in detail ? [decodeDetail(detail.type, detail.value)] : []));
  const code = codeToString(thrown.code) as CodeName;
  const { rawMessage, metadata, cause } = thrown;
  const facts = { code, message: rawMessage || code, details, requestId: requestIdOf(metadata), retryAfterMs: retryAfterMsOf(metadata, clock) };
  if (!findDetail(details, "google.rpc.ErrorInfo")) {
    const type = metadata.get("content-type");
    if (type && !type.startsWith("application/")) return clientError("RESPONSE_MALFORMED", rawMessage, facts);
    // What it finds wrong itself connect-es gives a code like a server's, but no headers.
    const own = type ? undefined : /^(serialize )|^(protocol error|parse |message size|missing trailer|unsupported content)/.exec(rawMessage);
    if (own) return clientError(own[1] ? "REQUEST_INVALID" : "RESPONSE_MALFORMED", rawMessage);
    // Node's HTTP/2 says of a connection that was reset that its streams were cancelled; here nobody cancelled.
    if (thrown.code === Code.Canceled || (cause !== undefined && ofNetwork.includes(thrown.code))) return clientError("NETWORK_FAILED", "the connection failed", { cause });
  }
  return new ParapetError(facts);
}
