/** The checks of the contract profile that spend the budget of a principal made for it. */
import type { BucketCase } from "@parapet/contract/conformance/cases";
import type { ContractMethod } from "../contract.js";
import { parseLimitField, retryDelayMs, wasLimited } from "../checks/budgets.js";
import { described, refusalFaults } from "../checks/expect.js";
import { everyVariant } from "../run/check.js";
import { type CallResult, type Credential, field, type Variant } from "../wire/wire.js";
import type { ContractCheck } from "./checks.js";
import type { Role } from "./files.js";
import type { Play } from "./play.js";

/** Largest budget that is spent, in calls. */
const callsMax = 2_000;
/** Calls under way while a budget is spent. */
const atOnce = 16;
/** Longest wait for one unit, in milliseconds. */
const waitMsMax = 20_000;

const capacityOf = ({ algorithm, requests, burst }: BucketCase): number => (algorithm === "strict_window" ? requests : requests + burst);

/** A unary method whose budget a principal can spend in reasonable time; undefined: there is none. */
export function limitProbe(play: Play, variant: Variant): ContractMethod | undefined {
  const found = play.methodsOver(variant).filter(({ desc, facts }) => {
    const bucket = play.contract.buckets.get(facts.bucket);
    return desc.methodKind === "unary" && facts.role !== "public" && facts.request !== null && facts.accountField === "" && bucket !== undefined && capacityOf(bucket) / facts.cost <= callsMax;
  });
  return found.find(({ sideEffects }) => !sideEffects) ?? found[0];
}

const nothingToTry = `a unary method with a budget of at most ${callsMax} calls`;
const noFresh = "several tokens of the role in the credentials file";

/** Principals without a unit left, by play and bucket. */
const exhausted = new WeakMap<Play, Map<string, Promise<Credential | undefined>>>();

function roleOf(play: Play, method: ContractMethod): Role {
  return play.roleFor(method) ?? "nobody";
}

/** Calls until a call is refused; gives the refusal. */
async function spend(play: Play, variant: Variant, method: ContractMethod, credential: Credential): Promise<CallResult | undefined> {
  const most = 2 * Math.ceil(capacityOf(play.contract.buckets.get(method.facts.bucket)!) / method.facts.cost) + atOnce;
  for (let made = 0; made < most; made += atOnce) {
    const batch = await Promise.all(Array.from({ length: atOnce }, () => play.client.call(variant, method, play.requestOf(method)!, { credential })));
    const refusal = batch.find(wasLimited);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** A refusal of a call over budget, always of the same principal; else why there is none. */
export async function limited(play: Play, variant: Variant, method: ContractMethod): Promise<CallResult | "nobody fresh" | "never refused"> {
  const byBucket = exhausted.get(play) ?? new Map<string, Promise<Credential | undefined>>();
  exhausted.set(play, byBucket);
  const name = `${method.facts.bucket} ${roleOf(play, method)}`;
  const start = async (): Promise<Credential | undefined> => {
    const token = play.fresh(roleOf(play, method));
    return token === undefined ? undefined : { bearer: token };
  };
  const ready = byBucket.get(name) ?? start();
  byBucket.set(name, ready);
  const credential = await ready;
  // The units that have come back since are spent first.
  return credential === undefined ? "nobody fresh" : ((await spend(play, variant, method, credential)) ?? "never refused");
}

const refused: ContractCheck = {
  id: "RL-09",
  over: everyVariant,
  run: async (play, judge, variant) => {
    const method = limitProbe(play, variant);
    if (method === undefined) return judge.notClaimed(nothingToTry);
    const result = await limited(play, variant, method);
    if (result === "nobody fresh") return judge.notClaimed(noFresh);
    judge.none(`${method.name} over budget`, result === "never refused" ? ["twice the capacity was admitted"] : refusalFaults(result, "RATE_LIMITED"));
  },
};

const waits: ContractCheck = {
  id: "RL-10",
  over: ({ label }) => label === "connect-json/h1",
  run: async (play, judge, variant) => {
    const method = limitProbe(play, variant);
    if (method === undefined) return judge.notClaimed(nothingToTry);
    const token = play.fresh(roleOf(play, method));
    if (token === undefined) return judge.notClaimed(noFresh);
    const credential = { bearer: token };
    const ask = (): Promise<CallResult> => play.client.call(variant, method, play.requestOf(method)!, { credential });
    await spend(play, variant, method, credential);
    for (let attempt = 0; attempt < 5; attempt++) {
      let last = await ask();
      for (let more = 0; more < 5 && !wasLimited(last); more++) last = await ask();
      const delayMs = retryDelayMs(last);
      if (!judge.that("a refusal that says when to come back", delayMs !== undefined, described(last)) || delayMs === undefined) return;
      const retryAfter = field(last.http.headers, "retry-after") ?? "";
      judge.that("Retry-After is RetryInfo rounded up", /^[1-9]\d*$/.test(retryAfter) && Number(retryAfter) * 1_000 >= delayMs, `Retry-After ${retryAfter || "absent"}, RetryInfo ${delayMs} ms`);
      if (delayMs > waitMsMax) return judge.doubt(`a unit takes ${Math.round(delayMs / 1_000)} s to come back`);
      if (delayMs >= 500) {
        await play.wait(Math.max(0, last.receivedAtMs + delayMs * 0.8 - performance.now()));
        const early = await ask();
        if (early.receivedAtMs - last.sentAtMs >= delayMs) continue;
        judge.that("80 % of the wait does not admit", wasLimited(early), described(early));
      }
      await play.wait(Math.max(0, last.receivedAtMs + delayMs + 5 - performance.now()));
      const inTime = await ask();
      judge.that("the whole wait admits", !wasLimited(inTime), described(inTime));
      return;
    }
    judge.doubt("the machine was too slow to call before the wait was over");
  },
};

const declaredPolicy: ContractCheck = {
  id: "RL-13",
  over: everyVariant,
  run: async (play, judge, variant) => {
    const method = limitProbe(play, variant);
    if (method === undefined) return judge.notClaimed(nothingToTry);
    const bucket = play.contract.buckets.get(method.facts.bucket)!;
    const { http } = await play.call(roleOf(play, method), variant, method, play.requestOf(method)!);
    const [policy] = parseLimitField(http.headers, "ratelimit-policy") ?? [];
    judge.equal("name, q and w", [policy?.name, policy?.parameters.get("q"), policy?.parameters.get("w")], [bucket.name, bucket.requests, Math.ceil(bucket.windowMs / 1_000)]);
    judge.equal("X-RateLimit-Limit is the capacity", Number(field(http.headers, "x-ratelimit-limit")), capacityOf(bucket));
  },
};

/** The checks of this file. */
export const contractLimitChecks: readonly ContractCheck[] = [refused, waits, declaredPolicy];
