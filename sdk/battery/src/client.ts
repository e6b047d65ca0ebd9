/** Drives a JavaScript client through one job of the battery; clients in other languages speak the protocol of the README themselves. */
import { inspect } from "node:util";
import { type Job, jobVariable, type SeenError, type Settled } from "./protocol.js";

export type { Job, Settled } from "./protocol.js";

/** Makes one call; rejects as the client does. */
export type CallOnce = (options: { readonly call: Job["call"]; readonly signal: AbortSignal | undefined }) => PromiseLike<unknown>;

/** Thrown by a client that has nothing of what a job asks for. */
export class Unsupported extends Error {
  override readonly name = "Unsupported";
}

/** What a client is set up with: the job, and the token source as a function where the job has one. */
export type Setup = Job & { readonly token: (() => Promise<string>) | undefined };

/** Takes the job out of the environment, sets the client up, makes the calls, prints how each ended, and ends the process. */
export async function drive(setUp: (job: Setup) => CallOnce | Promise<CallOnce>): Promise<never> {
  const text = process.env[jobVariable];
  if (text === undefined) throw new Error(`${jobVariable} is not set: start this through the battery`);
  const job = JSON.parse(text) as Job;
  const { tokenUrl } = job;
  const token = tokenUrl === undefined ? undefined : async () => ((await (await fetch(tokenUrl)).json()) as { token: string }).token;
  const lines: Settled[] = [];
  try {
    const call = await setUp({ ...job, token });
    lines.push(...(await Promise.all(Array.from({ length: job.calls }, () => once(job, call)))));
  } catch (thrown) {
    if (!(thrown instanceof Unsupported)) throw thrown;
    lines.push({ unsupported: thrown.message });
  }
  await new Promise((resolve) => process.stdout.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(""), resolve));
  // What a client leaves behind, such as a sleeping retry, must not keep the process.
  process.exit(0);
}

async function once({ call, abortAfterMs }: Job, work: CallOnce): Promise<Settled> {
  const controller = abortAfterMs === undefined ? undefined : new AbortController();
  const start = performance.now();
  const ms = (): number => Math.round(performance.now() - start);
  const timer = controller && setTimeout(() => controller.abort(), abortAfterMs);
  try {
    await work({ call, signal: controller?.signal });
    return { ok: true, ms: ms() };
  } catch (thrown) {
    if (thrown instanceof Unsupported) throw thrown;
    return { ok: false, ms: ms(), error: describe(thrown) };
  } finally {
    clearTimeout(timer);
  }
}

/** Longest text of an error, in characters. */
const textMax = 20_000;

function describe(thrown: unknown): SeenError {
  const { code, reason, status, retryAfterMs, name } = (thrown ?? {}) as Partial<SeenError>;
  const given = {
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    ...(typeof reason === "string" ? { reason } : {}),
    ...(typeof status === "number" ? { status } : {}),
    ...(typeof retryAfterMs === "number" ? { retryAfterMs } : {}),
  };
  // Minified packages have class names of one letter, and some set only one of the two.
  const own = thrown instanceof Error ? thrown.constructor.name : typeof thrown;
  const text = `${inspect(thrown, { depth: 8, showHidden: true })}\n${json(thrown)}`;
  return { name: name !== undefined && name !== "Error" ? name : own, ...given, text: text.slice(0, textMax) };
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}
