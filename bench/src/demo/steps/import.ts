/** Step: adds every document, in turn over all protocols. */
import { valueOf } from "../callers.js";
import { claim } from "../claims.js";
import { forEachAtMost } from "../../process/pool.js";
import { callsAtATime, secondsOf, type StepResult, type World } from "../world.js";

/** Runs it. */
export async function importCorpus({ documents, librarian: { callers }, progress }: World): Promise<readonly StepResult[]> {
  const bar = progress("import", documents.length);
  const counts = new Map(callers.map(({ protocol }) => [protocol, 0]));
  const seconds = await secondsOf(() =>
    forEachAtMost(callsAtATime, documents, async (document, index) => {
      const caller = callers[index % callers.length]!;
      const added = valueOf(await caller.add(document), `${document.key} added over ${caller.protocol}`);
      claim(added.revision === 1, `${document.key} is new`, added);
      counts.set(caller.protocol, counts.get(caller.protocol)! + 1);
      bar.step();
    }),
  );
  bar.end(`${documents.length} README files, each durable and on record, in ${seconds.toFixed(1)} s`);
  return [{ what: "import README files (Add)", protocol: callers.map(({ protocol }) => protocol).join(", "), count: documents.length, seconds }];
}
