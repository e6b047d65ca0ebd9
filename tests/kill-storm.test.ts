/** The real server, killed in the middle of a storm of writes, twenty times: what was acknowledged is there, with its record, and nothing else is. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { verifyLog } from "../server/src/audit/verify.js";
import { openLmdbStore } from "../server/src/store/lmdb.js";

const cli = fileURLToPath(new URL("../sdk/cli/bin/parapet.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "parapet-storm-"));
const rounds = 20;
const inFlight = 32;
const password = "kill me softly";
let child: ChildProcess | undefined;
afterAll(() => {
  child?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<string> {
  const server = spawn(process.execPath, [cli, "serve"], {
    env: { ...process.env, PARAPET_ADDR: "127.0.0.1:0", PARAPET_DATA_DIR: join(folder, "data"), PARAPET_KEY_DIR: join(folder, "keys"), PARAPET_AUTH_ADMIN_PASSWORD: password, PARAPET_RATE_LIMIT_ENABLED: "false" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  child = server;
  let said = "";
  for await (const chunk of server.stderr.setEncoding("utf8") as AsyncIterable<string>) {
    said += chunk;
    const found = /listening on (http:\/\/\S+)/.exec(said);
    if (found !== null) {
      server.stderr.resume();
      return found[1]!;
    }
  }
  throw new Error(`the server did not start: ${said}`);
}

async function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
}

async function login(url: string): Promise<Record<string, string>> {
  const { token } = (await (await post(`${url}/v1/auth/login`, { username: "admin", password })).json()) as { token: string };
  return { authorization: `Bearer ${token}` };
}

test("every acknowledged write survives with its record, and no record stands alone", { timeout: 280_000 }, async () => {
  const acknowledged = new Map<string, string>();
  let count = 0;
  for (let round = 0; round < rounds; round++) {
    const url = await start();
    const credential = await login(url);
    const exit = once(child!, "exit");
    let storming = true;
    const write = async (): Promise<void> => {
      while (storming) {
        const id = `storm-${round}-${count++}`;
        try {
          const response = await post(`${url}/v1/add`, { collection: "storm", key: id, contentMd: "# storm", meta: { round: [String(round)] } }, { ...credential, "x-request-id": id });
          await response.arrayBuffer();
          if (response.status === 200) acknowledged.set(id, id);
        } catch {
          return;
        }
      }
    };
    const writers = Array.from({ length: inFlight }, write);
    // Somewhere between the first answers and many of them, another place each round.
    const enough = acknowledged.size + 5 + round * 7;
    while (acknowledged.size < enough) await new Promise((resolve) => setTimeout(resolve, 1));
    child!.kill("SIGKILL");
    await exit;
    storming = false;
    await Promise.all(writers);
  }

  const url = await start();
  const credential = await login(url);
  const exported = await (await fetch(`${url}/v1/collections/storm/export`, { headers: credential })).text();
  const documents = new Set(exported.trimEnd().split("\n").map((line) => (JSON.parse(line) as { key: string }).key));
  const recorded = new Map<string, string>();
  for (let pageToken = ""; ; ) {
    const query = new URLSearchParams({ action: "document.add", result: "success", limit: "1000", ...(pageToken === "" ? {} : { pageToken }) });
    const page = (await (await fetch(`${url}/v1/audit?${query}`, { headers: credential })).json()) as { records: { key: string; requestId: string }[]; nextPageToken: string };
    for (const { key, requestId } of page.records) recorded.set(key, requestId);
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  const exit = once(child!, "exit");
  child!.kill("SIGTERM");
  await exit;

  expect(acknowledged.size).toBeGreaterThan(rounds * 5);
  expect([...acknowledged.keys()].filter((key) => !documents.has(key))).toEqual([]);
  expect([...acknowledged].filter(([key, requestId]) => recorded.get(key) !== requestId)).toEqual([]);
  expect([...documents].filter((key) => !recorded.has(key))).toEqual([]);
  expect([...recorded.keys()].filter((key) => !documents.has(key))).toEqual([]);

  const store = openLmdbStore({ directory: join(folder, "data") });
  const { faults, records } = await verifyLog(store, "default");
  await store.close();
  expect(faults).toEqual([]);
  expect(Number(records)).toBeGreaterThanOrEqual(recorded.size);
});
