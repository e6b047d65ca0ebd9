// Adds up what processes tell, without counting twice what they share.
import { describe, expect, it } from "vitest";
import { mergeMetrics } from "./merge-metrics.js";

const text = (inFlight: number, calls: number, records: number, codes: Readonly<Record<string, number>> = {}): string =>
  [
    "# HELP parapet_calls_in_flight Calls.",
    "# TYPE parapet_calls_in_flight gauge",
    `parapet_calls_in_flight ${inFlight}`,
    "# HELP parapet_call_duration_seconds Time.",
    "# TYPE parapet_call_duration_seconds histogram",
    `parapet_call_duration_seconds_bucket{method="a b/c",le="+Inf"} ${calls}`,
    `parapet_call_duration_seconds_sum{method="a b/c"} ${calls / 4}`,
    "# HELP parapet_call_failures_total Failures.",
    "# TYPE parapet_call_failures_total counter",
    ...Object.entries(codes).map(([code, count]) => `parapet_call_failures_total{code="${code}"} ${count}`),
    "# HELP parapet_audit_records Records.",
    "# TYPE parapet_audit_records gauge",
    `parapet_audit_records ${records}`,
    "",
  ].join("\n");

describe("merged metrics", () => {
  it("are the text itself for one process", () => {
    expect(mergeMetrics([text(1, 8, 3, { internal: 2 })])).toBe(text(1, 8, 3, { internal: 2 }));
  });

  it("sum counters, histograms and calls in flight, and tell what is shared once", () => {
    expect(mergeMetrics([text(1, 8, 30, { internal: 2 }), text(2, 4, 31, { internal: 1, unavailable: 5 })])).toBe(text(3, 12, 31, { internal: 3, unavailable: 5 }));
  });

  it("keep what processes that ended had counted, so that no counter falls", () => {
    const ended = mergeMetrics([], [text(7, 100, 99, { internal: 4 })]);
    expect(mergeMetrics([text(1, 8, 30, { internal: 2 })], [ended])).toBe(text(1, 108, 30, { internal: 6 }));
    expect(mergeMetrics([text(1, 8, 30)], [mergeMetrics([], [ended, text(1, 1, 1)])])).toBe(text(1, 109, 30, { internal: 4 }));
  });
});
