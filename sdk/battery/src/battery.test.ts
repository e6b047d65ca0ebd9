/** The battery through its command, with clients that behave well or badly on purpose. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { main } from "./main.js";
import { runClient } from "./run-client.js";
import { judge, type Observation, scenarios } from "./scenarios.js";

const folder = mkdtempSync(join(tmpdir(), "battery-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a client that speaks the protocol by hand; `body` says what one call does. */
function clientOf(name: string, body: string): string {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `const job = JSON.parse(process.env.BATTERY_JOB);
const once = async () => { ${body} };
const lines = await Promise.all(Array.from({ length: job.calls }, async () => {
  try { await once(); return { ok: true, ms: 1 }; } catch (error) { return { ok: false, ms: 1, error: { name: error.name, text: String(error) } }; }
}));
console.log("a line that is none of the battery's");
for (const line of lines) console.log(JSON.stringify(line));`,
  );
  return file;
}

async function battery(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const status = await main({ argv, stdout: { write: (text) => (out += text) }, stderr: { write: (text) => (err += text) } });
  return { status, out, err };
}

describe("the command", () => {
  const blind = clientOf("blind", "const r = await fetch(job.url, { method: job.call === 'read' ? 'GET' : 'POST', headers: { authorization: 'Bearer ' + job.credential } }); if (!r.ok) throw new Error('refused ' + job.credential);");
  const stubborn = clientOf("stubborn", "for (let n = 0; n < 3; n++) try { if ((await fetch(job.url, { method: 'POST', headers: { 'idempotency-key': 'one' } })).ok) return; } catch {} throw new Error('gave up');");

  it("prints what a client does, beside what it should do", async () => {
    const { status, out } = await battery("--name", "stubborn", "--only", "reset-post,dead-server", "--", process.execPath, stubborn);
    expect(status).toBe(0);
    expect(out).toContain("| stubborn | ✓ no, stable key | ✗ 300 |");
    expect(out).toContain("| **target** | no, stable key | ≤ 110 |");
  });

  it("fails with --strict where a cell is not as wanted, and works without the two dashes that npx takes", async () => {
    expect((await battery("--strict", "--only", "reset-post", process.execPath, stubborn)).status).toBe(0);
    const { status, out } = await battery("--strict", "--json", "--only", "dead-server", process.execPath, blind);
    expect(status).toBe(1);
    expect(JSON.parse(out)).toEqual({ "dead-server": { text: "100, leaks the credential", good: false } });
  });

  it("says what is wrong with a wrong command line or a client that breaks", async () => {
    expect(await battery("--only", "reset-post")).toMatchObject({ status: 2, err: expect.stringContaining("Usage: battery") });
    expect(await battery("--only", "nothing", "node")).toMatchObject({ status: 2, err: expect.stringContaining("--only takes reset-post,") });
    const broken = clientOf("broken", "");
    writeFileSync(broken, "throw new Error('no such client');");
    expect(await battery("--only", "reset-post", process.execPath, broken)).toMatchObject({ status: 2, err: expect.stringContaining("no such client") });
  });
});

describe("patience", () => {
  it("begins with the first request: a process that starts slowly is no client that hangs", async () => {
    const scenario = scenarios.find(({ id }) => id === "reset-post")!;
    const slow = clientOf("slow", "await new Promise((done) => setTimeout(done, 600)); await fetch(job.url, { method: 'POST' });");
    const hanging = clientOf("hanging", "await fetch(job.url, { method: 'POST' }).catch(() => {}); await new Promise((done) => setTimeout(done, 60_000)); await fetch(job.url);");
    const run = (file: string) => runClient({ name: "client", command: process.execPath, args: [file] }, { ...scenario, judge: ({ hung, settled }) => ({ text: `${hung} ${settled.length}`, good: true }) }, 500);
    expect(await Promise.all([run(slow), run(hanging)])).toEqual([{ text: "false 1", good: true }, { text: "true 0", good: true }]);
  });
});

describe("a verdict", () => {
  const failed = (ms: number, error: object = {}) => ({ ok: false as const, ms, error: { name: "Error", text: "", ...error } });
  const seen = (count: number, keys: (string | undefined)[] = []) => Array.from({ length: count }, (_, at) => ({ path: "/", headers: { "idempotency-key": keys[at] } }));
  const of = (id: string, observation: Partial<Observation>): string => {
    const { text, good } = judge(scenarios.find((one) => one.id === id)!, { settled: [], hung: false, requests: seen(1), tokens: 0, ...observation });
    return `${good ? "✓" : "✗"} ${text}`;
  };

  it.each<[string, Partial<Observation>, string]>([
    ["reset-post", { requests: seen(2) }, "✗ yes"],
    ["reset-post", { requests: seen(2, ["a", "b"]) }, "✗ yes, new key"],
    ["reset-post", { requests: seen(2, ["a", "a"]) }, "✓ no, stable key"],
    ["reset-post", { requests: seen(1) }, "✗ never retries"],
    ["retry-after", { hung: true }, "✗ sleeps"],
    ["retry-after", { settled: [failed(9)], requests: seen(3) }, "✗ ignores it"],
    ["retry-after", { settled: [failed(9)] }, "✗ error at once"],
    ["retry-after", { settled: [failed(9, { retryAfterMs: 3_600_000 })] }, "✓ fails fast, says retryAfterMs"],
    ["abort-back-off", { settled: [failed(3)] }, "✗ error at once"],
    ["abort-back-off", { settled: [failed(230, { status: 503 })] }, "✗ error at once"],
    ["abort-back-off", { settled: [failed(201)] }, "✓ 201 ms"],
    ["abort-back-off", { settled: [failed(4004)] }, "✗ 4004 ms"],
    ["silent-headers", { settled: [failed(501)] }, "✓ 501 ms"],
    ["silent-headers", { settled: [failed(20)] }, "✗ 20 ms"],
    ["stalled-body", { hung: true }, "✗ hangs"],
    ["stalled-body", { settled: [{ unsupported: "no time-out" }] }, "✗ no time-out"],
    ["dead-server", { requests: seen(110) }, "✓ 110"],
    ["dead-server", { requests: seen(111) }, "✗ 111"],
    ["dead-server", { requests: seen(99) }, "✗ 99"],
    ["dead-server", { requests: seen(105), hung: true }, "✗ 105 and rising"],
    ["html-page", { settled: [{ ok: true, ms: 1 }] }, "✗ takes it for a success"],
    ["html-page", { settled: [failed(1, { name: "SyntaxError", code: 1 })] }, "✗ bare SyntaxError"],
    ["cut-body", { settled: [failed(1, { name: "ApiError", reason: "CUT" })] }, "✓ typed"],
    ["cut-body", {}, "✗ ends without a word"],
    ["token-ended", { settled: [{ ok: true, ms: 1 }], tokens: 2 }, "✓ one refresh"],
    ["token-ended", { settled: [{ ok: true, ms: 1 }], tokens: 9 }, "✗ 8 refreshes"],
    ["token-ended", { settled: [failed(1)], tokens: 1 }, "✗ never refreshes"],
    ["token-ended", { settled: [failed(1, { text: "Bearer token-1" })], tokens: 1 }, "✗ never refreshes, leaks the credential"],
  ])("%s of %j is %s", (id, observation, wanted) => {
    expect(of(id, observation)).toBe(wanted);
  });
});
