/** Adds up metrics of several processes in the Prometheus text format, version 0.0.4. */

/** Gauges that count something of each process; every other gauge speaks of what the processes share. */
const summedGauges: ReadonlySet<string> = new Set(["parapet_calls_in_flight"]);

interface Family {
  readonly head: string[];
  isGauge: boolean;
  /** Values by name and labels, in the order in which they came. */
  readonly samples: Map<string, number>;
}

/**
 * One text for all: counters and histograms are summed, and so are calls in flight; other gauges, which tell of the store,
 * are the largest of those told. `ended` are texts of processes that are gone: of those only what counts on.
 */
export function mergeMetrics(texts: readonly string[], ended: readonly string[] = []): string {
  const families = new Map<string, Family>();
  for (const text of texts) add(families, text, true);
  for (const text of ended) add(families, text, false);
  const lines: string[] = [];
  for (const { head, samples } of families.values()) {
    if (samples.size === 0 && head.some((line) => line.endsWith(" gauge"))) continue;
    lines.push(...head, ...Array.from(samples, ([name, value]) => `${name} ${value}`));
  }
  return `${lines.join("\n")}\n`;
}

function add(families: Map<string, Family>, text: string, withGauges: boolean): void {
  let name = "";
  let family: Family | undefined;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, word, of, rest] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (of !== undefined) {
      if (of !== name) {
        name = of;
        family = families.get(of);
        if (family === undefined) families.set(of, (family = { head: [], isGauge: false, samples: new Map() }));
      }
      if (word === "TYPE") family!.isGauge = rest === "gauge";
      if (!family!.head.includes(line)) family!.head.push(line);
      continue;
    }
    if (family === undefined || (family.isGauge && !withGauges)) continue;
    const at = line.lastIndexOf(" ");
    const sample = line.slice(0, at);
    const value = Number(line.slice(at + 1));
    const known = family.samples.get(sample);
    family.samples.set(sample, known === undefined ? value : family.isGauge && !summedGauges.has(name) ? Math.max(known, value) : known + value);
  }
}
