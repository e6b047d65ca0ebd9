/** What the README tells a newcomer to type does what it says. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(`${root}README.md`, "utf8");
const run = promisify(execFile);
const have = (program: string): boolean => spawnSync(program, ["--version"]).status === 0;

/** The fenced blocks of a language, in order. */
function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map((match) => match[1]!);
}

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ PARAPET_AUTH_ADMIN_PASSWORD: "changeme" });
});
afterAll(() => server.close());

const here = (text: string): string => text.replaceAll("localhost:11023", `127.0.0.1:${server.port}`);

describe.skipIf(!have("curl") || !have("jq") || !have("bash"))("with curl and jq", () => {
  test("every curl command is answered in its protocol", async () => {
    const shell = blocks("sh");
    const login = shell.find((block) => block.startsWith("TOKEN="))!;
    const calls = shell.find((block) => block.startsWith("# REST"))!;
    const audit = shell.find((block) => block.includes("/v1/audit?"))!;
    const { stdout } = await run("bash", ["-ec", here(`${login}\n${calls}\n${audit}`)], { encoding: "latin1" });
    // REST add, REST get, Connect POST, Connect GET, gRPC and gRPC-Web all show the document.
    expect(stdout.split("# Welcome").length - 1).toBe(6);
    expect(stdout).toContain("grpc-status: 0");
    expect(stdout).toContain('"action":"document.add"');
  });
});

test("the lines of SDK run as they stand", async () => {
  const folder = mkdtempSync(join(root, "node_modules", ".readme-"));
  const { token } = (await (await fetch(`${server.url}/v1/auth/login`, { method: "POST", body: '{"username":"admin","password":"changeme"}', headers: { "content-type": "application/json" } })).json()) as { token: string };
  const made = (await (await fetch(`${server.url}/v1/auth/api-key`, { method: "POST", body: "{}", headers: { "content-type": "application/json", authorization: `Bearer ${token}` } })).json()) as { key: string };
  const file = join(folder, "snippet.mjs");
  writeFileSync(file, here(blocks("ts")[0]!));
  const { stdout } = await run(process.execPath, ["--conditions=none", file], { env: { ...process.env, PARAPET_API_KEY: made.key } });
  expect(stdout).toContain("hello");
  expect(stdout).toContain("not there");
  await run("rm", ["-r", folder]);
});

test("each command of the parts exists", async () => {
  const named = [...readme.matchAll(/npx (parapet[\w-]*)/g)].map((match) => match[1]!);
  for (const name of new Set(named)) {
    const { stdout } = await run(join(root, "node_modules/.bin", name), ["--help"]);
    expect(stdout.length, name).toBeGreaterThan(50);
  }
});
