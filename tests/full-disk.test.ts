/** A disk that is full: changes are refused by name and leave nothing behind, reads go on, and room makes it well again. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Variant, variants } from "../conformance/src/wire/wire.js";
import { verifyLog } from "../server/src/audit/verify.js";
import { openLmdbStore } from "../server/src/store/lmdb.js";
import { faultsOf } from "../server/src/testing/document-invariants.js";
import { adminPassword, freshDirectory, type ServerProcess, startProcess } from "./process.js";
import { patienceMs, within } from "./waiting.js";
import { type Answer, createCaller } from "./world.js";

const timeoutMs = 300_000;
const tenant = "default";
const collection = "d";
const reading = variants.find(({ label }) => label === "connect-json/h1")!;
const ways: readonly Variant[] = ["rest/h1", "grpc/h2", "grpc-web/h1", "connect-proto/h2"].map((label) => variants.find((variant) => variant.label === label)!);
const refusals = ["STORE_UNAVAILABLE", "AUDIT_UNAVAILABLE"];

/** A file may grow no larger than this, in bytes: to whoever writes it is as if the disk were full, and takes no privilege. */
const fileBytesMax = 6 * 1024 * 1024;
const hasPrlimit = spawnSync("prlimit", ["--version"]).status === 0;
if (!hasPrlimit) console.warn("left out: what a full disk does (prlimit is not there)");

describe.skipIf(!hasPrlimit)("a server whose disk is full", () => {
  const { path, remove } = freshDirectory();
  /** Keys of documents that were acknowledged. */
  const added: string[] = [];
  /** Those of them that were not deleted since. */
  const kept: string[] = [];
  const refused: string[] = [];
  let server: ServerProcess;
  let caller: ReturnType<typeof createCaller>;
  let admin: { readonly bearer: string };
  const send = (variant: Variant, method: string, request: JsonValue): Promise<Answer> => caller.send(variant, method, request, { credential: admin });
  const add = async (variant: Variant, key: string, contentMd: string): Promise<Answer> => {
    const answer = await send(variant, "DocumentService/Add", { collection, key, contentMd, meta: { tag: ["a", "b"] } });
    if (answer.code === "ok") {
      added.push(key);
      kept.push(key);
    } else refused.push(key);
    return answer;
  };
  /** Adds documents of a size until so many in a row were refused. */
  const fill = async (what: string, bytes: number, inARow: number): Promise<Answer[]> => {
    const answers: Answer[] = [];
    for (let number = 0; answers.length < inARow; number++) {
      const answer = await add(ways[number % ways.length]!, `${what}-${number}`, "x".repeat(bytes));
      if (answer.code === "ok") answers.length = 0;
      else answers.push(answer);
    }
    return answers;
  };
  const expectTyped = ({ code, reason, error }: Answer): void => {
    expect([code, error?.domains]).toEqual(["unavailable", ["parapet"]]);
    expect(refusals).toContain(reason);
  };
  const login = (): Promise<Answer> => caller.send(reading, "AuthService/Login", { username: "admin", password: adminPassword }, {});

  beforeAll(async () => {
    server = await startProcess(path, {}, [], ["prlimit", `--fsize=${fileBytesMax}:unlimited`]);
    caller = createCaller(server.port, patienceMs);
    const [{ token }] = (await login()).messages as [{ token: string }];
    admin = { bearer: token };
  }, timeoutMs);
  afterAll(async () => {
    caller.close();
    server.kill("SIGKILL");
    await server.ended;
    remove();
  }, timeoutMs);

  it("refuses large changes, then all, by name, over every protocol", async () => {
    for (const answer of await fill("large", 64 * 1024, 2 * ways.length)) expectTyped(answer);
    for (const answer of await fill("small", 16, 2 * ways.length)) expectTyped(answer);
    expect(kept.length).toBeGreaterThan(30);
    // A change that is small enough may find room that a larger one left: then it is whole. What cannot be written down is told as that, whatever it was.
    const refusedOr = (own: string, answer: Answer): boolean => {
      if (answer.code !== own) expectTyped(answer);
      return answer.code === own;
    };
    refusedOr("invalid_argument", await send(reading, "DocumentService/Add", { collection, key: "" }));
    if (refusedOr("ok", await send(reading, "DocumentService/Delete", { collection, key: kept[0]! }))) kept.shift();
    refusedOr("ok", await send(reading, "AuthService/Register", { username: "new", password: adminPassword }));
    refusedOr("ok", await login());
    expectTyped(await add(reading, "large-again", "x".repeat(512 * 1024)));
  }, timeoutMs);

  it("goes on reading what was acknowledged, and nothing else", async () => {
    for (const key of kept) expect((await send(reading, "DocumentService/Get", { collection, key })).reason, key).toBe("-");
    const [{ totalSize }] = (await send(reading, "DocumentService/Search", { collection, limit: 1 })).messages as unknown as [{ totalSize: number }];
    expect(totalSize).toBe(kept.length);
    expect((await fetch(`${server.url}/health`, { signal: AbortSignal.timeout(patienceMs) })).status).toBe(200);
  }, timeoutMs);

  it("takes changes again as soon as there is room, and holds no trace of those that it refused", async () => {
    expect(spawnSync("prlimit", ["--pid", String(server.pid), "--fsize=unlimited"]).status).toBe(0);
    for (const variant of ways) expect((await add(variant, `after-${variant.label}`, "x".repeat(64 * 1024))).reason).toBe("-");
    expect((await login()).reason).toBe("-");
    for (const key of refused.slice(-5)) expect((await send(reading, "DocumentService/Get", { collection, key })).reason, key).toBe("DOCUMENT_NOT_FOUND");
    server.kill("SIGTERM");
    expect(await within("the server ends", server.ended)).toEqual({ code: 0, signal: null });
    const store = openLmdbStore({ directory: join(path, "data") });
    try {
      expect((await verifyLog(store, tenant)).faults).toEqual([]);
      expect(faultsOf(store, tenant, collection)).toEqual([]);
    } finally {
      await store.close();
    }
    const restarted = await startProcess(path);
    const again = createCaller(restarted.port, patienceMs);
    const records = async (result: string): Promise<JsonObject[]> => {
      const found: JsonObject[] = [];
      for (let pageToken = ""; ; ) {
        const [page] = (await again.send(reading, "AuditService/ListAuditRecords", { action: "document.add", limit: 1_000, pageToken }, { credential: admin })).messages as unknown as [{ records: JsonObject[]; nextPageToken: string }];
        found.push(...page.records.filter((record) => record["result"] === result));
        if ((pageToken = page.nextPageToken) === "") return found;
      }
    };
    // No change without its record, no record of a change that was refused.
    expect(new Set((await records("success")).map(({ key }) => key))).toEqual(new Set(added));
    again.close();
    restarted.kill("SIGTERM");
    await within("the server ends", restarted.ended);
  }, timeoutMs);
});
