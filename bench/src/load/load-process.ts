/** The process that makes load: takes commands from its parent and answers each. */
import type { Connection } from "./connection.js";
import { openHttp1Connection } from "./http1-connection.js";
import { openHttp2Connection } from "./http2-connection.js";
import type { Job, LoadAnswer, LoadCommand } from "./job.js";
import { runStretch } from "./run-stretch.js";

let connections: readonly Connection[] = [];

process.on("message", (command: LoadCommand) => {
  execute(command).then(answer, (error: Error) => answer({ type: "error", message: error.message }));
});
process.once("disconnect", () => process.exit());

function answer(answered: LoadAnswer): void {
  process.send!(answered);
}

async function execute(command: LoadCommand): Promise<LoadAnswer> {
  if (command.type === "run") return { type: "result", result: await runStretch(connections, command.stretch) };
  for (const connection of connections) connection.close();
  connections = [];
  if (command.type === "open") connections = await Promise.all(Array.from({ length: command.job.connections }, () => open(command.job)));
  return { type: "done" };
}

function open({ port, template, streams }: Job): Promise<Connection> {
  return template.wire === "http1" ? openHttp1Connection(port, template.bytes) : openHttp2Connection(port, template, streams);
}
