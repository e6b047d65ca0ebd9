/** Servers that break one property each are caught by the check of that property, and by a failure rather than an error. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { catalog } from "../conformance/src/checks/catalog.js";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";
import { conform, faultsOf, type Run } from "./conform.js";
import { accessMutants } from "./mutants/access.js";
import { auditMutants } from "./mutants/audit.js";
import { errorMutants } from "./mutants/errors.js";
import { identityMutants } from "./mutants/identity.js";
import { limitMutants } from "./mutants/limits.js";
import { type Proxy, startProxy, type Tampering } from "./tampering-proxy.js";

const mutants = [...identityMutants, ...accessMutants, ...errorMutants, ...limitMutants, ...auditMutants];
const both = "connect-json/h1,rest/h1";
/** The proxy itself is what this check finds: it reads bodies whole. */
const ofTheProxy = "AN-06";
const secret = "0123456789abcdef0123456789abcdef";

interface Target {
  readonly server: TestServer;
  readonly adminToken: string;
}

let quick: Target;
let usual: Target;
let directory: string;
const proxies: Proxy[] = [];

async function start(env: Readonly<Record<string, string>>): Promise<Target> {
  const server = await startTestServer({ PARAPET_AUTH_JWT_SECRET: secret, ...env });
  const login = await fetch(`${server.url}/v1/auth/login`, { method: "POST", body: JSON.stringify({ username: server.adminUser, password: server.adminPassword }) });
  return { server, adminToken: ((await login.json()) as { token: string }).token };
}

const isUsual = (id: string): boolean => mutants.some((mutant) => mutant.id === id && mutant.limits === "usual");

/** Runs some checks through a proxy. */
async function runThrough(tampering: Tampering, ids: readonly string[], protocols: string): Promise<Run> {
  const { server, adminToken } = ids.some(isUsual) ? usual : quick;
  const proxy = await startProxy({ port: server.port, adminToken }, tampering);
  proxies.push(proxy);
  return await conform(proxy.url, server.adminPassword, ["--only", ids.join(","), "--protocol", protocols, "--signing-key-file", join(directory, "key")]);
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "parapet-mutants-"));
  writeFileSync(join(directory, "key"), secret);
  [quick, usual] = await Promise.all([start({ PARAPET_LOGIN_LIMIT_WINDOW: "1s" }), start({})]);
});
afterAll(async () => {
  for (const proxy of proxies) proxy.close();
  await Promise.all([quick, usual].map(({ server }) => server.close()));
  rmSync(directory, { recursive: true, force: true });
});

describe("through a proxy that changes nothing", () => {
  const ids = [...new Set(mutants.map(({ id }) => id))].filter((id) => id !== ofTheProxy);
  const isWaiting = (id: string): boolean => catalog.some((check) => check.id === id && check.lane === "waiting");
  // Each as it runs for its mutants; those that sleep go together where they can.
  const runs = [...ids.filter((id) => !isWaiting(id)).map((id) => [id]), ids.filter((id) => isWaiting(id) && !isUsual(id)), ids.filter((id) => isWaiting(id) && isUsual(id))];

  it.each(runs.map((own) => [own.join(", "), own] as const))("%s passes", async (_, own) => {
    const protocols = mutants.filter(({ id }) => own.includes(id)).map((mutant) => mutant.protocols ?? both);
    const run = await runThrough({}, own, protocols.join(","));
    const notable = run.lines.filter(({ outcome }) => outcome !== "PASS" && outcome !== "NOT-CLAIMED");
    expect(notable.map(({ id, protocol, outcome, detail }) => `${outcome} ${id} over ${protocol}: ${detail}`)).toEqual([]);
    expect(run.code, run.stderr).toBe(0);
  }, 60_000);
});

describe("a server that breaks a property is caught by its check", () => {
  it.each(mutants.map((mutant) => [mutant.id, mutant.what, mutant] as const))("%s: %s", async (id, _, { tampering, protocols = both }) => {
    const run = await runThrough(tampering(), [id], protocols);
    expect(faultsOf(run, id).join("\n"), run.stderr).toMatch(/^(?:FAIL|WARN) /m);
    expect(run.lines.map(({ outcome }) => outcome)).not.toContain("HARNESS-ERROR");
  }, 60_000);

  it("and every check has such a server", () => {
    expect(catalog.map(({ id }) => id).filter((id) => !mutants.some((mutant) => mutant.id === id))).toEqual([]);
  });
});
