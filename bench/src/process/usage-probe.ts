/** Loaded into every measured process: answers its parent with what it has used, and profiles itself when told. */
import type { Profiler, Session } from "node:inspector/promises";
import { parentVariable } from "./parent-variable.js";

/** What a measured process is asked. */
export type ProbeQuestion = { readonly probe: "usage" } | { readonly probe: "profile-start" } | { readonly probe: "profile-stop"; readonly file: string };

/** What it answers. */
export interface ProbeAnswer {
  /** CPU time of all its threads so far, in microseconds. */
  readonly cpuMicros: number;
  /** Memory that is resident now, in bytes. */
  readonly rssBytes: number;
}

/** Time between two samples of the profile, in microseconds. */
const profileIntervalMicros = 250;

let session: Session | undefined;

const answers: { readonly [Q in ProbeQuestion["probe"]]: (question: Extract<ProbeQuestion, { probe: Q }>) => void | Promise<void> } = {
  usage: () => undefined,
  // Modules that only a profile needs would weigh on every measured process.
  async "profile-start"() {
    const inspector = await import("node:inspector/promises");
    session = new inspector.Session();
    session.connect();
    await session.post("Profiler.enable");
    await session.post("Profiler.setSamplingInterval", { interval: profileIntervalMicros });
    await session.post("Profiler.start");
  },
  async "profile-stop"({ file }) {
    const { profile } = (await session!.post("Profiler.stop")) as Profiler.StopReturnType;
    session!.disconnect();
    const { writeFile } = await import("node:fs/promises");
    await writeFile(file, JSON.stringify(profile));
  },
};

// A worker of a measured server inherits this module; its channel goes to its primary and is none of ours.
if (process.send !== undefined && process.env[parentVariable] === String(process.ppid)) {
  process.on("message", (message: unknown) => {
    if (typeof message !== "object" || message === null || !("probe" in message)) return;
    const question = message as ProbeQuestion;
    void Promise.resolve(answers[question.probe](question as never)).then(() => {
      const { user, system } = process.cpuUsage();
      process.send!({ cpuMicros: user + system, rssBytes: process.memoryUsage.rss() } satisfies ProbeAnswer);
    });
  });
  process.once("disconnect", () => process.exit());
  // The channel alone must not keep a server alive that wants to end.
  process.channel?.unref();
}
