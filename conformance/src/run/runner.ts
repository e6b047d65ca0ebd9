/** Runs the selected checks over the protocols they are for, one after another, and turns what happens into results. */
import { type Keyword, requirementOf } from "../registry.js";
import { NoAnswer, type Variant, variants as allVariants } from "../wire/wire.js";
import type { Check } from "./check.js";
import type { Context } from "./context.js";
import { HarnessError, Judge, type Outcome, outcomes, type Verdict } from "./verdict.js";

/** One check over one protocol. */
export interface Result extends Verdict {
  readonly id: string;
  readonly keyword: Keyword;
  /** Label of the way to call, or `all` where a check covers them together. */
  readonly protocol: string;
  readonly seconds: number;
}

/** How to run. */
export interface RunOptions {
  readonly checks: readonly Check[];
  /** Ids whose NOT-CLAIMED counts as a failure. */
  readonly required: ReadonlySet<string>;
  /** Takes the results of a check when it is over. */
  readonly onResult: (results: readonly Result[]) => void;
}

/** After this many harness errors in a row nothing more is learned (SU-11). */
const breakerAfter = 3;

/** Runs the checks; gives a result for every check and protocol in the order of the checks, whatever happens. */
export async function runChecks(context: Context, { checks, required, onResult }: RunOptions): Promise<Result[]> {
  const results = new Map<Check, Result[]>(checks.map((check) => [check, []]));
  const breaker = createBreaker(context);
  const runLane = async (lane: Check["lane"]): Promise<void> => {
    for (const check of checks.filter((each) => each.lane === lane)) {
      const own = results.get(check)!;
      for (const variant of variantsOf(check, context)) {
        const startedAtMs = performance.now();
        const verdict = breaker.isOpen() ? broken : await judged(check, context, variant);
        const outcome = verdict.outcome === "NOT-CLAIMED" && required.has(check.id) ? "FAIL" : verdict.outcome;
        own.push({
          id: check.id,
          keyword: requirementOf(check.id).keyword,
          protocol: check.over === "once" ? "all" : variant.label,
          outcome,
          detail: redacted(verdict.detail, context.secrets),
          seconds: (performance.now() - startedAtMs) / 1_000,
        });
        await breaker.note(verdict);
      }
      onResult(own);
    }
  };
  await Promise.all([runLane(undefined), runLane("waiting")]);
  await runLane("last");
  return checks.flatMap((check) => results.get(check)!);
}

/** Stops a run that would learn nothing more: after three harness errors in a row, or when the target is gone (SU-11). */
function createBreaker({ client }: Context): { isOpen(): boolean; note(verdict: Verdict): Promise<void> } {
  let open = false;
  let errors = 0;
  let silent = 0;
  return {
    isOpen: () => open,
    note: async ({ outcome, detail }) => {
      errors = outcome === "HARNESS-ERROR" ? errors + 1 : 0;
      silent = detail.startsWith(noAnswer) ? silent + 1 : 0;
      // A dead target would otherwise cost a time-out for every call that is left.
      const gone = silent >= breakerAfter && !(await client.http({ path: "/health" }).then(() => true, () => false));
      open ||= gone || errors >= breakerAfter;
    },
  };
}

const broken: Verdict = { outcome: "HARNESS-ERROR", detail: "not run: the harness, or the target as a whole, failed before" };

/** Begins the detail of a check that got no answer. */
const noAnswer = "no answer: ";

/** The ways to call that a check is made over, those that the deployment does not claim among them. */
function variantsOf({ over }: Check, { variants, unclaimed, control }: Context): readonly Variant[] {
  return over === "once" ? [control] : [...variants, ...unclaimed].filter(over);
}

async function judged(check: Check, context: Context, variant: Variant): Promise<Verdict> {
  const missing = (check.needs ?? []).filter((facility) => !context.facilities.has(facility));
  if (context.unclaimed.includes(variant)) return { outcome: "NOT-CLAIMED", detail: `the deployment does not claim ${variant.claim}` };
  if (missing.length > 0) return { outcome: "NOT-CLAIMED", detail: `needs ${missing.join(", ")}` };
  const { keyword } = requirementOf(check.id);
  const judge = new Judge();
  try {
    await check.run(context, judge, variant);
    return judge.verdict(keyword);
  } catch (error) {
    if (error instanceof NoAnswer && !error.unreachable) return { outcome: keyword === "MUST" ? "FAIL" : "WARN", detail: `${noAnswer}${error.message}` };
    const detail = error instanceof HarnessError || error instanceof NoAnswer ? error.message : String((error as Error).stack ?? error).split("\n").slice(0, 3).join(" ");
    return { outcome: "HARNESS-ERROR", detail };
  }
}

/** Takes out every secret of the run, so that reports can be shown around. */
function redacted(text: string, secrets: ReadonlySet<string>): string {
  let clean = text;
  for (const secret of secrets) if (secret.length >= 6) clean = clean.replaceAll(secret, "[redacted]");
  return clean;
}

/** Totals of a run. */
export interface Summary {
  readonly counts: Readonly<Record<Outcome, number>>;
  readonly checks: number;
  readonly requests: number;
  readonly seconds: number;
  /** True if no MUST failed and nothing was vacuous. */
  readonly passed: boolean;
}

/** Adds up results. Nothing passed is no pass (SU-08). */
export function summarize(results: readonly Result[], requests: number, seconds: number): Summary {
  const counts = Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
  for (const { outcome } of results) counts[outcome]++;
  const untestable = results.some(({ outcome, keyword }) => outcome === "NOT-TESTABLE" && keyword === "MUST");
  const passed = counts.PASS > 0 && counts.FAIL === 0 && counts["HARNESS-ERROR"] === 0 && !untestable;
  return { counts, checks: new Set(results.map(({ id }) => id)).size, requests, seconds, passed };
}

/** Labels of every way to call, for usage texts. */
export const protocolLabels: readonly string[] = allVariants.map(({ label }) => label);

