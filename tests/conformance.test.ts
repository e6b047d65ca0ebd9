/** The reference server passes the smoke profile on its default limits, and a run that shows nothing does not pass. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";
import { conform, type Run } from "./conform.js";

const secret = "0123456789abcdef0123456789abcdef";

let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({ PARAPET_AUTH_JWT_SECRET: secret });
});
afterAll(() => server.close());

describe("the smoke profile against the reference server", () => {
  let run: Run;
  beforeAll(async () => {
    const keyFile = join(mkdtempSync(join(tmpdir(), "parapet-key-")), "key");
    writeFileSync(keyFile, secret);
    run = await conform(server.url, server.adminPassword, ["--signing-key-file", keyFile]);
  }, 180_000);

  it("passes without a failure or a warning", () => {
    const notable = run.lines.filter(({ outcome }) => outcome !== "PASS" && outcome !== "NOT-CLAIMED");
    expect(notable.map(({ id, protocol, outcome, detail }) => `${outcome} ${id} over ${protocol}: ${detail}`)).toEqual([]);
    expect(run.code).toBe(0);
    expect(run.summary?.passed).toBe(true);
  });

  it("covers every protocol and five areas", () => {
    const passed = run.lines.filter(({ outcome }) => outcome === "PASS");
    expect(new Set(passed.map(({ protocol }) => protocol.split("/")[0]))).toEqual(new Set(["all", "grpc", "grpc-web", "grpc-web-text", "connect-proto", "connect-json", "connect-get", "rest"]));
    expect(new Set(passed.map(({ id }) => id.slice(0, 2)))).toEqual(new Set(["AN", "AZ", "ER", "RL", "AU"]));
    expect(new Set(passed.map(({ id }) => id)).size).toBeGreaterThanOrEqual(25);
  });

  it("shows no secret", () => {
    for (const text of [run.stdout, run.stderr, JSON.stringify(run.lines)]) {
      expect(text).not.toContain(server.adminPassword);
      expect(text).not.toContain(secret);
      expect(text).not.toMatch(/parapet_live_[0-9a-f]{48}/);
    }
  });

  it("leaves nothing behind", async () => {
    const login = (await (await fetch(`${server.url}/v1/auth/login`, { method: "POST", body: JSON.stringify({ username: server.adminUser, password: server.adminPassword }) })).json()) as { token: string };
    const get = async (path: string): Promise<string> => await (await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${login.token}` } })).text();
    for (const path of ["/v1/auth/users?page_size=1000", "/v1/collections?page_size=1000", "/v1/auth/api-keys?page_size=1000", "/v1/limits/overrides?page_size=1000"]) {
      expect(await get(path), path).not.toContain("conf-");
    }
    expect(await get("/v1/limits/overrides")).not.toContain("source:");
  });
});

describe("a run that shows nothing does not pass", () => {
  const cases: [what: string, url: () => string, password: () => string, argv: string[], said: RegExp][] = [
    ["an unreachable target", () => "http://127.0.0.1:1", () => "x", [], /unreachable/],
    ["a wrong password", () => server.url, () => "wrong", [], /login of admin: unauthenticated LOGIN_FAILED/],
    ["a requirement without a check", () => server.url, () => server.adminPassword, ["--only", "TR-01"], /no check of TR-01/],
    ["checks that are not claimed alone", () => server.url, () => server.adminPassword, ["--only", "AN-13"], /AN-13 NOT-CLAIMED/],
    ["a ceiling that is too low", () => server.url, () => server.adminPassword, ["--only", "AN-01", "--requests-max", "60"], /ceiling of 60 requests/],
  ];
  it.each(cases)("%s", async (_, url, password, argv, said) => {
    const run = await conform(url(), password(), argv);
    expect(run.stderr).toMatch(said);
    expect(run.code).not.toBe(0);
  });

  it("and something required that is not claimed fails", async () => {
    const run = await conform(server.url, server.adminPassword, ["--only", "AN-01,AN-13", "--require", "AN-13", "--protocol", "rest/h1"]);
    expect(run.lines.map(({ id, outcome }) => [id, outcome])).toEqual([["AN-01", "PASS"], ["AN-13", "FAIL"]]);
    expect(run.code).toBe(1);
  });
});
