/** Counters of calls in the Prometheus text format, version 0.0.4. */
import type { Code } from "@connectrpc/connect";
import { Protocol, type Call } from "./call.js";
import { codeNames } from "./errors.js";
import type { Plan } from "./gate/plan.js";

/** Upper bounds of the duration buckets, in seconds. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What is counted. */
export interface Metrics {
  /** A call begins; returns what `end` wants. */
  start(): number;
  /** A call ended, whatever its outcome. */
  end(call: Call, started: number): void;
  /** A call was refused or failed with this code. */
  count(plan: Plan, protocol: Protocol, code: Code): void;
  /** A gauge that is read when somebody asks; NaN while it cannot be read. */
  gauge(name: string, help: string, read: () => number): void;
  text(): string;
}

interface Series {
  readonly method: string;
  readonly protocol: string;
  readonly buckets: number[];
  sum: number;
  count: number;
}

const protocolNames: Readonly<Record<Protocol, string>> = {
  [Protocol.UNSPECIFIED]: "none",
  [Protocol.NONE]: "none",
  [Protocol.GRPC]: "grpc",
  [Protocol.GRPC_WEB]: "grpc-web",
  [Protocol.CONNECT]: "connect",
  [Protocol.REST]: "rest",
};

/** Makes the counters. `nowMs` is monotonic. */
export function createMetrics(nowMs: () => number): Metrics {
  const series = new Map<Plan, Map<Protocol, Series>>();
  const failures = new Map<string, number>();
  const gauges: { name: string; help: string; read: () => number }[] = [];
  let inFlight = 0;

  return {
    start() {
      inFlight++;
      return nowMs();
    },
    end(call, started) {
      inFlight--;
      let byProtocol = series.get(call.plan);
      if (byProtocol === undefined) series.set(call.plan, (byProtocol = new Map()));
      let one = byProtocol.get(call.protocol);
      if (one === undefined) byProtocol.set(call.protocol, (one = { method: call.plan.name, protocol: protocolNames[call.protocol], buckets: bounds.map(() => 0), sum: 0, count: 0 }));
      const seconds = (nowMs() - started) / 1000;
      for (let i = bounds.length - 1; i >= 0 && seconds <= bounds[i]!; i--) one.buckets[i]!++;
      one.sum += seconds;
      one.count++;
    },
    count(plan, protocol, code) {
      const labels = `method="${plan.name}",protocol="${protocolNames[protocol]}",code="${codeNames[code]}"`;
      failures.set(labels, (failures.get(labels) ?? 0) + 1);
    },
    gauge(name, help, read) {
      gauges.push({ name, help, read });
    },
    text() {
      const lines = ["# HELP parapet_calls_in_flight Calls that have begun and not ended.", "# TYPE parapet_calls_in_flight gauge", `parapet_calls_in_flight ${inFlight}`];
      lines.push("# HELP parapet_call_duration_seconds Time from the first byte of a call to the end of its answer.", "# TYPE parapet_call_duration_seconds histogram");
      for (const byProtocol of series.values()) {
        for (const { method, protocol, buckets, sum, count } of byProtocol.values()) {
          const labels = `method="${method}",protocol="${protocol}"`;
          bounds.forEach((bound, i) => lines.push(`parapet_call_duration_seconds_bucket{${labels},le="${bound}"} ${buckets[i]}`));
          lines.push(`parapet_call_duration_seconds_bucket{${labels},le="+Inf"} ${count}`, `parapet_call_duration_seconds_sum{${labels}} ${sum}`, `parapet_call_duration_seconds_count{${labels}} ${count}`);
        }
      }
      lines.push("# HELP parapet_call_failures_total Calls that were refused or failed, by code.", "# TYPE parapet_call_failures_total counter");
      for (const [labels, count] of failures) lines.push(`parapet_call_failures_total{${labels}} ${count}`);
      for (const { name, help, read } of gauges) lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${valueOf(read)}`);
      return `${lines.join("\n")}\n`;
    },
  };
}

/** What a gauge reads; where its store fails, the other numbers are what somebody wants to see. */
function valueOf(read: () => number): number {
  try {
    return read();
  } catch {
    return Number.NaN;
  }
}
