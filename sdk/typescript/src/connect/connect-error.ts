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

/** An error of connect-es as ParapetError; all else as it is. `status`: HTTP status of the response, where there was one and the transport shows it. */
export function toParapetError(thrown: unknown, clock: Clock, status?: number): unknown {
  if (!(thrown instanceof ConnectError)) return thrown;
  // What the call was ended with travels as the cause.
  if (thrown.cause instanceof ParapetError) return thrown.cause;
  const details = thrown.details.flatMap((detail) => ("type" in detail ? [decodeDetail(detail.type, detail.value)] : []));
  const code = codeToString(thrown.code) as CodeName;
  const { rawMessage, metadata, cause } = thrown;
  const facts = { code, message: rawMessage || code, details, requestId: requestIdOf(metadata), retryAfterMs: retryAfterMsOf(metadata, clock), status };
  if (!findDetail(details, "google.rpc.ErrorInfo")) {
    const type = metadata.get("content-type");
    // Of an answer that is none, connect-es knows the status, or a type of which it speaks itself.
    if ((type && (!type.startsWith("application/") || rawMessage.endsWith(` content type ${type}`))) || /^HTTP \d+$/.test(rawMessage)) return clientError("RESPONSE_MALFORMED", rawMessage, facts);
    // What it finds wrong itself connect-es gives a code like a server's, but no headers.
    const own = type ? undefined : /^(serialize )|^(protocol error|parse |message (size|is larger)|missing |unsupported )/.exec(rawMessage);
    if (own) return clientError(own[1] ? "REQUEST_INVALID" : "RESPONSE_MALFORMED", rawMessage, { status });
    // Node's HTTP/2 says of a connection that was reset that its streams were cancelled; here nobody cancelled.
    if (thrown.code === Code.Canceled || (cause !== undefined && ofNetwork.includes(thrown.code))) return clientError("NETWORK_FAILED", "the connection failed", { cause });
  }
  return new ParapetError(facts);
}
