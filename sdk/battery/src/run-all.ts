/** Runs clients through scenarios, a few at a time. */
import { type Command, runClient } from "./run-client.js";
import type { Scenario } from "./scenarios.js";
import type { Row } from "./table.js";

/** How many clients run at the same time: those that wait cost nothing, those that work would slow each other down. */
const lanes = 3;

/** All clients through all scenarios; `report` hears of each row's cells as they come. */
export async function runAll(clients: readonly Command[], scenarios: readonly Scenario[], report: (client: string, scenario: string, text: string) => void): Promise<Row[]> {
  const rows = clients.map(({ name }) => ({ name, verdicts: {} as Record<string, Awaited<ReturnType<typeof runClient>>> }));
  const work = clients.flatMap((client, at) => scenarios.map((scenario) => ({ client, scenario, row: rows[at]! })));
  const lane = async (): Promise<void> => {
    for (let next = work.shift(); next; next = work.shift()) {
      const { client, scenario, row } = next;
      const verdict = await runClient(client, scenario);
      row.verdicts[scenario.id] = verdict;
      report(client.name, scenario.id, verdict.text);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return rows;
}
