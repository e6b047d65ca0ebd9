/** Compares what came back with what the contract promises. */
import { reasons } from "../contract.js";
import { type CallResult, field, httpStatusOfCode, isGrpcFamily, reasonOf } from "../wire/wire.js";

/** Domain of every ErrorInfo of the contract. */
export const errorDomain = "parapet";

/** A result in a few words. */
export function described(result: CallResult): string {
  const { code, http, error } = result;
  return `${code} ${reasonOf(result)} (HTTP ${http.status})${error?.message ? ` ${JSON.stringify(error.message.slice(0, 80))}` : ""}`;
}

/** What is wrong with a result that must be a refusal for this reason; nothing, if nothing is. */
export function refusalFaults(result: CallResult, reason: string): string[] {
  const facts = reasons.get(reason);
  if (facts === undefined) throw new Error(`the contract has no reason ${reason}`);
  const faults: string[] = [];
  if (result.code !== facts.code) faults.push(`code ${result.code} instead of ${facts.code}`);
  if (reasonOf(result) !== reason) faults.push(`reason ${reasonOf(result)} instead of ${reason}`);
  const status = statusFor(result, facts.code, facts.restStatus);
  if (!status.includes(result.http.status)) faults.push(`HTTP ${result.http.status} instead of ${status.join(" or ")}`);
  return faults;
}

/** HTTP statuses that a protocol may carry a code with. */
function statusFor({ variant, http }: CallResult, code: string, restStatus: number): number[] {
  if (isGrpcFamily(variant)) return [200];
  if (variant.encoding === "rest") return [restStatus];
  // A Connect stream that began keeps 200 and says so at its end.
  if ((field(http.headers, "content-type") ?? "").startsWith("application/connect+")) return [200];
  // connect: an unknown path is 404, which clients read as unimplemented (Connect protocol, HTTP to Error Code).
  if (code === "unimplemented") return [501, 404, 405, 415];
  return code === "invalid_argument" && restStatus === 415 ? [400, 415] : [httpStatusOfCode[code] ?? 500];
}

/** True if a call was let through to its handler: whatever it answered, it was not turned away. */
export function wasAdmitted(result: CallResult): boolean {
  // A wrong current password is the handler's answer, not the gate's.
  if (reasonOf(result) === "LOGIN_FAILED") return true;
  return !["unauthenticated", "permission_denied", "unimplemented", "internal", "unavailable", "unknown", "none"].includes(result.code);
}

/** Challenges of a WWW-Authenticate header: scheme and parameters as text (RFC 9110 section 11.6.1). */
export function challenges(result: CallResult): string[] {
  return [...(result.http.headers.get("www-authenticate") ?? [])];
}

/** A JSON text without the parts that differ from call to call. */
export function withoutIds(text: string, ...ids: readonly string[]): string {
  return ids.reduce((clean, id) => (id === "" ? clean : clean.replaceAll(id, "*")), text);
}
