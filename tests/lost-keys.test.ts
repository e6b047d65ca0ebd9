/** A store whose key directory is another one, or empty: the server says so at its start, rather than refuse every call from then on. */
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";
import { freshDirectory } from "./process.js";

const { path, remove } = freshDirectory();
afterAll(remove);

const start = (keys: string, more: Readonly<Record<string, string>> = {}): Promise<TestServer> =>
  startTestServer({ PARAPET_STORE: "lmdb", PARAPET_DATA_DIR: join(path, "data"), PARAPET_KEY_DIR: join(path, keys), ...more });
const login = async ({ url, adminUser, adminPassword }: TestServer): Promise<number> =>
  (await fetch(`${url}/v1/auth/login`, { method: "POST", body: JSON.stringify({ username: adminUser, password: adminPassword }) })).status;
/** Starts, logs in, and ends. */
const visit = async (keys: string, more?: Readonly<Record<string, string>>): Promise<number> => {
  const server = await start(keys, more);
  try {
    return await login(server);
  } finally {
    await server.close();
  }
};
/** Whoever starts where it must not be is ended, so that the test goes on. */
const refusal = (keys: string): Promise<string> => start(keys).then((server) => server.close().then(() => "started"), (error: Error) => error.message);

describe("the keys of a store", { timeout: 60_000 }, () => {
  it("that are not there are not made anew", async () => {
    expect(await visit("keys")).toBe(200);
    expect(await refusal("lost")).toBe(`the audit log of the store in ${join(path, "data")} is sealed under another key than ${join(path, "lost", "sealing.key")}, which is not there: PARAPET_KEY_DIR must name the key directory that was made with it`);
    expect(existsSync(join(path, "lost"))).toBe(false);
  });

  it("of another store are refused", async () => {
    mkdirSync(join(path, "other"), { mode: 0o700 });
    writeFileSync(join(path, "other", "sealing.key"), Buffer.alloc(32, 7), { mode: 0o600 });
    expect(await refusal("other")).toContain("PARAPET_KEY_DIR must name the key directory that was made with it");
  });

  it("are its own wherever they lie", async () => {
    cpSync(join(path, "keys"), join(path, "moved"), { recursive: true });
    expect(await visit("moved")).toBe(200);
  });

  it("are not asked for where nothing is sealed: what a store holds can still be exported", async () => {
    expect(await visit("without", { PARAPET_AUDIT_ENABLED: "false" })).toBe(200);
  });
});
