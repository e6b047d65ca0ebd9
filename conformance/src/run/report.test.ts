/** The forms of a report, as programs read them. */
import { describe, expect, it } from "vitest";
import { type Report, reportForms } from "./report.js";
import { type Result, summarize } from "./runner.js";

const results: Result[] = [
  { id: "AN-01", keyword: "MUST", protocol: "grpc/h2", outcome: "PASS", detail: "2 cases", seconds: 0.5 },
  { id: "AN-03", keyword: "SHOULD", protocol: "rest/h1", outcome: "WARN", detail: "no <error>", seconds: 0.1 },
  { id: "RL-01", keyword: "MUST", protocol: "all", outcome: "FAIL", detail: 'broken & "quoted"\u0000\n', seconds: 0.1 },
  { id: "RL-02", keyword: "MUST", protocol: "all", outcome: "NOT-CLAIMED", detail: "needs limits", seconds: 0 },
  { id: "RL-03", keyword: "MUST", protocol: "all", outcome: "HARNESS-ERROR", detail: "oops", seconds: 0 },
];
const report: Report = {
  results,
  summary: summarize(results, 7, 1.5),
  identity: { target: "http://x", implementation: "i", version: "1", contractHash: "h", suite: "0", profile: "smoke", seed: 3, command: "again" },
};

describe("JSON lines", () => {
  const lines = reportForms.jsonl(report).trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);

  it("hold one object of five members for each check and protocol", () => {
    expect(lines.slice(0, -1).map((line) => Object.keys(line))).toEqual(results.map(() => ["id", "keyword", "protocol", "outcome", "detail"]));
  });

  it("end with the summary and what is needed to repeat the run", () => {
    expect(lines.at(-1)).toEqual({ summary: expect.objectContaining({ passed: false, requests: 7, seed: 3, command: "again", contractHash: "h", counts: expect.objectContaining({ PASS: 1, FAIL: 1 }) }) });
  });
});

describe("JUnit", () => {
  const text = reportForms.junit(report);

  it("has a suite for each area and real child elements", () => {
    expect(text.match(/<testsuite name="(AN|RL)"/g)).toHaveLength(2);
    expect(text.match(/<failure /g)).toHaveLength(1);
    expect(text.match(/<error /g)).toHaveLength(1);
    expect(text.match(/<skipped /g)).toHaveLength(1);
    expect(text).toContain('<testsuite name="RL" tests="3" failures="1" errors="1" skipped="1">');
  });

  it("escapes what XML cannot hold", () => {
    expect(text).toContain("broken &#38; &#34;quoted&#34;\ufffd&#10;");
    expect(Array.from(text).filter((character) => character < " " && character !== "\n")).toEqual([]);
  });
});
