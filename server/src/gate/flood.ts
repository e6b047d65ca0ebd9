/** Turns floods of refusals into one counted record a second, so that an attacker cannot write to the disk at will. */
import { createHmac } from "node:crypto";
import { RecordPhase } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import type { AuditFacts, AuditSink } from "../audit/sink.js";
import { countedRecordIntervalMs } from "../limits.js";

/** Counts refusals that are too many to be recorded one by one. */
export interface Flood {
  /** True: record this refusal by itself. False: it was counted and will be part of a counted record. */
  admits(subject: string, facts: AuditFacts): boolean;
  /** Writes what was counted; to be called once a second, and before the end. */
  flush(): Promise<void>;
}

interface Counter {
  since: number;
  count: number;
  facts: AuditFacts;
  targets: Set<string>;
}

// More subjects than this at once are counted together, as are more targets: state stays bounded (RL-21).
const subjectsMax = 10_000;
const targetsMax = 1_000;
const samples = 16;
const everybody = "";

/** Makes the counter. Samples of targets are HMACs under `key`, so that a record names nobody. */
export function createFlood(sink: AuditSink, key: Uint8Array, nowMs: () => number): Flood {
  const counters = new Map<string, Counter>();
  return {
    admits(subject, facts) {
      const name = counters.has(subject) || counters.size < subjectsMax ? subject : everybody;
      const counter = counters.get(name);
      const now = nowMs();
      if (counter === undefined || (counter.count === 0 && now - counter.since >= countedRecordIntervalMs)) {
        counters.set(name, { since: now, count: 0, facts, targets: new Set() });
        return true;
      }
      counter.count++;
      counter.facts = facts;
      if (counter.targets.size < targetsMax) counter.targets.add(`${facts.method} ${facts.resource}`);
      return false;
    },
    async flush() {
      const now = nowMs();
      const writes: Promise<void>[] = [];
      for (const [name, counter] of counters) {
        if (counter.count === 0) {
          if (now - counter.since >= countedRecordIntervalMs) counters.delete(name);
          continue;
        }
        const targets = [...counter.targets];
        counters.set(name, { since: now, count: 0, facts: counter.facts, targets: new Set() });
        writes.push(
          sink.write({
            ...counter.facts,
            phase: RecordPhase.COUNTED,
            count: counter.count,
            distinctTargets: targets.length,
            targetSamples: targets.slice(0, samples).map((target) => createHmac("sha256", key).update(target).digest().subarray(0, 16)),
          }),
        );
      }
      await Promise.all(writes);
    },
  };
}
