/** Checks of rate limits: the bound, one budget for all protocols, and what callers are told. */
import type { JsonObject } from "@bufbuild/protobuf";
import { QuotaFailureSchema } from "@parapet/contract/google/rpc/error_details_pb";
import { buckets, methodOf } from "../contract.js";
import { canWrite, type Check, everyVariant, overGrpc, withStatus } from "../run/check.js";
import type { Context } from "../run/context.js";
import type { OwnLimits, Person } from "../run/people.js";
import { trailerLines } from "../wire/grpc-web.js";
import { detailsOf } from "../wire/status.js";
import { type CallResult, field, fieldList, reasonOf } from "../wire/wire.js";
import { apiBucket, exhausted, limited, milliseconds, numbersOf, parseLimitField, remainingOf, retryDelayMs, sharesBudget, slowLimits, spendAll, wasLimited } from "./budgets.js";
import { whoAmI } from "./credentials.js";
import { described, refusalFaults } from "./expect.js";

/** More than this is not sent to fill a bucket: then the numbers are overridden, which is told to the log. */
const capacityMax = 400;

/** A fresh principal with a full budget, and the numbers that hold for it: the deployment's own where they are small enough. */
async function idle(context: Context, purpose: string): Promise<{ person: Person; numbers: ReturnType<typeof numbersOf> }> {
  const declared = apiBucket(context);
  const own: OwnLimits | undefined = numbersOf(declared).capacity > capacityMax ? { requests: 60, burst: 20 } : undefined;
  const numbers = numbersOf(declared, own ?? declared);
  const person = await context.people.make(purpose, { limits: own ?? "default" });
  // Making its key cost it a unit.
  await context.wait(numbers.unitMs * 1.2 + 50);
  return { person, numbers };
}

/** Admitted calls, and the longest time they can have taken. */
function tally(results: readonly CallResult[]): { admitted: number; elapsedMs: number } {
  const elapsedMs = Math.max(...results.map(({ receivedAtMs }) => receivedAtMs)) - Math.min(...results.map(({ sentAtMs }) => sentAtMs));
  return { admitted: results.filter(({ code }) => code === "ok").length, elapsedMs };
}

const bound: Check = {
  id: "RL-01",
  profile: "smoke",
  lane: "waiting",
  over: "once",
  needs: ["user limits"],
  run: async (context, judge) => {
    const { person, numbers } = await idle(context, "bound");
    const results: CallResult[] = [];
    // Beyond the burst and then on: an edge of a window inside would show as a second burst.
    const until = performance.now() + 2_000;
    while (results.length < numbers.capacity + 10 || performance.now() < until) {
      results.push(await whoAmI(context, context.variants[results.length % context.variants.length]!, person.credential));
      if (results.length > numbers.capacity + 10) await context.wait(20);
    }
    const { admitted, elapsedMs } = tally(results);
    const most = Math.floor(numbers.capacity + numbers.ratePerMs * elapsedMs);
    judge.control("the burst is admitted", admitted >= numbers.capacity, `${admitted} of ${numbers.capacity}`);
    judge.that("admitted calls", admitted <= most, `${admitted} in ${Math.round(elapsedMs)} ms, at most ${most}`);
    judge.that("something was refused", admitted < results.length, `${results.length} calls`);
  },
};

const boundInParallel: Check = {
  id: "RL-02",
  profile: "smoke",
  over: "once",
  needs: ["user limits"],
  run: async (context, judge) => {
    const { person, numbers } = await idle(context, "parallel");
    const sources = Array.from({ length: 8 }, () => context.freshSource());
    const calls = Array.from({ length: numbers.capacity + 40 }, (_, index) => index);
    const results: CallResult[] = [];
    // A fixed number of workers, each on connections of its own.
    await Promise.all(
      sources.map(async (source, worker) => {
        for (const index of calls.filter((each) => each % sources.length === worker)) {
          results.push(await context.call(context.variants[index % context.variants.length]!, "AuthService/GetMe", {}, { credential: person.credential, source }));
        }
      }),
    );
    const { admitted, elapsedMs } = tally(results);
    const most = Math.floor(numbers.capacity + numbers.ratePerMs * elapsedMs);
    judge.that("admitted calls", admitted <= most, `${admitted} in ${Math.round(elapsedMs)} ms, at most ${most}`);
    judge.control("the burst is admitted", admitted >= numbers.capacity, `${admitted} of ${numbers.capacity}`);
    judge.equal("answers that are neither", results.filter((result) => result.code !== "ok" && !wasLimited(result)).map(described), []);
  },
};

const liveness: Check = {
  id: "RL-03",
  profile: "smoke",
  lane: "waiting",
  over: "once",
  needs: ["user limits"],
  run: async (context, judge) => {
    const { person, numbers } = await idle(context, "lively");
    const burst: CallResult[] = [];
    for (let index = 0; index < numbers.capacity; index++) burst.push(await whoAmI(context, context.control, person.credential));
    judge.equal("calls of the first burst that were refused", burst.filter(({ code }) => code !== "ok").length, 0);
    await spendAll(context, context.control, person.credential, numbers.capacity);
    // Longer windows would make the pace too slow for a run.
    const paced = Math.min(4, Math.floor(5_000 / numbers.unitMs));
    for (let index = 0; index < paced; index++) {
      await context.wait(numbers.unitMs + 5);
      const result = await whoAmI(context, context.control, person.credential);
      judge.that(`call ${index + 1} at the sustained pace`, result.code === "ok", described(result));
    }
  },
};

const oneBudget: Check = {
  id: "RL-04",
  profile: "smoke",
  over: "once",
  needs: ["user limits"],
  run: async (context, judge) => {
    const capacity = context.variants.length + 8;
    const numbers = numbersOf(apiBucket(context), slowLimits(capacity));
    const person = await context.people.make("one-budget", { limits: slowLimits(capacity) });
    const results: CallResult[] = [];
    // Twice, so that a budget of its own shows even where it starts beside the other.
    for (const variant of [...context.variants.slice(0, 4), ...context.variants]) {
      const result = await whoAmI(context, variant, person.credential);
      judge.control(`a call over ${variant.label}`, result.code === "ok", described(result));
      const [first] = results.push(result) > 1 ? results : [];
      if (first !== undefined) judge.that(`${variant.label} spends the same budget`, sharesBudget(first, result, results.length - 1, numbers), `${remainingOf(result)} left after ${results.length - 1} calls from ${remainingOf(first)}`);
    }
    await spendAll(context, context.control, person.credential, capacity + 3);
    const refusals = await Promise.all(context.variants.map(async (variant) => [variant.label, wasLimited(await whoAmI(context, variant, person.credential))] as const));
    judge.that("a spent budget is spent for all", refusals.filter(([, refused]) => !refused).length <= 1, refusals.filter(([, refused]) => !refused).map(([label]) => label).join(", "));
  },
};

const independent: Check = {
  id: "RL-05",
  profile: "smoke",
  lane: "waiting",
  over: "once",
  needs: ["user limits"],
  run: async (context, judge) => {
    const { person, numbers } = await idle(context, "bystander");
    judge.control("another's budget is spent", wasLimited(await limited(context, context.control)));
    const result = await whoAmI(context, context.control, person.credential);
    judge.that("this one is whole", result.code === "ok" && remainingOf(result) === numbers.capacity - 1, `${described(result)}, ${remainingOf(result)} of ${numbers.capacity} left`);
  },
};

const costs: Check = {
  id: "RL-06",
  profile: "smoke",
  over: canWrite,
  needs: ["user limits"],
  run: async (context, judge, variant) => {
    const { collection } = context;
    const person = await context.people.shared("costly", { limits: slowLimits(1_000), grants: [{ collection, read: true, write: true }] });
    const first = await whoAmI(context, variant, person.credential);
    judge.control("a call of one unit", first.code === "ok", described(first));
    let before = remainingOf(first);
    const calls: [method: string, request: JsonObject][] = [["DocumentService/AddBatch", { collection, documents: [{ key: "cost" }] }], ["DocumentService/Export", { collection }], ["AuthService/GetMe", {}]];
    for (const [method, request] of calls) {
      const cost = methodOf(method).facts.cost;
      const result = await context.call(variant, method, request, { credential: person.credential });
      judge.control(method, result.code === "ok", described(result));
      const spent = before - remainingOf(result);
      judge.that(`${method} costs ${cost}`, spent === cost || spent === cost - 1, `${spent}`);
      before = remainingOf(result);
    }
  },
};

/** Attempts to send calls before a wait is over and to have their answers in time. */
const attempts = 5;

/** Two seconds a unit: long beside the noise of a loaded machine. */
const unhurried: OwnLimits = { requests: 30, burst: 0 };

const refusalsAreFree: Check = {
  id: "RL-07",
  profile: "smoke",
  lane: "waiting",
  over: "once",
  needs: ["user limits"],
  run: async (context, judge) => {
    const person = await context.people.make("hammer", { limits: unhurried });
    for (let attempt = 1; ; attempt++) {
      const refusal = (await spendAll(context, context.control, person.credential, 60)).at(-1)!;
      const delayMs = retryDelayMs(refusal);
      if (!judge.control("a refusal that says when to come back", wasLimited(refusal) && delayMs !== undefined, described(refusal)) || delayMs === undefined) return;
      const hammered = await Promise.all(Array.from({ length: 30 }, () => whoAmI(context, context.control, person.credential)));
      // One that came when the wait was over has the unit that the next call is to get.
      if (hammered.every(wasLimited)) {
        await context.wait(Math.max(0, refusal.receivedAtMs + delayMs + 10 - performance.now()));
        const result = await whoAmI(context, context.control, person.credential);
        judge.that("after 30 refused calls the wait is still the first one", result.code === "ok", `${described(result)} after ${Math.round(delayMs)} ms`);
        return;
      }
      if (attempt === attempts) return judge.doubt("the machine was too slow to be refused 30 times before the wait was over");
    }
  },
};

const neverAffordable: Check = {
  id: "RL-08",
  profile: "smoke",
  over: canWrite,
  needs: ["user limits"],
  run: async (context, judge, variant) => {
    const { collection } = context;
    const [person, writer] = await Promise.all([context.people.shared("poor", { limits: slowLimits(5), grants: [{ collection, write: true }] }), context.people.as("writer")]);
    const request = { collection, documents: [{ key: "cost" }] };
    const result = await context.call(variant, "DocumentService/AddBatch", request, { credential: person.credential });
    judge.none("a call of ten units with a bucket of five", refusalFaults(result, "COST_EXCEEDS_CAPACITY"));
    judge.that("no Retry-After", !result.http.headers.has("retry-after") && retryDelayMs(result) === undefined);
    const affordable = await context.call(variant, "DocumentService/AddBatch", request, { credential: writer.credential });
    judge.control("the same call with a larger bucket", affordable.code === "ok", described(affordable));
  },
};

const refusal: Check = {
  id: "RL-09",
  profile: "smoke",
  over: everyVariant,
  needs: ["user limits"],
  run: async (context, judge, variant) => {
    const result = await limited(context, variant);
    judge.none("a call over budget", refusalFaults(result, "RATE_LIMITED"));
  },
};

const waits: Check = {
  id: "RL-10",
  profile: "smoke",
  lane: "waiting",
  over: "once",
  needs: ["user limits"],
  run: async (context, judge) => {
    for (const variant of context.variants) {
      const result = await limited(context, variant);
      const retryAfter = field(result.http.headers, "retry-after") ?? "";
      const delayMs = retryDelayMs(result);
      // A problem document has no place for google.rpc details: there the header alone speaks.
      const exact = delayMs ?? (variant.encoding === "rest" ? 0 : Number.NaN);
      const fits = /^[1-9]\d*$/.test(retryAfter) && Number(retryAfter) * 1_000 >= exact;
      judge.that(`Retry-After over ${variant.label} is RetryInfo rounded up`, fits, `Retry-After ${retryAfter || "absent"}, RetryInfo ${delayMs ?? "absent"} ms`);
    }
    const person = await context.people.make("waiting", { limits: unhurried });
    for (let attempt = 1; ; attempt++) {
      const last = (await spendAll(context, context.control, person.credential, 60)).at(-1)!;
      const delayMs = retryDelayMs(last);
      if (!judge.control("a refusal that says when to come back", delayMs !== undefined, described(last)) || delayMs === undefined) return;
      if (delayMs >= 500) {
        await context.wait(Math.max(0, last.receivedAtMs + delayMs * 0.8 - performance.now()));
        const early = await whoAmI(context, context.control, person.credential);
        // The limiter decided after the first refusal was sent off and before the second answer arrived: only then was it early.
        if (early.receivedAtMs - last.sentAtMs < delayMs) judge.that("80 % of the wait does not admit", wasLimited(early), described(early));
        else if (attempt < attempts) continue;
        else judge.doubt("the machine was too slow to call before the wait was over");
      }
      await context.wait(Math.max(0, last.receivedAtMs + delayMs + 5 - performance.now()));
      const inTime = await whoAmI(context, context.control, person.credential);
      judge.that("the whole wait admits", inTime.code === "ok", described(inTime));
      return;
    }
  },
};

const fieldsParse: Check = {
  id: "RL-11",
  profile: "smoke",
  over: everyVariant,
  needs: ["limits"],
  run: async (context, judge, variant) => {
    const { credential } = await context.people.as("reader");
    for (const [what, result] of [["a success", await whoAmI(context, variant, credential)], ["a refusal", await limited(context, variant)]] as const) {
      const policies = parseLimitField(result.http.headers, "ratelimit-policy");
      const limits = parseLimitField(result.http.headers, "ratelimit");
      const shown = `RateLimit-Policy: ${field(result.http.headers, "ratelimit-policy")}; RateLimit: ${field(result.http.headers, "ratelimit")}`;
      if (!judge.that(`${what}: both parse`, policies !== undefined && limits !== undefined, shown) || policies === undefined || limits === undefined) continue;
      judge.that(`${what}: q and r are integers`, isInteger(policies, "q") && isInteger(limits, "r"), shown);
      const named = new Set(policies.map(({ name }) => name));
      judge.that(`${what}: every name has a policy`, limits.length > 0 && limits.every(({ name }) => named.has(name)), shown);
    }
  },
};

function isInteger(items: NonNullable<ReturnType<typeof parseLimitField>>, parameter: string): boolean {
  return items.every(({ parameters }) => Number.isInteger(parameters.get(parameter)) && Number(parameters.get(parameter)) >= 0);
}

const headersOnly: Check = {
  id: "RL-12",
  profile: "smoke",
  over: everyVariant,
  needs: ["limits"],
  run: async (context, judge, variant) => {
    const { credential } = await context.people.as("reader");
    for (const [what, result] of [["a success", await whoAmI(context, variant, credential)], ["a refusal", await limited(context, variant)]] as const) {
      const { headers, trailers } = result.http;
      judge.that(`${what}: in the headers`, headers.has("ratelimit") && headers.has("ratelimit-policy"));
      const trailing = [...trailers.keys(), ...trailerLines(result.http).keys(), ...[...headers.keys()].filter((name) => name.startsWith("trailer-")).map((name) => name.slice(8))];
      judge.equal(`${what}: in the trailers`, trailing.filter((name) => /^(?:x-)?ratelimit/.test(name)), []);
    }
  },
};

const declaredPolicy: Check = {
  id: "RL-13",
  profile: "smoke",
  over: everyVariant,
  needs: ["user limits"],
  run: async (context, judge, variant) => {
    const result = await whoAmI(context, variant, (await bystander(context)).credential);
    const claimed = apiBucket(context);
    const [policy] = parseLimitField(result.http.headers, "ratelimit-policy") ?? [];
    judge.equal("name, q and w", [policy?.name, policy?.parameters.get("q"), policy?.parameters.get("w")], [claimed.bucket, claimed.requests, Math.ceil(milliseconds(claimed.window) / 1_000)]);
    judge.that("the contract knows the bucket", policy !== undefined && buckets.has(policy.name));
    judge.equal("X-RateLimit-Limit is the capacity", Number(field(result.http.headers, "x-ratelimit-limit")), numbersOf(claimed).capacity);
  },
};

/** A principal with the deployment's own limits that makes few calls. */
function bystander({ people }: Context): Promise<Person> {
  return people.shared("plain", { limits: "default" });
}

const keptPromises: Check = {
  id: "RL-14",
  profile: "smoke",
  over: "once",
  needs: ["user limits"],
  run: async (context, judge) => {
    const person = await context.people.make("promised", { limits: { requests: 20, burst: 0 } });
    const first = await whoAmI(context, context.control, person.credential);
    const [item] = parseLimitField(first.http.headers, "ratelimit") ?? [];
    const promised = Number(item?.parameters.get("r") ?? Number.NaN);
    judge.that("r does not exceed q", promised <= 20, `r=${promised}`);
    judge.that("t does not exceed the window", Number(item?.parameters.get("t") ?? 0) <= Math.ceil(milliseconds(apiBucket(context).window) / 1_000));
    const refused: string[] = [];
    for (let index = 0; index < promised; index++) {
      const result = await whoAmI(context, context.control, person.credential);
      if (result.code !== "ok") refused.push(`call ${index + 1}: ${described(result)}`);
    }
    judge.equal(`of ${promised} promised calls refused`, refused, []);
  },
};

const retryAfterCoversReset: Check = {
  id: "RL-15",
  profile: "smoke",
  over: everyVariant,
  needs: ["user limits"],
  run: async (context, judge, variant) => {
    const result = await limited(context, variant);
    const [item] = parseLimitField(result.http.headers, "ratelimit") ?? [];
    const [retryAfter, reset] = [Number(field(result.http.headers, "retry-after")), Number(item?.parameters.get("t"))];
    judge.that("Retry-After is not below t", retryAfter >= reset, `Retry-After ${retryAfter}, t=${reset}`);
  },
};

const grpcDetails: Check = {
  id: "RL-16",
  profile: "smoke",
  over: overGrpc,
  needs: ["user limits"],
  run: async (context, judge, variant) => {
    const result = await limited(context, variant);
    const quotas = result.error === undefined ? [] : detailsOf(result.error, QuotaFailureSchema);
    judge.that("QuotaFailure with a violation", quotas.length === 1 && quotas[0]!.violations.length >= 1, described(result));
    judge.that("RetryInfo", retryDelayMs(result) !== undefined, described(result));
  },
};

const notStored: Check = {
  id: "RL-17",
  profile: "smoke",
  over: withStatus,
  needs: ["user limits"],
  run: async (context, judge, variant) => {
    const result = await limited(context, variant);
    judge.that("HTTP 429", result.http.status === 429, described(result));
    const cache = fieldList(result.http.headers, "cache-control");
    judge.that("Cache-Control: no-store", cache.includes("no-store"), cache.join(", ") || "absent");
  },
};

const victims: Check = {
  id: "RL-18",
  profile: "smoke",
  lane: "waiting",
  over: "once",
  needs: ["user limits", "second source address"],
  run: async (context, judge) => {
    const { person, numbers } = await idle(context, "named");
    if (numbersOf(apiBucket(context)).capacity > capacityMax) return judge.notClaimed(`a budget of at most ${capacityMax} for a source`);
    const source = context.freshSource();
    const forged = { bearer: `${person.token.slice(0, person.token.lastIndexOf("."))}.${"A".repeat(43)}` };
    const results: CallResult[] = [];
    // Units come back while this runs, so it goes on until one is missing; a few at a time, to be faster than they are.
    while (!results.some(wasLimited) && results.length < numbers.capacity * 4) {
      const batch = Array.from({ length: 8 }, (_, index) => context.variants[(results.length + index) % context.variants.length]!);
      results.push(...(await Promise.all(batch.map((variant) => context.call(variant, "AuthService/GetMe", {}, { credential: forged, source })))));
    }
    const unauthenticated = results.filter(({ code }) => code === "unauthenticated").length;
    judge.that("failures spend the source's budget", results.some(wasLimited), `none of ${results.length} was refused for its budget`);
    judge.that("not before it is spent", unauthenticated >= numbers.capacity, `${unauthenticated} of ${results.length} came before, capacity ${numbers.capacity}`);
    const own = await whoAmI(context, context.control, person.credential);
    judge.that("the named user's budget is whole", own.code === "ok" && remainingOf(own) === numbers.capacity - 1, `${described(own)}, ${remainingOf(own)} of ${numbers.capacity} left`);
  },
};

const forwardedHeaders: Check = {
  id: "RL-20",
  profile: "smoke",
  over: everyVariant,
  needs: ["limits", "second source address"],
  run: async (context, judge, variant) => {
    const source = context.freshSource();
    const numbers = numbersOf(apiBucket(context));
    const results: CallResult[] = [];
    const spoofs: [string, string][][] = [[], [["x-forwarded-for", "198.51.100.1"]], [["x-forwarded-for", "198.51.100.2, 203.0.113.9"]], [["forwarded", "for=198.51.100.3"]], [["x-real-ip", "198.51.100.4"]], [["x-client-ip", "198.51.100.5"], ["true-client-ip", "198.51.100.5"], ["cf-connecting-ip", "198.51.100.5"]]];
    for (const headers of spoofs) {
      const result = await context.call(variant, "AuthService/GetMe", {}, { source, headers });
      const [first] = results.push(result) > 1 ? results : [];
      if (first === undefined) judge.control("a budget", !Number.isNaN(remainingOf(result)), described(result));
      else judge.that(`${headers[0]?.join(": ")} spends the same budget`, sharesBudget(first, result, results.length - 1, numbers), `${remainingOf(result)} left after ${results.length - 1} calls from ${remainingOf(first)}`);
    }
  },
};

const noSecretsInKeys: Check = {
  id: "RL-22",
  profile: "smoke",
  over: everyVariant,
  needs: ["user limits"],
  run: async (context, judge, variant) => {
    const person = await exhausted(context);
    const result = await limited(context, variant);
    judge.control("a refusal", reasonOf(result) === "RATE_LIMITED", described(result));
    const details = (result.error?.details ?? []).map(({ value }) => Buffer.from(value).toString("latin1")).join("\n");
    const text = [details, result.error?.message, Buffer.from(result.http.body).toString("latin1"), JSON.stringify([...result.http.headers])].join("\n");
    for (const [what, secret] of [["the key", person.apiKey], ["the user's name", person.username]] as const) judge.that(`${what} is nowhere in it`, !text.includes(secret));
  },
};

/** The checks of this file. */
export const limitChecks: readonly Check[] = [
  bound, boundInParallel, liveness, oneBudget, independent, costs, refusalsAreFree, neverAffordable, refusal, waits, fieldsParse, headersOnly, declaredPolicy, keptPromises, retryAfterCoversReset, grpcDetails, notStored, victims, forwardedHeaders, noSecretsInKeys,
];
