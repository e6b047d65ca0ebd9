/** Runs the contract profile: every check over every way to call, whatever the contract. */
import { requirementOf } from "../registry.js";
import type { Result } from "../run/runner.js";
import { HarnessError, Judge, type Verdict } from "../run/verdict.js";
import type { WireClient } from "../wire/client.js";
import { NoAnswer, type Variant, variants as allVariants } from "../wire/wire.js";
import { type ContractCheck, contractChecks } from "./checks.js";
import type { AnyContract, RoleTokens } from "./files.js";
import { contractLimitChecks } from "./limits.js";
import { createPlay, type Play } from "./play.js";

/** Every check of the profile, in the order in which they run. */
export const contractCatalog: readonly ContractCheck[] = [...contractChecks, ...contractLimitChecks];

/** What a run needs. */
export interface ContractRun {
  readonly contract: AnyContract;
  readonly tokens: RoleTokens;
  readonly client: WireClient;
  /** Labels of ways to call; empty: all. */
  readonly protocols: readonly string[];
  /** Ids of requirements; empty: all. */
  readonly only: readonly string[];
  /** Ids whose NOT-CLAIMED counts as a failure. */
  readonly required: readonly string[];
  readonly loopback: boolean;
  /** Takes a line for people. */
  readonly say: (line: string) => void;
}

/** Runs it; gives a result for every check and way to call. */
export async function runContractProfile({ contract, tokens, client, protocols, only, required, loopback, say }: ContractRun): Promise<Result[]> {
  const variants = allVariants.filter(({ label }) => protocols.length === 0 || protocols.includes(label));
  const play = createPlay({ contract, tokens, client, variants, loopback });
  const silent = contract.methods.filter(({ facts }) => facts.request === null).map(({ name }) => name);
  if (silent.length > 0) say(`without an example request, so only refusals of them are tried: ${silent.join(", ")}`);
  if (play.unbound.length > 0) say(`not tried over REST, since no path of theirs takes ${JSON.stringify(tokens.resource)} as the resource: ${play.unbound.join(", ")}`);
  const checks = contractCatalog.filter(({ id }) => only.length === 0 || only.includes(id));
  const results: Result[] = [];
  for (const [index, check] of checks.entries()) {
    const own: Result[] = [];
    for (const variant of variants.filter(check.over)) {
      const startedAtMs = performance.now();
      const { outcome, detail } = await judged(check, play, variant);
      own.push({
        id: check.id,
        keyword: requirementOf(check.id).keyword,
        protocol: variant.label,
        outcome: outcome === "NOT-CLAIMED" && required.includes(check.id) ? "FAIL" : outcome,
        detail: redacted(detail, tokens),
        seconds: (performance.now() - startedAtMs) / 1_000,
      });
    }
    const worst = own.find(({ outcome }) => outcome !== "PASS");
    say(`[${index + 1}/${checks.length}] ${check.id} ${worst === undefined ? `PASS (${own.length} in ${own.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(1)} s)` : `${worst.outcome} over ${worst.protocol}: ${worst.detail}`}`);
    results.push(...own);
  }
  return results;
}

async function judged(check: ContractCheck, play: Play, variant: Variant): Promise<Verdict> {
  const { keyword } = requirementOf(check.id);
  const judge = new Judge();
  try {
    await check.run(play, judge, variant);
    return judge.verdict(keyword);
  } catch (error) {
    if (error instanceof NoAnswer && !error.unreachable) return { outcome: keyword === "MUST" ? "FAIL" : "WARN", detail: `no answer: ${error.message}` };
    const detail = error instanceof HarnessError || error instanceof NoAnswer ? error.message : String((error as Error).stack ?? error).split("\n").slice(0, 3).join(" ");
    return { outcome: "HARNESS-ERROR", detail };
  }
}

/** Takes out every token, so that reports can be shown around. */
function redacted(text: string, { tokens }: RoleTokens): string {
  return Object.values(tokens).flat().reduce((clean, token) => clean.replaceAll(token, "[token]"), text);
}
