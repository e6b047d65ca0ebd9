/** What a check found: the outcomes there are, and how single observations add up to one of them. */
import type { Keyword } from "../registry.js";

/**
 * PASS and FAIL; WARN is the FAIL of a SHOULD. NOT-TESTABLE: what the check rests on did not work, so nothing was shown (a
 * failure for a MUST). NOT-CLAIMED: a feature of the deployment or a facility of the run is missing, and is named.
 * INCONCLUSIVE: statistics or timing gave no answer. HARNESS-ERROR: the suite itself, or its way to the target, broke.
 */
export type Outcome = "PASS" | "FAIL" | "WARN" | "NOT-TESTABLE" | "NOT-CLAIMED" | "INCONCLUSIVE" | "HARNESS-ERROR";

/** Every outcome, in the order of summaries. */
export const outcomes: readonly Outcome[] = ["PASS", "FAIL", "WARN", "NOT-TESTABLE", "NOT-CLAIMED", "INCONCLUSIVE", "HARNESS-ERROR"];

/** An outcome and the words for it. */
export interface Verdict {
  readonly outcome: Outcome;
  readonly detail: string;
}

/** Something of the suite's own went wrong: no statement about the deployment. */
export class HarnessError extends Error {
  override readonly name = "HarnessError";
}

const faultsShown = 3;

/** Collects the observations of one check. A check that observed nothing proves nothing. */
export class Judge {
  private cases = 0;
  private controls = 0;
  private readonly faults: string[] = [];
  private readonly brokenControls: string[] = [];
  private readonly doubts: string[] = [];
  private missing: string | undefined;

  /** A positive control: the good state, which must work before its refusal means anything (SU-07). */
  control(what: string, holds: boolean, got = ""): boolean {
    this.controls++;
    if (!holds) this.brokenControls.push(got === "" ? what : `${what}: ${got}`);
    return holds;
  }

  /** One observation. */
  that(what: string, holds: boolean, got = ""): boolean {
    this.cases++;
    if (!holds) this.faults.push(got === "" ? what : `${what}: ${got}`);
    return holds;
  }

  /** One observation: two values are alike as JSON. */
  equal(what: string, got: unknown, wanted: unknown): boolean {
    const [left, right] = [JSON.stringify(got), JSON.stringify(wanted)];
    return this.that(what, left === right, difference(got, wanted));
  }

  /** Observations made elsewhere: none is a pass of one case. */
  none(what: string, faults: readonly string[]): boolean {
    return this.that(what, faults.length === 0, faults.slice(0, faultsShown).join("; "));
  }

  /** Timing or statistics did not allow a statement. */
  doubt(what: string): void {
    this.doubts.push(what);
  }

  /** The deployment does not claim what the check is about. */
  notClaimed(what: string): void {
    this.missing = what;
  }

  /** The verdict on a requirement of the given severity. */
  verdict(keyword: Keyword): Verdict {
    if (this.missing !== undefined) return { outcome: "NOT-CLAIMED", detail: this.missing };
    if (this.faults.length > 0) return { outcome: keyword === "MUST" ? "FAIL" : "WARN", detail: listed(this.faults) };
    if (this.brokenControls.length > 0) return { outcome: "NOT-TESTABLE", detail: `control failed: ${listed(this.brokenControls)}` };
    if (this.doubts.length > 0) return { outcome: "INCONCLUSIVE", detail: listed(this.doubts) };
    if (this.cases === 0) return { outcome: "HARNESS-ERROR", detail: "the check observed nothing" };
    return { outcome: "PASS", detail: `${count(this.cases, "case")}${this.controls > 0 ? `, ${count(this.controls, "control")}` : ""}` };
  }
}

/** How two values differ: field by field, if both are objects. */
function difference(got: unknown, wanted: unknown): string {
  if (!isRecord(got) || !isRecord(wanted)) return `got ${short(JSON.stringify(got))}, wanted ${short(JSON.stringify(wanted))}`;
  const names = new Set([...Object.keys(got), ...Object.keys(wanted)]);
  const differing = [...names].filter((name) => JSON.stringify(got[name]) !== JSON.stringify(wanted[name]));
  return differing.map((name) => `${name} is ${short(JSON.stringify(got[name]))} instead of ${short(JSON.stringify(wanted[name]))}`).join(", ");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listed(items: readonly string[]): string {
  const shown = items.slice(0, faultsShown).join("; ");
  return items.length > faultsShown ? `${shown}; and ${items.length - faultsShown} more` : shown;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function short(text: string | undefined): string {
  const whole = text ?? "nothing";
  return whole.length > 160 ? `${whole.slice(0, 157)}…` : whole;
}
