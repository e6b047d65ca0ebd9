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
  // Node's HTTP/2 says of a connection that was reset that its streams were cancelled; here nobody cancelled.
  if (!findDetail(details, "google.rpc.ErrorInfo") && (thrown.code === Code.Canceled || (thrown.cause !== undefined && ofNetwork.includes(thrown.code)))) {
    return clientError("NETWORK_FAILED", "the server could not be reached, or the connection broke off", { cause: thrown.cause });
  }
  const code = codeToString(thrown.code) as CodeName;
  return new ParapetError({
    code,
    message: thrown.rawMessage || code,
    details,
    requestId: requestIdOf(thrown.metadata),
    retryAfterMs: retryAfterMsOf(thrown.metadata, clock),
  });
}
