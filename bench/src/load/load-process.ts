/** The process that makes load: takes commands from its parent and answers each. */
import type { Connection } from "./connection.js";
import { openHttp1Connection } from "./http1-connection.js";
import { openHttp2Connection } from "./http2-connection.js";
import type { Job, LoadAnswer, LoadCommand } from "./job.js";
import { runStretch } from "./run-stretch.js";

/** The connections of every job. */
let open: readonly (readonly Connection[])[] = [];

process.on("message", (command: LoadCommand) => {
  execute(command).then(answer, (error: Error) => answer({ type: "error", message: error.message }));
});
process.once("disconnect", () => process.exit());

function answer(answered: LoadAnswer): void {
  process.send!(answered);
}

async function execute(command: LoadCommand): Promise<LoadAnswer> {
  if (command.type === "run") return { type: "result", result: await runStretch(open[command.job]!, command.stretch) };
  for (const connection of open.flat()) connection.close();
  open = [];
  open = await Promise.all(command.jobs.map((job) => Promise.all(Array.from({ length: job.connections }, () => connect(job)))));
  return { type: "opened" };
}

function connect({ port, template, streams }: Job): Promise<Connection> {
  return template.wire === "http1" ? openHttp1Connection(port, template.bytes) : openHttp2Connection(port, template, streams);
}
