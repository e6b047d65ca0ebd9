/** Errors of connect-es as the one error of the SDK, with the same reasons on every protocol. */
import { Code, ConnectError } from "@connectrpc/connect";
import { retryAfterMsOf } from "../runtime/attempt.js";
import type { Clock } from "../runtime/clock.js";
import type { Code as CodeName } from "../runtime/codes.js";
import { decodeDetail } from "../runtime/details.js";
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
  const info = details.find((detail) => detail.type === "google.rpc.ErrorInfo");
  const retry = details.find((detail) => detail.type === "google.rpc.RetryInfo");
  if (!info && thrown.cause !== undefined && ofNetwork.includes(thrown.code)) {
    return clientError("NETWORK_FAILED", "the server could not be reached, or the connection broke off", { cause: thrown.cause });
  }
  return new ParapetError({
    code: nameOf(thrown.code),
    reason: info?.reason || "UNSPECIFIED",
    domain: info?.domain,
    metadata: info?.metadata,
    message: thrown.rawMessage || nameOf(thrown.code),
    details,
    requestId: requestIdOf(thrown.metadata),
    retryAfterMs: retry?.retryDelayMs ?? retryAfterMsOf(thrown.metadata, clock),
  });
}

/** `InvalidArgument` as Connect spells it on the wire. */
function nameOf(code: Code): CodeName {
  return (Code[code] ?? "Unknown").replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase() as CodeName;
}
