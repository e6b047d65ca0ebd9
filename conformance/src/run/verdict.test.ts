/** How observations add up to an outcome, and when nothing is no pass. */
import { describe, expect, it } from "vitest";
import { Judge, type Outcome } from "./verdict.js";
import { type Result, summarize } from "./runner.js";

describe("a verdict", () => {
  const cases: [what: string, observe: (judge: Judge) => void, must: Outcome, should: Outcome][] = [
    ["nothing observed", () => undefined, "HARNESS-ERROR", "HARNESS-ERROR"],
    ["controls alone", (judge) => judge.control("works", true), "HARNESS-ERROR", "HARNESS-ERROR"],
    ["all well", (judge) => judge.that("holds", true), "PASS", "PASS"],
    ["a fault", (judge) => judge.that("holds", false), "FAIL", "WARN"],
    ["a fault among much that is well", (judge) => [1, 2, 3].forEach((n) => judge.that("holds", n !== 2)), "FAIL", "WARN"],
    ["a broken control", (judge) => [judge.control("works", false), judge.that("holds", true)], "NOT-TESTABLE", "NOT-TESTABLE"],
    ["a broken control beside a fault", (judge) => [judge.control("works", false), judge.that("holds", false)], "FAIL", "WARN"],
    ["a doubt", (judge) => [judge.that("holds", true), judge.doubt("too slow")], "INCONCLUSIVE", "INCONCLUSIVE"],
    ["a missing claim", (judge) => judge.notClaimed("limits"), "NOT-CLAIMED", "NOT-CLAIMED"],
  ];
  it.each(cases)("on %s", (_, observe, must, should) => {
    const judge = new Judge();
    observe(judge);
    expect([judge.verdict("MUST").outcome, judge.verdict("SHOULD").outcome]).toEqual([must, should]);
  });

  it("names the fields in which objects differ", () => {
    const judge = new Judge();
    judge.equal("record", { same: 1, code: "ok" }, { same: 1, code: "not_found" });
    expect(judge.verdict("MUST").detail).toBe('record: code is "ok" instead of "not_found"');
  });
});

describe("a run", () => {
  const result = (outcome: Outcome, keyword: Result["keyword"] = "MUST"): Result => ({ id: "AN-01", keyword, protocol: "rest/h1", outcome, detail: "", seconds: 0 });
  const cases: [what: string, results: Result[], passed: boolean][] = [
    ["passes", [result("PASS")], true],
    ["passes with a warning", [result("PASS"), result("WARN", "SHOULD")], true],
    ["passes with something not claimed", [result("PASS"), result("NOT-CLAIMED")], true],
    ["passes with something inconclusive", [result("PASS"), result("INCONCLUSIVE")], true],
    ["does not pass without a result", [], false],
    ["does not pass if nothing was claimed", [result("NOT-CLAIMED")], false],
    ["does not pass with a failure", [result("PASS"), result("FAIL")], false],
    ["does not pass with a harness error", [result("PASS"), result("HARNESS-ERROR")], false],
    ["does not pass with a MUST that cannot be tested", [result("PASS"), result("NOT-TESTABLE")], false],
  ];
  it.each(cases)("%s", (_, results, passed) => {
    expect(summarize(results, 1, 1).passed).toBe(passed);
  });
});
