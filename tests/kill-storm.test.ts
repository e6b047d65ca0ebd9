/** A server that is killed in the middle of a storm of changes: what it acknowledged is there with its record, and nothing is there without one (AU-07, AU-13). */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type Credential, type Variant, variants } from "../conformance/src/wire/wire.js";
import { verifyLog } from "../server/src/audit/verify.js";
import { openLmdbStore } from "../server/src/store/lmdb.js";
import { adminPassword, freshDirectory, type ServerProcess, startProcess } from "./process.js";
import { type Caller, createCaller } from "./world.js";

const rounds = 20;
const workersMax = 16;
const batch = 10;
const seed = 20_261_122;

/** One change that was sent. Its text is found in every state of a document that it made. */
interface Change {
  readonly requestId: string;
  readonly text: string;
  /** Documents it makes or changes. */
  readonly documents: number;
  acknowledged: boolean;
}

const byLabel = (label: string): Variant => variants.find((variant) => variant.label === label)!;
const ways = ["rest/h1", "grpc/h2", "rest/h2", "connect-json/h1"].map(byLabel);
const reading = byLabel("connect-json/h1");

const directory = freshDirectory();
/** All changes, by the collection of their round. */
const sent = new Map<string, Change[]>();
const random = createRandom(seed);
let server: ServerProcess | undefined;
let admin: Credential;

beforeAll(async () => {
  server = await startProcess(directory.path);
  const caller = createCaller(server.port);
  const { messages } = await caller.send(reading, "AuthService/Login", { username: "admin", password: adminPassword });
  admin = { bearer: messages[0]!["token"] as string };
  caller.close();
}, 120_000);
afterAll(async () => {
  server?.kill("SIGKILL");
  await server?.ended;
  directory.remove();
});

async function must(caller: Caller, method: string, request: JsonValue): Promise<JsonObject[]> {
  const { reason, messages } = await caller.send(reading, method, request, { credential: admin });
  if (reason !== "-") throw new Error(`${method}: ${reason}`);
  return [...messages];
}

/** A collection for one round, with a document of each worker to change. */
async function prepare(caller: Caller, collection: string): Promise<Change[]> {
  await must(caller, "DocumentService/UpdateCollection", { collection, config: { revisionsMax: 10_000 } });
  await must(caller, "DocumentService/AddBatch", { collection, documents: Array.from({ length: workersMax }, (_, worker) => ({ key: `shared-${worker}` })) });
  const changes: Change[] = [];
  sent.set(collection, changes);
  return changes;
}

/** Sends changes until the server is gone; `onAcknowledged` after each that was answered. */
async function work(caller: Caller, collection: string, changes: Change[], worker: number, onAcknowledged: () => void): Promise<void> {
  for (let step = 0; ; step++) {
    const name = `${worker}-${step}`;
    const text = `change ${collection}/${name}`;
    const requestId = `${collection}-${name}`;
    const [method, request, documents] = (
      [
        ["Add", { collection, key: name, contentMd: text }, 1],
        ["Update", { collection, key: `shared-${worker}`, contentMd: text }, 1],
        ["AddBatch", { collection, documents: Array.from({ length: batch }, (_, index) => ({ key: `${name}-${index}`, contentMd: text })) }, batch],
      ] as const
    )[step % 3]!;
    const change: Change = { requestId, text, documents, acknowledged: false };
    changes.push(change);
    try {
      const { code } = await caller.send(ways[worker % ways.length]!, `DocumentService/${method}`, request as JsonValue, { credential: admin, headers: [["x-request-id", requestId]] });
      // An answer that the kill cut off behind its head has no status, and acknowledges nothing.
      if (code === "none") return;
      change.acknowledged = code === "ok";
      if (!change.acknowledged) throw new Error(`${method} was answered with ${code}`);
    } catch (error) {
      if ((error as Error).name === "NoAnswer") return;
      throw error;
    }
    onAcknowledged();
  }
}

/** All pages of a list. */
async function pages(caller: Caller, method: string, request: JsonObject, name: string): Promise<JsonObject[]> {
  const all: JsonObject[] = [];
  for (let pageToken = ""; ; ) {
    const [page] = await must(caller, method, { ...request, pageToken });
    all.push(...(page![name] as JsonObject[]));
    pageToken = page!["nextPageToken"] as string;
    if (pageToken === "") return all;
  }
}

/** How many states of documents hold each text, current and earlier ones. */
async function statesByText(caller: Caller, collection: string): Promise<Map<string, number>> {
  const documents = (await must(caller, "DocumentService/Export", { collection })).map(({ document }) => document as JsonObject);
  const revisions = await Promise.all(Array.from({ length: workersMax }, (_, worker) => pages(caller, "DocumentService/ListRevisions", { collection, key: `shared-${worker}`, pageSize: 1_000 }, "revisions")));
  const states = new Map<string, number>();
  for (const { contentMd } of [...documents, ...revisions.flat()]) states.set(contentMd as string, (states.get(contentMd as string) ?? 0) + 1);
  states.delete("");
  return states;
}

/** What does not hold of the changes of a round, in texts, so that a failure names them. */
async function faults(caller: Caller, collection: string): Promise<string[]> {
  const states = await statesByText(caller, collection);
  const records = await pages(caller, "AuditService/ListAuditRecords", { collection, action: "document.", limit: 1_000 }, "records");
  const found: string[] = [];
  const recorded = new Map<string, number>();
  for (const { requestId, result } of records) if (result === "success") recorded.set(requestId as string, (recorded.get(requestId as string) ?? 0) + 1);
  for (const { requestId, text, documents, acknowledged } of sent.get(collection)!) {
    const made = states.get(text) ?? 0;
    const written = recorded.get(requestId) ?? 0;
    if (made !== 0 && made !== documents) found.push(`${text}: ${made} of ${documents} documents`);
    if (written > 1) found.push(`${text}: ${written} records`);
    if ((made > 0) !== (written > 0)) found.push(`${text}: ${made > 0 ? "a change without a record" : "a record of no change"}`);
    if (acknowledged && made === 0) found.push(`${text}: acknowledged and lost`);
    states.delete(text);
  }
  for (const text of states.keys()) found.push(`${text}: nobody sent it`);
  return found;
}

/** What verifying the log of the store offers; nobody else may have it open. */
async function verified(): Promise<{ records: number; faults: readonly unknown[] }> {
  const store = openLmdbStore({ directory: join(directory.path, "data") });
  try {
    return await verifyLog(store, "default");
  } finally {
    await store.close();
  }
}

describe.sequential("a server that is killed again and again", () => {
  let last: string | undefined;

  test.each(Array.from({ length: rounds }, (_, round) => `storm-${round}`))("%s", { timeout: 120_000 }, async (collection) => {
    const running = server ?? (await startProcess(directory.path));
    server = running;
    const caller = createCaller(running.port, 60_000);
    if (last !== undefined) expect(await faults(caller, last)).toEqual([]);
    last = collection;
    const changes = await prepare(caller, collection);
    const doomed = 20 + Math.floor(random() * 180);
    const delayMs = random() * 8;
    let acknowledged = 0;
    const onAcknowledged = (): void => {
      if (++acknowledged === doomed) setTimeout(() => running.kill("SIGKILL"), delayMs);
    };
    await Promise.all(Array.from({ length: workersMax }, (_, worker) => work(caller, collection, changes, worker, onAcknowledged)));
    expect(await running.ended).toEqual({ code: null, signal: "SIGKILL" });
    server = undefined;
    caller.close();
    expect(acknowledged).toBeGreaterThanOrEqual(doomed);
    const log = await verified();
    expect(log.faults).toEqual([]);
    expect(log.records).toBeGreaterThan(acknowledged);
  });

  test("has lost nothing in the end, and serves", { timeout: 120_000 }, async () => {
    server = await startProcess(directory.path);
    const caller = createCaller(server.port, 60_000);
    for (const collection of sent.keys()) expect(await faults(caller, collection)).toEqual([]);
    const records = await pages(caller, "AuditService/ListAuditRecords", { limit: 1_000 }, "records");
    // Newest first, down to the first of all, without a gap.
    expect(records.map(({ sequence }) => Number(sequence))).toEqual(records.map((_, index) => records.length - 1 - index));
    expect([...sent.values()].flat().some((change) => !change.acknowledged)).toBe(true);
    caller.close();
  });
});

/** Numbers from 0 up to 1 that a failed run can be repeated with (xorshift32). */
function createRandom(from: number): () => number {
  let state = from;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
