/** Reads what a deployment says about a budget, and makes principals whose budgets are spent. */
import type { Duration } from "@bufbuild/protobuf/wkt";
import { RetryInfoSchema } from "@parapet/contract/google/rpc/error_details_pb";
import { Algorithm } from "@parapet/contract/parapet/policy/v1/policy_pb";
import type { LimitCapability } from "@parapet/contract/parapet/system/v1/system_service_pb";
import type { Context } from "../run/context.js";
import type { OwnLimits, Person } from "../run/people.js";
import { HarnessError } from "../run/verdict.js";
import { detailsOf } from "../wire/status.js";
import { type CallResult, type Credential, field, type Fields, reasonOf, type Variant } from "../wire/wire.js";
import { whoAmI } from "./credentials.js";

/** A bucket in numbers. */
export interface Numbers {
  readonly capacity: number;
  /** Units that come back in a millisecond. */
  readonly ratePerMs: number;
  /** Time in which one unit comes back. */
  readonly unitMs: number;
  readonly windowMs: number;
}

/** The numbers of a bucket with its own or other limits. */
export function numbersOf({ algorithm, window, ...declared }: LimitCapability, { requests, burst }: OwnLimits = declared): Numbers {
  const windowMs = milliseconds(window);
  const capacity = algorithm === Algorithm.STRICT_WINDOW ? requests : requests + burst;
  return { capacity, windowMs, ratePerMs: requests / windowMs, unitMs: windowMs / requests };
}

/** The claim of the bucket that most calls spend. */
export function apiBucket({ claims }: Context): LimitCapability {
  const found = claims.limits.find(({ bucket }) => bucket === "api");
  if (found === undefined) throw new HarnessError("no claim of the bucket api");
  return found;
}

/** A duration in milliseconds. */
export function milliseconds(duration: Duration | undefined): number {
  return duration === undefined ? 0 : Number(duration.seconds) * 1_000 + duration.nanos / 1e6;
}

/** Units left, as the headers say. */
export function remainingOf({ http }: CallResult): number {
  return Number(field(http.headers, "x-ratelimit-remaining") ?? Number.NaN);
}

/** True if this call and those before it, one unit each, all spent one budget: only time can have given some of it back. */
export function sharesBudget(first: CallResult, latest: CallResult, callsBetween: number, { ratePerMs }: Numbers): boolean {
  const cameBack = Math.ceil((latest.receivedAtMs - first.sentAtMs) * ratePerMs);
  return remainingOf(latest) <= remainingOf(first) - callsBetween + cameBack;
}

/** The exact wait that a refusal names, in milliseconds. */
export function retryDelayMs({ error }: CallResult): number | undefined {
  const [info] = error === undefined ? [] : detailsOf(error, RetryInfoSchema);
  return info?.retryDelay === undefined ? undefined : milliseconds(info.retryDelay);
}

/** True if a call was refused for its budget. */
export function wasLimited(result: CallResult): boolean {
  return reasonOf(result) === "RATE_LIMITED";
}

/** Makes GetMe calls one after another until one is refused; gives all results. */
export async function spendAll(context: Context, variant: Variant, credential: Credential, most: number): Promise<CallResult[]> {
  const results: CallResult[] = [];
  while (results.length < most) {
    const result = await whoAmI(context, variant, credential);
    results.push(result);
    if (wasLimited(result)) return results;
  }
  return results;
}

/** One unit a window: what is spent stays spent for the length of a run. */
export const slowLimits = (capacity: number): OwnLimits => ({ requests: 1, burst: capacity - 1 });

/** A principal without a unit left, the same for every check that only looks at refusals. */
export function exhausted(context: Context): Promise<Person> {
  return context.people.shared("exhausted", { limits: slowLimits(5) }, ({ credential }) => spendAll(context, context.control, credential, 12));
}

/** A refusal of a call over budget. The unit that may have come back since is spent first. */
export async function limited(context: Context, variant: Variant): Promise<CallResult> {
  const { credential } = await exhausted(context);
  const results = await spendAll(context, variant, credential, 4);
  return results.at(-1)!;
}

/** One item of a RateLimit or RateLimit-Policy field. */
export interface LimitItem {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string | number | boolean>;
}

/** Parses a list of sf-String items with parameters (RFC 9651 section 4.2); undefined where it is none. */
export function parseLimitField(fields: Fields, name: string): LimitItem[] | undefined {
  const text = fields.get(name)?.join(", ");
  if (text === undefined) return undefined;
  const items: LimitItem[] = [];
  const item = /\s*"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"((?:\s*;\s*[a-z*][\w.*-]*(?:=(?:-?\d{1,15}(?:\.\d{1,3})?|"(?:[^"\\]|\\["\\])*"|:[\w+/=]*:|\?[01]|[A-Za-z*][^\s;,"]*))?)*)\s*(?:,|$)/y;
  while (item.lastIndex < text.length) {
    const found = item.exec(text);
    if (found === null) return undefined;
    const parameters = new Map(Array.from(found[2]!.matchAll(/;\s*([a-z*][\w.*-]*)(?:=((?:"(?:[^"\\]|\\.)*")|[^;\s]+))?/g), ([, key, value]) => [key!, bareItem(value)] as const));
    items.push({ name: found[1]!.replace(/\\(.)/g, "$1"), parameters });
  }
  return items;
}

function bareItem(text: string | undefined): string | number | boolean {
  if (text === undefined) return true;
  if (/^-?\d+$/.test(text)) return Number(text);
  return text;
}
