/** Every snippet of api.md does what it says, against a real server; the OpenAPI document and the reference show the same ones. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { methods, Parapet } from "@parapet/sdk";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const api = read("sdk/typescript/api.md");
const [preamble = ""] = blocksOf(api);

/** Snippets by the function they show: `documents.add`. */
const snippets = new Map(Array.from(api.matchAll(/^### (\S+)\n[\s\S]*?```ts\n([\s\S]*?)```/gm), ([, name, code]) => [name!, code!]));

function blocksOf(page: string): string[] {
  return Array.from(page.matchAll(/```ts\n([\s\S]*?)```/g), ([, code]) => code!);
}

let server: TestServer;
let admin: Parapet;
beforeAll(async () => {
  server = await startTestServer({ PARAPET_RATE_LIMIT_REQUESTS: "1000000", PARAPET_AUTH_ADMIN_PASSWORD: "changeme" });
  admin = new Parapet({ baseUrl: server.url, token: () => admin.auth.login({ username: "admin", password: "changeme" }) });
});
afterAll(() => server.close());

/** A fresh API key of the admin. */
async function newKey(): Promise<string> {
  return (await admin.auth.createApiKey({ description: "snippet" })).key;
}

/** What the examples speak of: a user, and a document with an earlier state. */
async function prepare(): Promise<void> {
  await admin.auth.deleteUser({ username: "username" }).result();
  await admin.auth.register({ username: "username", password: "password" });
  await admin.auth.setPermission({ username: "username", collection: "collection", read: true });
  const document = { collection: "collection", key: "key", lang: "lang", meta: { name: ["value"] } };
  for (const contentMd of ["one", "two"]) await admin.documents.add({ ...document, contentMd });
}

/** What must be otherwise than above, and what the server alone can name. */
interface Preparation {
  readonly client?: Parapet;
  readonly replace?: readonly [from: string, to: string];
}

const preparations: Readonly<Record<string, () => Promise<Preparation>>> = {
  "auth.register": async () => (await admin.auth.deleteUser({ username: "username" }), {}),
  async "auth.changePassword"() {
    await admin.auth.updateUser({ username: "username", password: "current-password" });
    const { token } = await admin.auth.login({ username: "username", password: "current-password" });
    return { client: new Parapet({ baseUrl: server.url, token }) };
  },
  async "auth.listApiKeys"() {
    const { token } = await admin.auth.login({ username: "username", password: "password" });
    await new Parapet({ baseUrl: server.url, token }).auth.createApiKey();
    return {};
  },
  async "auth.deleteApiKey"() {
    await admin.auth.createApiKey({ description: "to be deleted" });
    for await (const { id } of admin.auth.listApiKeys()) return { replace: ['"id"', JSON.stringify(id)] };
    throw new Error("there is no key");
  },
  "system.setLimitOverride": async () => (await admin.auth.register({ username: "a", password: "password" }), {}),
  "system.listLimitOverrides": async () => (await admin.system.setLimitOverride({ subject: "user:username", requests: 1, lifetime: "60s" }), {}),
  async "system.deleteLimitOverride"() {
    const { override } = await admin.system.setLimitOverride({ subject: "user:username", requests: 1, lifetime: "60s" });
    return { replace: ['"id"', JSON.stringify(override!.id)] };
  },
};

/** Listings and streams that have nothing to show for their example. */
const empty = new Set(["audit.listAuditRecords"]);

const AsyncFunction = (async () => {}).constructor as new (...names: string[]) => (...values: unknown[]) => Promise<unknown>;

describe("a snippet", () => {
  it("is there for every method", () => {
    expect([...snippets.keys()].map((name) => name.split(".")[1]!.toLowerCase()).sort()).toEqual(Object.keys(methods).map((name) => name.split("/")[1]!.toLowerCase()).sort());
  });

  it.each([...snippets])("of %s succeeds", async (name, code) => {
    await prepare();
    const { client = admin, replace: [from, to] = ["", ""] } = (await preparations[name]?.()) ?? {};
    const shown: unknown[] = [];
    const lists = code.startsWith("for await");
    const run = new AsyncFunction("parapet", "console", `${code.replace(from, to)}\n${lists ? "" : "return response;"}`);
    const response = await run(client, { log: (value: unknown) => shown.push(value) });
    if (!lists) expect(response).toBeTypeOf("object");
    else if (!empty.has(name)) expect(shown.length).toBeGreaterThan(0);
  });

  it("is the same in the OpenAPI document and in the reference", () => {
    interface Operation {
      readonly operationId: string;
      readonly "x-codeSamples": readonly { readonly lang: string; readonly source: string }[];
    }
    const { paths } = JSON.parse(read("openapi/parapet.openapi.json")) as { paths: Record<string, Record<string, Operation>> };
    const operations = Object.values(paths).flatMap((item) => Object.values(item));
    const samples = operations.map((operation) => operation["x-codeSamples"].find(({ lang }) => lang === "TypeScript")!.source);
    expect(samples.every((source) => source.startsWith(`${preamble}\n`))).toBe(true);
    expect(new Set(samples.map((source) => source.slice(preamble.length + 1)))).toEqual(new Set(snippets.values()));
    const pages = ["audit", "auth", "document", "system"].flatMap((name) => blocksOf(read(`docs/reference/${name}-service.md`)));
    expect([...snippets.values()].filter((code) => !pages.includes(code))).toEqual([]);
  });

  it("runs as a program behind the lines that stand ahead of it", async () => {
    // Where `@parapet/sdk` is found as users find it.
    const folder = mkdtempSync(join(root, "node_modules", ".snippet-"));
    const file = join(folder, "snippet.mjs");
    writeFileSync(file, `${preamble.replace("http://localhost:11023", server.url)}${snippets.get("documents.search")!}`);
    const { stdout } = await promisify(execFile)(process.execPath, [file], { env: { ...process.env, PARAPET_API_KEY: await newKey() } });
    rmSync(folder, { recursive: true });
    expect(stdout).toContain("key: 'key'");
  });
});

describe("the README of the SDK", () => {
  // Where the test runner turns TypeScript into what Node runs.
  const folder = mkdtempSync(join(root, "sdk/typescript/dist/readme-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const shown: string[] = [];

  it.each(blocksOf(read("sdk/typescript/README.md")).map((code, at) => [at, code] as const))("runs as it stands: block %i", async (at, code) => {
    const file = join(folder, `block-${at}.ts`);
    writeFileSync(file, code.replaceAll("http://localhost:11023", server.url).replaceAll("parapet_live_…", await newKey()));
    const log = vi.spyOn(console, "log").mockImplementation((...values: unknown[]) => void shown.push(values.map(String).join(" ")));
    try {
      await import(file);
    } finally {
      log.mockRestore();
    }
  });

  it("shows what its code says", () => {
    const [byDefault, overConnect, overRest] = [["readme", "DOCUMENT_NOT_FOUND 1"], ["readme", "200", "1 1"], ["# Hello 1 undefined", "readme", "readme", "# Hello"]];
    expect(shown).toEqual([...byDefault, ...overConnect, ...overRest]);
  });
});
