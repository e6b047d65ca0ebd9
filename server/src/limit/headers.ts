/** What a caller is told about its budget: header fields, and the failure when it is spent. */
import { fail, type Failure, Reason } from "../errors.js";
import type { BucketNumbers, LimitVerdict } from "./limiter.js";

/**
 * The header fields of a verdict, never trailers (RL-12), their names in lower case as HTTP/2 wants them (RFC 9113 section
 * 8.2): `X-RateLimit-Limit`, `-Remaining` and `-Reset` (Unix seconds at
 * which the budget is full again), `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10, lists of
 * RFC 9651), and on a refusal that time can heal `Retry-After` in whole seconds (RFC 9110 section 10.2.3), never less than
 * the `t` beside it (RL-15). `RateLimit` promises at most `q`, since a burst is not part of the policy (RL-14).
 */
export function limitHeaders(verdict: LimitVerdict, nowUnixSeconds: number): [name: string, value: string][] {
  const { bucket, capacity, remaining, fullInMs, nextUnitInMs, retryAfterMs } = verdict;
  const { name, policy, limit } = wordsOf(bucket, capacity);
  const nextUnitSeconds = secondsUp(nextUnitInMs);
  const headers: [string, string][] = [
    ["x-ratelimit-limit", limit],
    ["x-ratelimit-remaining", String(remaining)],
    ["x-ratelimit-reset", String(Math.ceil(nowUnixSeconds + fullInMs / 1_000))],
    ["ratelimit-policy", policy],
    ["ratelimit", `${name};r=${Math.min(remaining, bucket.requests)};t=${nextUnitSeconds}`],
  ];
  if (!verdict.admitted && Number.isFinite(retryAfterMs)) {
    headers.push(["retry-after", String(Math.max(1, secondsUp(retryAfterMs), nextUnitSeconds))]);
  }
  return headers;
}

/** What the fields say of the bucket itself, put into words once. */
interface BucketWords {
  readonly name: string;
  readonly policy: string;
  readonly limit: string;
}

const words = new WeakMap<BucketNumbers, BucketWords>();

function wordsOf(bucket: BucketNumbers, capacity: number): BucketWords {
  let found = words.get(bucket);
  if (found === undefined) {
    const name = sfString(bucket.name);
    found = { name, policy: `${name};q=${bucket.requests};w=${secondsUp(bucket.windowMs)}`, limit: String(capacity) };
    words.set(bucket, found);
  }
  return found;
}

/**
 * The failure of a refused verdict: RATE_LIMITED with the exact wait (RL-10), or COST_EXCEEDS_CAPACITY, which no wait heals
 * (RL-08). The quota's subject names the bucket, not who spent it (RL-22).
 */
export function rateLimited(verdict: LimitVerdict): Failure {
  const { bucket, capacity, retryAfterMs } = verdict;
  const metadata = { bucket: bucket.name, capacity: String(capacity) };
  if (!Number.isFinite(retryAfterMs)) {
    return fail(Reason.COST_EXCEEDS_CAPACITY, metadata, { message: `the call costs more than bucket ${bucket.name} can hold (${capacity})` });
  }
  return fail(Reason.RATE_LIMITED, metadata, { retryAfterMs, quota: { subject: `bucket:${bucket.name}`, description: describe(bucket, capacity) } });
}

function describe({ requests, windowMs }: BucketNumbers, capacity: number): string {
  const sustained = `${requests} per ${windowMs / 1_000} s`;
  return capacity === requests ? sustained : `${sustained}, ${capacity} at once`;
}

function secondsUp(ms: number): number {
  return Math.ceil(ms / 1_000);
}

/** A string of RFC 9651 section 3.3.3: printable ASCII, quotes and backslashes escaped. */
function sfString(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "\\$&")}"`;
}
