/** Writes the results of a run for programs: JSON lines, or JUnit. */
import type { JsonObject } from "@bufbuild/protobuf";
import { requirementOf } from "../registry.js";
import type { Result, Summary } from "./runner.js";

/** Who was checked by what, and how to do it again. */
export interface RunIdentity {
  readonly target: string;
  readonly implementation: string;
  readonly version: string;
  readonly contractHash: string;
  readonly suite: string;
  readonly profile: string;
  readonly seed: number;
  readonly command: string;
}

/** A finished run. */
export interface Report {
  readonly results: readonly Result[];
  readonly summary: Summary;
  readonly identity: RunIdentity;
}

/** Forms a report can have. */
export const reportForms: Readonly<Record<"jsonl" | "junit", (report: Report) => string>> = { jsonl, junit };

/** One object a line for each check and protocol; the last line is `{"summary": …}`. */
function jsonl({ results, summary, identity }: Report): string {
  const lines: JsonObject[] = results.map(({ id, keyword, protocol, outcome, detail }) => ({ id, keyword, protocol, outcome, detail }));
  const { counts, ...totals } = summary;
  return [...lines, { summary: { ...totals, counts: { ...counts }, ...identity } }].map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Child element of a test case by outcome; a pass has none. */
const junitChild: Readonly<Partial<Record<Result["outcome"], "failure" | "error" | "skipped">>> = {
  "FAIL": "failure",
  "NOT-TESTABLE": "failure",
  "HARNESS-ERROR": "error",
  "NOT-CLAIMED": "skipped",
  "INCONCLUSIVE": "skipped",
};

/** JUnit as Jenkins and GitLab read it: a suite for each area, a case for each check and protocol. */
function junit({ results, summary, identity }: Report): string {
  const suites = new Map<string, Result[]>();
  for (const result of results) {
    const area = result.id.split("-")[0]!;
    suites.set(area, [...(suites.get(area) ?? []), result]);
  }
  const properties = Object.entries(identity).map(([name, value]) => `      <property name="${escape(name)}" value="${escape(String(value))}"/>\n`).join("");
  const body = [...suites].map(([area, cases]) => {
    const children = cases.map(junitCase).join("");
    return `  <testsuite name="${escape(area)}" ${totals(cases)}>\n    <properties>\n${properties}    </properties>\n${children}  </testsuite>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="parapet-conformance" ${totals(results)} time="${summary.seconds.toFixed(3)}">\n${body.join("")}</testsuites>\n`;
}

function junitCase({ id, keyword, protocol, outcome, detail, seconds }: Result): string {
  const open = `    <testcase classname="${escape(id)}" name="${escape(`${protocol}: ${requirementOf(id).property}`)}" time="${seconds.toFixed(3)}"`;
  const child = junitChild[outcome];
  if (child === undefined) return outcome === "WARN" ? `${open}>\n      <system-out>${escape(`WARN: ${detail}`)}</system-out>\n    </testcase>\n` : `${open}/>\n`;
  return `${open}>\n      <${child} type="${escape(`${outcome} ${keyword}`)}" message="${escape(detail)}"></${child}>\n    </testcase>\n`;
}

function totals(results: readonly Result[]): string {
  const of = (child: string): number => results.filter(({ outcome }) => junitChild[outcome] === child).length;
  return `tests="${results.length}" failures="${of("failure")}" errors="${of("error")}" skipped="${of("skipped")}"`;
}

/** Escapes for XML 1.0, which has no way at all to hold most control characters. */
function escape(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replace(/[&<>"'\t\n\r]/g, (character) => `&#${character.codePointAt(0)};`);
}
