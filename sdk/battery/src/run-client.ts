/** Runs one client through one scenario, in a process of its own. */
import { spawn } from "node:child_process";
import { startFaultServer, tokenPath } from "./fault-server.js";
import { type Job, jobVariable, parseSettled, type Settled } from "./protocol.js";
import { credential, judge, type Scenario, type Verdict } from "./scenarios.js";

/** A client: how to start it. */
export interface Command {
  /** Head of its row. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** Time a client gets for a scenario from its first request on, in milliseconds; those who sleep or hang use all of it. */
export const patienceMs = 6_000;

/** Time it gets to start and to send that request: how fast a process starts is the machine's affair. */
const startMs = 60_000;

/** Fails with Error, together with what the client printed, for one that cannot be started or ends with a status other than 0. */
export async function runClient({ name, command, args }: Command, scenario: Scenario, patience = patienceMs): Promise<Verdict> {
  let begin = (): void => {};
  const server = await startFaultServer(scenario.behave, () => begin());
  try {
    const { tokens: hasTokens, ...asked } = scenario.job;
    const job: Job = { scenario: scenario.id, url: server.url, credential, ...asked, ...(hasTokens ? { tokenUrl: server.url + tokenPath } : {}) };
    const { settled, hung } = await speak(name, command, args, job, patience, (onFirst) => (begin = onFirst));
    return judge(scenario, { settled, hung, requests: server.seen, tokens: server.tokens() });
  } finally {
    await server.close();
  }
}

/** `whenBegun` takes what is to be called at the client's first request. */
function speak(name: string, command: string, args: readonly string[], job: Job, patience: number, whenBegun: (onFirst: () => void) => void): Promise<{ settled: Settled[]; hung: boolean }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, [jobVariable]: JSON.stringify(job) }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let complaints = "";
    let hung = false;
    const giveUp = (): void => {
      hung = true;
      child.kill("SIGKILL");
    };
    let timer = setTimeout(giveUp, startMs);
    whenBegun(() => {
      clearTimeout(timer);
      timer = setTimeout(giveUp, patience);
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
    child.on("error", (cause) => {
      clearTimeout(timer);
      reject(new Error(`${name} cannot be started: ${cause.message}`));
    });
    child.on("close", (status) => {
      clearTimeout(timer);
      const settled = output.split("\n").flatMap((line) => parseSettled(line) ?? []);
      if (status === 0 || hung) resolve({ settled, hung });
      else reject(new Error(`${name} ended with status ${status} in scenario ${job.scenario}:\n${complaints.trim()}`));
    });
  });
}
