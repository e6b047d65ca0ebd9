/** The parapet-conformance command: from arguments to an exit code. */
import { lookup } from "node:dns/promises";
import { readFileSync, writeFileSync } from "node:fs";
import { connect, isIP } from "node:net";
import { catalog } from "./checks/catalog.js";
import { contractCatalog, runContractProfile } from "./contract-profile/run.js";
import { type Options, readOptions, type RunCommand, usage } from "./options.js";
import { requirementOf, requirements } from "./registry.js";
import { type Check, profiles } from "./run/check.js";
import type { Context } from "./run/context.js";
import { createRandom } from "./run/random.js";
import { reportForms, type RunIdentity } from "./run/report.js";
import { type Result, runChecks, summarize, type Summary } from "./run/runner.js";
import { closeSession, openSession } from "./run/session.js";
import { outcomes } from "./run/verdict.js";
import { createWireClient } from "./wire/client.js";
import { createTransport, type Target } from "./wire/transport.js";

/** What the command works with. */
export interface CommandIo {
  /** Arguments after the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** A seed of 32 bits for a run that was given none. */
  readonly newSeed: () => number;
}

/** Exit codes: 0 no MUST failed, 1 one did, 2 the run could not say (SU-08), 64 wrong usage (sysexits.h). */
const exit = { passed: 0, failed: 1, harness: 2, usage: 64 } as const;

/** Runs the command; resolves to the exit code. */
export async function main(io: CommandIo): Promise<number> {
  const options = readOptions(io.argv, io.env);
  const commands: { readonly [K in Options["command"]]: (options: Extract<Options, { command: K }>) => Promise<number> | number } = {
    help: () => print(io.stdout, usage),
    version: () => print(io.stdout, `parapet-conformance ${version()}\n`),
    wrong: ({ problems }) => {
      io.stderr.write(`${problems.map((problem) => `parapet-conformance: ${problem}\n`).join("")}\n${usage}`);
      return exit.usage;
    },
    plan: (plan) => printPlan(plan, io),
    run: (run) => runSuite(run, io),
  };
  return await (commands[options.command] as (options: Options) => Promise<number> | number)(options);
}

/** The checks that a command line selects. */
function selectChecks({ profile, only }: RunCommand): Check[] {
  const included = profiles.slice(0, profiles.indexOf(profile) + 1);
  return catalog.filter((check) => included.includes(check.profile) && (only.length === 0 || only.includes(check.id)));
}

function printPlan(options: RunCommand, { stdout }: CommandIo): number {
  const selected = selectChecks(options);
  for (const { id, over, needs = [] } of selected) {
    const { keyword, property } = requirementOf(id);
    stdout.write(`${id}  ${keyword.padEnd(6)}  ${over === "once" ? "once     " : "protocols"}  ${property}${needs.length > 0 ? `  (needs ${needs.join(", ")})` : ""}\n`);
  }
  stdout.write(`${selected.length} of ${requirements.length} requirements have a check in this selection\n`);
  return selected.length > 0 ? exit.passed : exit.harness;
}

async function runSuite(options: RunCommand, io: CommandIo): Promise<number> {
  const say = (line: string): void => void io.stderr.write(`${line}\n`);
  for (const warning of options.warnings) say(`warning: ${warning}`);
  const checks = options.anyContract === undefined ? selectChecks(options) : [];
  const known: readonly { readonly id: string }[] = options.anyContract === undefined ? catalog : contractCatalog;
  const strangers = [...options.only, ...options.required].filter((id) => !known.some((check) => check.id === id));
  if ((options.anyContract === undefined && checks.length === 0) || strangers.length > 0) {
    say(`nothing to run: ${strangers.length > 0 ? `no check of ${strangers.join(", ")}` : "the selection is empty"}`);
    return exit.harness;
  }
  const seed = options.seed ?? io.newSeed();
  const startedAtMs = performance.now();
  const target = await reach(options);
  if (typeof target === "string") {
    say(`target ${options.target.origin} is unreachable: ${target}`);
    return exit.harness;
  }
  const profile = options.anyContract === undefined ? options.profile : "contract";
  say(`parapet-conformance ${version()}, profile ${profile}, target ${options.target.origin} (${target.address}), seed ${seed}`);
  const transport = createTransport(target);
  const client = createWireClient(transport, options.timeoutMs, options.requestsMax);
  const finish = (results: readonly Result[], about: Pick<RunIdentity, "implementation" | "version" | "contractHash">): number => {
    const summary = summarize(results, client.traffic.requests, (performance.now() - startedAtMs) / 1_000);
    const identity: RunIdentity = { target: options.target.origin, ...about, suite: version(), profile, seed, command: commandOf(options, seed) };
    if (options.report !== undefined && options.out !== undefined) writeFileSync(options.out, reportForms[options.report]({ results, summary, identity }));
    printSummary(io.stdout, results, summary, identity);
    if (summary.passed) return exit.passed;
    return summary.counts["HARNESS-ERROR"] > 0 && summary.counts.FAIL === 0 ? exit.harness : exit.failed;
  };
  let context: Context | undefined;
  try {
    const loopback = target.address.startsWith("127.");
    if (options.anyContract !== undefined) {
      const results = await runContractProfile({ ...options.anyContract, client, protocols: options.protocols, only: options.only, required: options.required, loopback, say });
      return finish(results, { implementation: "a deployment of", version: options.anyContract.contract.hash.slice(0, 12), contractHash: options.anyContract.contract.hash });
    }
    const { adminUser, adminPassword, signingKey, origin, protocols } = options;
    context = await openSession({ client, settings: { profile: options.profile, adminUser, adminPassword, signingKey, origin }, random: createRandom(seed), now: io.now, protocols, loopback, log: say });
    say(`run ${context.namespace} against ${context.claims.implementation} ${context.claims.version}`);
    const results = await runChecks(context, { checks, required: new Set(options.required), onResult: progress(say, checks) });
    await closeSession(context, say);
    const { implementation, version: deployed, contractHash } = context.claims;
    return finish(results, { implementation, version: deployed, contractHash });
  } catch (error) {
    if (context !== undefined) await closeSession(context, say);
    say(`the run could not go on: ${(error as Error).message}`);
    return exit.harness;
  } finally {
    transport.close();
  }
}

/** Finds the one address that answers; IPv4 first, as only it has many local sources. A text says why none does. */
async function reach({ target, ca }: RunCommand): Promise<Target | string> {
  const hostname = target.hostname.replace(/^\[|\]$/g, "");
  const tls = target.protocol === "https:";
  const port = Number(target.port || (tls ? 443 : 80));
  const found = isIP(hostname) ? [{ address: hostname, family: isIP(hostname) }] : await lookup(hostname, { all: true }).catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
  if (typeof found === "string") return found;
  const problems: string[] = [];
  for (const { address } of [...found].sort((a, b) => a.family - b.family)) {
    const problem = await knock(address, port);
    if (problem === undefined) return { authority: target.host, hostname, address, port, tls, ca };
    problems.push(`${address} port ${port}: ${problem}`);
  }
  return problems.join("; ");
}

function knock(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 5_000 });
    const settle = (problem?: string): void => {
      socket.destroy();
      resolve(problem);
    };
    socket.on("connect", () => settle());
    socket.on("timeout", () => settle("no answer in 5 s"));
    socket.on("error", (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
  });
}

/** When a check is over: one line for each outcome and detail it had, with the protocols that share it. */
function progress(say: (line: string) => void, checks: readonly Check[]): (results: readonly Result[]) => void {
  let done = 0;
  return (results) => {
    done++;
    for (const { outcome, id, detail, protocols, seconds } of grouped(results)) {
      say(`[${done}/${checks.length}] ${id} ${outcome} ${outcome === "PASS" ? `(${protocols.length} in ${seconds.toFixed(1)} s)` : `over ${protocols.join(", ")}: ${detail}`}`);
    }
  };
}

type Group = Pick<Result, "id" | "keyword" | "outcome" | "detail"> & { readonly protocols: string[]; seconds: number };

/** Results of one requirement with one outcome, and one detail unless they passed, as one. */
function grouped(results: readonly Result[]): Group[] {
  const groups = new Map<string, Group>();
  for (const { id, keyword, outcome, detail, protocol, seconds } of results) {
    const name = `${id} ${outcome} ${outcome === "PASS" ? "" : detail}`;
    const group = groups.get(name) ?? { id, keyword, outcome, detail, protocols: [], seconds: 0 };
    group.protocols.push(protocol);
    group.seconds += seconds;
    groups.set(name, group);
  }
  return [...groups.values()];
}

function printSummary(stdout: NodeJS.WritableStream, results: readonly Result[], { counts, checks, requests, seconds, passed }: Summary, { implementation, version: deployed, seed, command }: RunIdentity): void {
  const notable = results.filter(({ outcome }) => outcome !== "PASS" && outcome !== "NOT-CLAIMED");
  for (const { id, keyword, protocols, outcome, detail } of grouped(notable)) stdout.write(`${outcome}  ${id} ${keyword} over ${protocols.join(", ")}: ${detail}\n`);
  const missing = grouped(results.filter(({ outcome }) => outcome === "NOT-CLAIMED"));
  for (const detail of new Set(missing.map((group) => group.detail))) stdout.write(`NOT-CLAIMED  ${missing.filter((group) => group.detail === detail).map(({ id }) => id).join(", ")}: ${detail}\n`);
  const totals = outcomes.filter((outcome) => counts[outcome] > 0).map((outcome) => `${counts[outcome]} ${outcome}`);
  stdout.write(`${passed ? "PASSED" : "FAILED"}: ${implementation} ${deployed}, ${checks} requirements, ${results.length} results: ${totals.join(", ")}\n`);
  stdout.write(`${requests} requests in ${seconds.toFixed(1)} s, seed ${seed}; again: ${command}\n`);
}

/** The command that repeats a run, without its secrets. */
function commandOf({ target, anyContract, adminUser, profile, only, protocols }: RunCommand, seed: number): string {
  if (anyContract !== undefined) return `parapet-conformance run --profile contract --target ${target.origin} --contract FILE --credentials FILE`;
  const lists = [...only.map((id) => `--only ${id}`), ...protocols.map((label) => `--protocol ${label}`)];
  return ["parapet-conformance run", `--target ${target.origin}`, `--admin-user ${adminUser}`, `--profile ${profile}`, `--seed ${seed}`, ...lists].join(" ");
}

function print(stream: NodeJS.WritableStream, text: string): number {
  stream.write(text);
  return exit.passed;
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return manifest.version;
}
