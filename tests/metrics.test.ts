/** What `/metrics` tells, of the room of a store above all, and that its documentation names all of it. */
import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";
import { freshDirectory } from "./process.js";

const mebibyte = 1024 * 1024;
const bytesMax = 16 * mebibyte;
const reserved = 4 * mebibyte;

let server: TestServer;
const { path, remove } = freshDirectory();
beforeAll(async () => {
  server = await startTestServer({ PARAPET_STORE: "lmdb", PARAPET_DATA_DIR: join(path, "data"), PARAPET_KEY_DIR: join(path, "keys"), PARAPET_STORE_BYTES_MAX: "16MiB", PARAPET_STORE_BYTES_RESERVED: "4MiB", PARAPET_RATE_LIMIT_ENABLED: "false" });
}, 60_000);
afterAll(async () => {
  await server.close();
  remove();
});

const text = async (): Promise<string> => {
  const response = await fetch(`${server.url}/metrics`);
  expect(response.status).toBe(200);
  return response.text();
};
const gauge = (metrics: string, name: string): number => Number(new RegExp(`^# TYPE ${name} gauge\n${name} (\\S+)$`, "m").exec(metrics)?.[1]);
const storeOf = (metrics: string): number[] => ["used", "max", "room", "reserved"].map((name) => gauge(metrics, `parapet_store_${name}_bytes`));

describe("the room of a store", () => {
  it("is told, grows smaller by what is written, and is what refusals go by", async () => {
    const login = await fetch(`${server.url}/v1/auth/login`, { method: "POST", body: JSON.stringify({ username: server.adminUser, password: server.adminPassword }) });
    const { token } = (await login.json()) as { token: string };
    const add = async (key: string): Promise<number> => (await fetch(`${server.url}/v1/add`, { method: "POST", headers: { authorization: `Bearer ${token}` }, body: JSON.stringify({ collection: "docs", key, contentMd: "x".repeat(mebibyte) }) })).status;

    const [usedBefore, max, roomBefore, kept] = storeOf(await text());
    expect([max, kept]).toEqual([bytesMax, reserved]);
    expect(usedBefore! + roomBefore!).toBe(bytesMax);
    expect(await add("first")).toBe(200);
    const [used, , room] = storeOf(await text());
    expect(used! - usedBefore!).toBeGreaterThanOrEqual(mebibyte);
    expect(used! + room!).toBe(bytesMax);

    let status: number;
    for (let number = 0; (status = await add(`more-${number}`)) === 200; number++) expect(storeOf(await text())[2]).toBeGreaterThanOrEqual(reserved);
    expect(status).toBe(503);
    // The refused one would have taken more than is left above the reserve.
    expect(storeOf(await text())[2]).toBeLessThan(reserved + 2 * mebibyte);
  });
});

it("each metric is documented, and no other", async () => {
  const told = Array.from((await text()).matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name, type]) => `${name} ${type}`);
  const documented = Array.from(readFileSync(new URL("../server/README.md", import.meta.url), "utf8").matchAll(/^\| `(parapet_\w+)` \| (\w+) \|/gm), ([, name, type]) => `${name} ${type}`);
  expect(told.length).toBeGreaterThan(5);
  expect(told.toSorted()).toEqual(documented.toSorted());
});

it("a gauge that cannot be read leaves the others to be told", async () => {
  renameSync(join(path, "data"), join(path, "elsewhere"));
  const metrics = await text().finally(() => renameSync(join(path, "elsewhere"), join(path, "data")));
  expect(metrics).toContain("\nparapet_store_room_bytes NaN\n");
  expect(gauge(metrics, "parapet_store_max_bytes")).toBe(bytesMax);
  expect(metrics).toContain("parapet_call_duration_seconds_count{");
});
