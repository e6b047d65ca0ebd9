// Checks what a caller is told about its budget.
import { Algorithm } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { detailsOf, Reason } from "../errors.js";
import { limitHeaders, rateLimited } from "./headers.js";
import type { BucketNumbers, LimitVerdict } from "./limiter.js";

const api: BucketNumbers = { name: "api", algorithm: Algorithm.TOKEN_BUCKET, requests: 100, burst: 50, windowMs: 60_000 };
const verdict = (over: Partial<LimitVerdict>): LimitVerdict => ({ admitted: true, bucket: api, capacity: 150, remaining: 149, fullInMs: 600, nextUnitInMs: 600, retryAfterMs: 0, ...over });
const headersOf = (over: Partial<LimitVerdict>) => Object.fromEntries(limitHeaders(verdict(over), 1_700_000_000.25));

describe("limit headers", () => {
  it("tell capacity, rest, reset, policy and budget of an admitted call", () => {
    expect(headersOf({})).toEqual({
      "x-ratelimit-limit": "150",
      "x-ratelimit-remaining": "149",
      "x-ratelimit-reset": "1700000001",
      "ratelimit-policy": '"api";q=100;w=60',
      ratelimit: '"api";r=100;t=1',
    });
  });

  it("tell when to come back, rounded up, never before the next unit", () => {
    expect(headersOf({ admitted: false, remaining: 0, nextUnitInMs: 600, retryAfterMs: 2_400.001 })).toMatchObject({ "retry-after": "3", ratelimit: '"api";r=0;t=1' });
    expect(headersOf({ admitted: false, remaining: 0, nextUnitInMs: 0.001, retryAfterMs: 0.001 })).toMatchObject({ "retry-after": "1", ratelimit: '"api";r=0;t=1' });
  });

  it("name no time where none helps", () => {
    expect(headersOf({ admitted: false, retryAfterMs: Infinity })).not.toHaveProperty("retry-after");
  });

  it("are RFC 9651 lists whatever the bucket is called", () => {
    expect(headersOf({ bucket: { ...api, name: 'a"b\\c\r\né' } })).toMatchObject({ "ratelimit-policy": '"a\\"b\\\\c???";q=100;w=60' });
  });
});

describe("the failure of a spent budget", () => {
  it("is RATE_LIMITED with the exact wait and a quota that names nobody", () => {
    const failure = rateLimited(verdict({ admitted: false, remaining: 0, retryAfterMs: 2_400.001 }));
    expect(failure.reason).toBe(Reason.RATE_LIMITED);
    expect(failure.facts.code).toBe(Code.ResourceExhausted);
    expect(failure.metadata).toEqual({ bucket: "api", capacity: "150" });
    const details = detailsOf(failure).map(({ value }) => value);
    expect(details).toMatchObject([
      { reason: "RATE_LIMITED", domain: "parapet" },
      { violations: [{ subject: "bucket:api", description: "100 per 60 s, 150 at once" }] },
      { retryDelay: { seconds: 2n, nanos: 400_001_000 } },
    ]);
  });

  it("is COST_EXCEEDS_CAPACITY without a wait where none helps", () => {
    const failure = rateLimited(verdict({ admitted: false, retryAfterMs: Infinity }));
    expect(failure.reason).toBe(Reason.COST_EXCEEDS_CAPACITY);
    expect(failure.facts.code).toBe(Code.FailedPrecondition);
    expect(failure.options.retryAfterMs).toBeUndefined();
  });
});
