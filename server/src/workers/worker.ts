/** The program of a worker process: serves the connections that the primary which started it deals out. */
import type { Socket } from "node:net";
import { createApp, type App } from "../app.js";
import type { Config } from "../config.js";
import { directoryOf, type SharedPlace } from "../foundation.js";
import { ContractError } from "../gate/build-plans.js";
import { createLog, withFields } from "../log.js";
import { boundHeap } from "../heap.js";
import { awaitAdmission } from "../store/admission.js";
import type { ToPrimary, ToWorker } from "./messages.js";

if (process.send === undefined) {
  process.stderr.write("parapet: a worker is started by `parapet serve --workers N`\n");
  process.exit(64);
}

/** Exit code of a worker that cannot start or has lost its primary (sysexits.h EX_UNAVAILABLE). */
const unavailableExit = 69;

let app: App | undefined;
let starting: Promise<void> | undefined;
let ending = false;
let asked = 0;
const answers = new Map<number, (text: string) => void>();

process.on("message", (message: ToWorker, socket?: Socket) => receive[message.kind](message as never, socket));
// A worker of a primary that was killed has nobody to belong to. What was acknowledged is in the store.
process.on("disconnect", () => process.exit(unavailableExit));
process.on("SIGTERM", () => void drain());
// A terminal interrupts every process of its group, and tells them all that it was closed; the primary says when to end.
process.on("SIGINT", () => undefined);
process.on("SIGHUP", () => undefined);

const receive: { readonly [K in ToWorker["kind"]]: (message: Extract<ToWorker, { kind: K }>, socket?: Socket) => void } = {
  "connection": (_message, socket) => {
    // Nothing was read of it yet: who said that it leaves gives it back by closing its own handle alone.
    if (ending) return void socket?.destroy();
    // None comes if the caller has hung up meanwhile.
    if (socket !== undefined) app!.parapet.accept(socket);
    tell({ kind: "ready" });
  },
  "start": ({ number, owner, config }) => {
    starting = start(number, owner, config);
  },
  "drain": () => void drain(),
  "tell-metrics": ({ id }) => tell({ kind: "own-metrics", id, text: app?.parapet.metrics.text() ?? "" }),
  "metrics": ({ id, text }) => {
    answers.get(id)?.(text);
    answers.delete(id);
  },
};

tell({ kind: "hello" });

async function start(number: number, owner: number, config: Config): Promise<void> {
  const log = withFields(createLog(config.logLevel, (line) => void process.stderr.write(line)), { worker: number });
  try {
    const admission = (place: SharedPlace): Promise<() => void> => {
      tell({ kind: "opening", place });
      return awaitAdmission(directoryOf(place, config));
    };
    app = await createApp({ config, log, worker: { owner, admission, collectMetrics } });
    await boundHeap();
    tell({ kind: "ready" });
  } catch (error) {
    await app?.close().catch(() => undefined);
    const message = error instanceof ContractError ? error.message : `cannot start: ${(error as Error).message}`;
    tell({ kind: "failed", message }, () => process.exit(unavailableExit));
  }
}

async function drain(): Promise<void> {
  if (ending) return;
  ending = true;
  tell({ kind: "leaving" });
  await starting;
  await app?.close();
  process.exit(0);
}

function collectMetrics(): Promise<string> {
  return new Promise((resolve) => {
    answers.set(++asked, resolve);
    tell({ kind: "collect-metrics", id: asked });
  });
}

function tell(message: ToPrimary, then: () => void = () => undefined): void {
  process.send!(message, undefined, undefined, then);
}
