/** A server that is told to stop in the middle of calls, and who may own its data directory and its Unix socket after it. */
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { connect as http2Connect } from "node:http2";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { fromBinary, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { HealthCheckResponse_ServingStatus as Status, HealthCheckResponseSchema } from "@parapet/contract/grpc/health/v1/health_pb";
import { afterEach, describe, expect, it } from "vitest";
import { frame, frames } from "../conformance/src/wire/envelope.js";
import { type Credential, type Variant, variants } from "../conformance/src/wire/wire.js";
import { verifyLog } from "../server/src/audit/verify.js";
import { openLmdbStore } from "../server/src/store/lmdb.js";
import { type HeldCall, holdCall } from "./held-call.js";
import { adminPassword, freshDirectory, type ServerProcess, startProcess, startRefused } from "./process.js";
import { patienceMs, until, within } from "./waiting.js";
import { exchangeRaw } from "./wire.js";
import { createCaller } from "./world.js";

const timeoutMs = 300_000;
const byLabel = (label: string): Variant => variants.find((variant) => variant.label === label)!;
const ways = ["grpc/h2", "connect-proto/h1", "connect-json/h2", "rest/h1", "rest/h2"].map(byLabel);
const reading = byLabel("connect-json/h1");

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).toReversed()) await cleanUp();
}, timeoutMs);

function directory(): string {
  const { path, remove } = freshDirectory();
  cleanups.push(remove);
  return path;
}

/** Starts a server with a Unix socket, and signs its admin in. */
async function start(path: string, variables: Readonly<Record<string, string>> = {}) {
  const socket = join(path, "s.sock");
  const server = await startProcess(path, { PARAPET_SOCKET: socket, ...variables });
  const caller = createCaller(server.port, patienceMs);
  cleanups.push(async () => {
    caller.close();
    server.kill("SIGKILL");
    await server.ended;
  });
  const must = async (method: string, request: JsonValue, credential?: Credential): Promise<JsonObject[]> => {
    const { reason, messages } = await caller.send(reading, method, request, { credential });
    if (reason !== "-") throw new Error(`${method}: ${reason}`);
    return [...messages];
  };
  const [{ token }] = (await must("AuthService/Login", { username: "admin", password: adminPassword })) as [{ token: string }];
  const admin = { bearer: token };
  return { server, socket, admin, caller, must: (method: string, request: JsonValue) => must(method, request, admin) };
}

/** Makes the collection `large`: no buffer on the way holds an export of it whole. */
async function addLarge(must: (method: string, request: JsonValue) => Promise<JsonObject[]>): Promise<void> {
  const contentMd = "x".repeat(512 * 1024);
  for (let batch = 0; batch < 8; batch++) await must("DocumentService/AddBatch", { collection: "large", documents: Array.from({ length: 4 }, (_, index) => ({ key: `${batch}-${index}`, contentMd })) });
}

/** Waits until this many calls are in flight, as the server counts them. */
function inFlight(server: ServerProcess, count: number): Promise<void> {
  return until(`${count} calls are in flight`, async () => {
    const text = await (await fetch(`${server.url}/metrics`, { signal: AbortSignal.timeout(patienceMs), headers: { connection: "close" } })).text();
    // One of them asks.
    return Number(/^parapet_calls_in_flight (\d+)$/m.exec(text)?.[1]) === count + 1;
  });
}

/** Resolves when neither the port nor the Unix socket takes a connection. */
async function closed(server: ServerProcess, socket: string): Promise<void> {
  const refused = (to: Socket): Promise<boolean> =>
    new Promise((resolve) => {
      to.on("connect", () => (to.destroy(), resolve(false)));
      to.on("error", () => resolve(true));
    });
  await until("the port is closed", () => refused(connect(server.port, "127.0.0.1")));
  await until("the Unix socket is closed", () => refused(connect(socket)));
}

/** What verifying the log of a server that has ended offers. */
async function faultsOfLog(path: string): Promise<readonly unknown[]> {
  const store = openLmdbStore({ directory: join(path, "data") });
  try {
    return (await verifyLog(store, "default")).faults;
  } finally {
    await store.close();
  }
}

/** Records of calls, by request id: how each ended, oldest first. */
async function resultsOf(must: (method: string, request: JsonValue) => Promise<JsonObject[]>, requestIds: readonly string[]): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const requestId of requestIds) {
    const [{ records }] = (await must("AuditService/ListAuditRecords", { requestId })) as unknown as [{ records: { action: string; result: string }[] }];
    found[requestId] = records.toReversed().map(({ action, result }) => `${action} ${result}`);
  }
  return found;
}

describe("a server that is told to stop in the middle of calls", { timeout: timeoutMs }, () => {
  it("ends them well with their records, takes no new ones, says so to health checks, and exits with 0", async () => {
    const path = directory();
    const { server, socket, admin, must } = await start(path, { PARAPET_DRAIN_TIMEOUT: "5m" });
    await addLarge(must);
    const calls = new Map<string, HeldCall>();
    const hold = (variant: Variant, method: string, messages: readonly JsonObject[], held: "request" | "answer"): void => {
      const requestId = `${method}-${variant.encoding}-${variant.http}`;
      calls.set(requestId, holdCall(server.port, variant, `DocumentService/${method}`, messages, { credential: admin, headers: [["x-request-id", requestId]] }, held));
    };
    for (const variant of ways) {
      const collection = `into-${variant.encoding}-${variant.http}`;
      hold(variant, "Add", [{ collection, key: "added", contentMd: "# Added" }], "request");
      hold(variant, "Import", Array.from({ length: 20 }, (_, index) => ({ collection, document: { key: `imported-${index}` } })), "request");
      hold(variant, "Export", [{ collection: "large" }], "answer");
    }
    for (const [requestId, call] of calls) if (requestId.startsWith("Export")) await within(`${requestId} begins`, call.answered);

    const session = http2Connect(server.url).on("error", () => undefined);
    cleanups.push(() => session.destroy());
    const watch = session.request({ ":method": "POST", ":path": "/grpc.health.v1.Health/Watch", "content-type": "application/grpc+proto", "te": "trailers" });
    watch.end(frame(new Uint8Array()));
    const watched: Buffer[] = [];
    watch.on("data", (chunk: Buffer) => watched.push(chunk));
    const statuses = (): Status[] => frames(Buffer.concat(watched)).map(({ data }) => fromBinary(HealthCheckResponseSchema, data).status);
    const watchEnded = once(watch, "end");

    // A probe of a load balancer that has begun to ask.
    const probe = connect(server.port, "127.0.0.1");
    let probed = "";
    probe.setEncoding("utf8").on("data", (chunk: string) => (probed += chunk));
    const probeClosed = once(probe, "close");
    probe.write("GET /ready HTTP/1.1\r\nhost: x\r\n");
    await inFlight(server, calls.size + 1);
    await until("the watch has begun", () => statuses().length === 1);

    server.kill("SIGTERM");
    await closed(server, socket);
    expect(existsSync(socket)).toBe(false);
    await until("the watch hears of it", () => statuses().length === 2);
    expect(statuses()).toEqual([Status.SERVING, Status.NOT_SERVING]);
    await within("the watch ends", watchEnded);
    // Supervisors repeat themselves.
    server.kill("SIGTERM");

    probe.write("\r\n");
    await within("the probe's connection is closed after its answer", probeClosed);
    expect(probed).toMatch(/^HTTP\/1\.1 503 [^]*\r\nConnection: close\r\n[^]*SHUTTING_DOWN/);

    const outcomes: Record<string, JsonValue> = {};
    const expected: Record<string, JsonValue> = {};
    for (const [requestId, call] of calls) {
      const { reason, messages, http } = await call.finish();
      // Who is told to forget a connection before it ends does not send the next call on it.
      if (requestId.endsWith("h1") && !requestId.startsWith("Export")) expect(http.headers.get("connection"), requestId).toEqual(["close"]);
      const [{ document, imported }] = messages as [{ document?: JsonObject; imported?: number }];
      outcomes[requestId] = [reason, messages.length, imported ?? document!["key"] ?? ""];
      expected[requestId] = requestId.startsWith("Add") ? ["-", 1, "added"] : requestId.startsWith("Import") ? ["-", 1, 20] : ["-", 32, "0-0"];
    }
    expect(outcomes).toEqual(expected);
    expect(await within("the server ends", server.ended)).toEqual({ code: 0, signal: null });
    expect(await faultsOfLog(path)).toEqual([]);

    const next = await start(path);
    const results: Record<string, string[]> = {};
    for (const requestId of calls.keys()) {
      results[requestId] = requestId.startsWith("Add") ? ["document.add success"] : requestId.startsWith("Import") ? ["document.import success", "document.import success"] : ["document.export success"];
    }
    expect(await resultsOf(next.must, Object.keys(results))).toEqual(results);
    for (const { encoding, http } of ways) {
      const [{ totalSize }] = (await next.must("DocumentService/Search", { collection: `into-${encoding}-${http}`, limit: 1 })) as [{ totalSize: number }];
      expect(totalSize).toBe(21);
    }
  });

  it("cuts off those that take longer than PARAPET_DRAIN_TIMEOUT, with their records, and exits with 0", async () => {
    const path = directory();
    const { server, admin, must } = await start(path, { PARAPET_DRAIN_TIMEOUT: "200ms" });
    await addLarge(must);
    const requests = { Add: { collection: "c", key: "k" }, Import: { collection: "c", document: { key: "k" } }, Export: { collection: "large" } };
    const calls = new Map<string, HeldCall>();
    for (const variant of ways) {
      for (const [method, request] of Object.entries(requests)) {
        const requestId = `${method}-${variant.encoding}-${variant.http}`;
        calls.set(requestId, holdCall(server.port, variant, `DocumentService/${method}`, [request], { credential: admin, headers: [["x-request-id", requestId]] }, method === "Export" ? "answer" : "request"));
      }
    }
    for (const [requestId, call] of calls) if (requestId.startsWith("Export")) await within(`${requestId} begins`, call.answered);
    await inFlight(server, calls.size);
    server.kill("SIGTERM");
    expect(await within("the server ends", server.ended)).toEqual({ code: 0, signal: null });
    for (const [requestId, call] of calls) {
      if (requestId.startsWith("Export")) expect(await call.finish().then(({ code }) => code, () => "broken"), requestId).not.toBe("ok");
      else await expect(call.answered).rejects.toThrow(/ECONNRESET|socket hang up|closed/);
    }
    expect(await faultsOfLog(path)).toEqual([]);
    const next = await start(path);
    const ids = [...calls.keys()];
    expect(await resultsOf(next.must, ids)).toEqual(Object.fromEntries(ids.map((id) => [id, [`document.${id.split("-")[0]!.toLowerCase()} failure`]])));
    for (const call of calls.values()) call.close();
  });
});

describe.each(["1", "2"])("a server of %s processes whose terminal is closed", { timeout: timeoutMs }, (workers) => {
  it("ends its calls well, and exits with 0", async () => {
    const path = directory();
    const { server, socket, admin } = await start(path, { PARAPET_WORKERS: workers });
    const call = holdCall(server.port, reading, "DocumentService/Add", [{ collection: "c", key: "held" }], { credential: admin }, "request");
    await inFlight(server, 1);
    // A terminal tells every process of its group.
    const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8").split(" ").filter((pid) => pid !== "").map(Number);
    expect(children.length).toBe(workers === "1" ? 0 : Number(workers));
    for (const pid of [...children, server.pid]) process.kill(pid, "SIGHUP");
    await closed(server, socket);
    expect((await call.finish()).reason).toBe("-");
    expect(await within("the server ends", server.ended)).toEqual({ code: 0, signal: null });
  });
});

describe("a second start", { timeout: timeoutMs }, () => {
  it("on the data directory of a running server is refused by name, and disturbs nobody", async () => {
    const path = directory();
    const { server, socket, must } = await start(path);
    const refused = await startRefused(path, { PARAPET_SOCKET: socket });
    expect(refused).toMatchObject({ code: 69, signal: null });
    expect(refused.log).toContain(`parapet: cannot start: the data directory ${join(path, "data")} is in use by process ${server.pid}; one server process owns a data directory`);
    expect((await exchangeRaw(server.port, "GET /ready HTTP/1.1\r\nhost: x\r\n\r\n", { path: socket })).status).toBe(200);
    await must("DocumentService/Add", { collection: "c", key: "still" });
  });

  it("after kill -9 takes over the lock and the Unix socket that were left behind, and what was acknowledged", async () => {
    const path = directory();
    const { server, socket, must } = await start(path);
    await must("DocumentService/Add", { collection: "c", key: "kept" });
    server.kill("SIGKILL");
    expect(await within("the server ends", server.ended)).toEqual({ code: null, signal: "SIGKILL" });
    expect(existsSync(socket)).toBe(true);
    const next = await start(path);
    expect((await exchangeRaw(next.server.port, "GET /ready HTTP/1.1\r\nhost: x\r\n\r\n", { path: socket })).status).toBe(200);
    const [{ document }] = (await next.must("DocumentService/Get", { collection: "c", key: "kept" })) as [{ document: JsonObject }];
    expect(document["key"]).toBe("kept");
    next.server.kill("SIGTERM");
    expect(await within("the server ends", next.server.ended)).toEqual({ code: 0, signal: null });
    expect(existsSync(socket)).toBe(false);
  });

  it.each([
    ["where another server listens", "its own data"],
    ["where a file lies", "a file"],
  ])("with a Unix socket %s is refused, and leaves it as it is", async (_where, what) => {
    const path = directory();
    const { server, socket } = await start(path);
    const file = join(path, "notes.txt");
    writeFileSync(file, "mine");
    const wanted = what === "a file" ? file : socket;
    const refused = await startRefused(path, { PARAPET_DATA_DIR: join(path, "other"), PARAPET_SOCKET: wanted });
    expect(refused).toMatchObject({ code: 69, signal: null });
    expect(refused.log).toMatch(/cannot start: .*EADDRINUSE/);
    expect(refused.log).toContain(wanted);
    expect(readFileSync(file, "utf8")).toBe("mine");
    expect((await exchangeRaw(server.port, "GET /health HTTP/1.1\r\nhost: x\r\n\r\n", { path: socket })).status).toBe(200);
  });
});
