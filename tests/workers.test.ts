// Several worker processes are one server: one port, one identity, one budget, one log, whoever of them is killed.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { JsonObject } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { variants } from "../conformance/src/wire/wire.js";
import { verifyLog } from "../server/src/audit/verify.js";
import { openLmdbStore } from "../server/src/store/lmdb.js";
import { adminPassword, startRefused } from "./process.js";
import { patienceMs, until, within } from "./waiting.js";
import { type Connection, isAlive, type Reply, startWorkers, type WorkerServer } from "./worker-server.js";
import { type Caller, createCaller } from "./world.js";

/** Far beyond what any of these needs on a busy machine; what waits inside them ends earlier, and says why. */
const timeoutMs = 300_000;
const onLinux = describe.runIf(process.platform === "linux");

/** What one asks of a running server, with the admin's token. */
async function signIn(server: WorkerServer) {
  const token = await server.login();
  return {
    token,
    asAdmin: (connection: Connection, verb: string, path: string, body?: unknown): Promise<Reply> => connection.send(verb, path, { token, ...(body === undefined ? {} : { body }) }),
    add: (connection: Connection, key: string, headers: Readonly<Record<string, string>> = {}, collection = "docs"): Promise<Reply> =>
      connection.send("POST", "/v1/add", { token, headers, body: { collection, key, lang: "en", contentMd: `# ${key}` } }),
  };
}

/** All records, or those of a collection, newest first. */
async function recordsOf(connection: Connection, token: string, collection = ""): Promise<JsonObject[]> {
  const records: JsonObject[] = [];
  for (let pageToken = ""; ; ) {
    const { status, body } = await connection.send("GET", `/v1/audit?limit=1000&collection=${collection}&pageToken=${encodeURIComponent(pageToken)}`, { token });
    if (status !== 200) throw new Error(`the log answers with ${status}`);
    records.push(...body.records);
    pageToken = body.nextPageToken;
    if (pageToken === "") return records;
  }
}

/** What verifying the log of a server that has ended offers. */
async function verified({ dataDir }: WorkerServer): Promise<{ records: number; faults: readonly unknown[] }> {
  const store = openLmdbStore({ directory: dataDir });
  try {
    return await verifyLog(store, "default");
  } finally {
    await store.close();
  }
}

onLinux("two workers", { timeout: timeoutMs }, () => {
  let server: WorkerServer;
  let signedIn: Awaited<ReturnType<typeof signIn>>;
  beforeAll(async () => {
    server = await startWorkers(2);
    signedIn = await signIn(server);
  }, timeoutMs);
  afterAll(() => server.cleanUp(), timeoutMs);

  /** Waits until the workers hold no more connections than before, so that the next test counts only its own. */
  const closed = (before: readonly number[]): Promise<void> => until("the connections of a test are closed", () => total(server.held()) <= total(before));
  const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

  it.each(["the port", "the Unix socket"])("get connections to %s in turn", async (where) => {
    const before = server.held();
    const connections = Array.from({ length: 20 }, () => server.connect(where === "the port" ? undefined : server.socket));
    for (const connection of connections) expect((await connection.send("GET", "/health")).status).toBe(200);
    const counts = server.held().map((count, index) => count - before[index]!);
    expect(counts.reduce((sum, count) => sum + count)).toBe(20);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(8);
    for (const connection of connections) connection.close();
    await closed(before);
  });

  it("refuse a second server on their data directory, their port or their Unix socket, and say why", async () => {
    const argv = ["--workers", "2"];
    const crew = server.workers();
    expect(await startRefused(server.directory, {}, argv)).toMatchObject({ code: 69, log: expect.stringContaining(`is in use by process ${server.process.pid}`) });
    const other = { PARAPET_DATA_DIR: join(server.directory, "other") };
    expect(await startRefused(server.directory, { ...other, PARAPET_ADDR: `127.0.0.1:${server.port}` }, argv)).toMatchObject({ code: 69, log: expect.stringMatching(/cannot start: .*EADDRINUSE/) });
    expect(await startRefused(server.directory, { ...other, PARAPET_SOCKET: server.socket }, argv)).toMatchObject({ code: 69, log: expect.stringMatching(/cannot start: .*EADDRINUSE.*s\.sock/) });
    expect(server.workers()).toEqual(crew);
    expect((await server.connect(server.socket).send("GET", "/health")).status).toBe(200);
  });

  it.each(variants.map(({ label }) => label))("both serve %s", async (label) => {
    const variant = variants.find((each) => each.label === label)!;
    const credential = { bearer: signedIn.token };
    await signedIn.add(server.connect(), "both");
    const before = server.held();
    const callers = Array.from({ length: 4 }, () => createCaller(server.port, patienceMs));
    for (const [index, caller] of callers.entries()) {
      const call = async (method: string, request: JsonObject): Promise<readonly JsonObject[]> => {
        const { reason, messages } = await caller.send(variant, `DocumentService/${method}`, request, { credential });
        expect(reason).toBe("-");
        return messages;
      };
      // A GET of Connect only reads, and only one message.
      const isGet = variant.encoding === "connect-get";
      const key = isGet ? "both" : `${variant.encoding}-${variant.http}-${index}`;
      if (!isGet) await call("Add", { collection: "docs", key, lang: "en" });
      expect(await call("Get", { collection: "docs", key, lang: "en" })).toMatchObject([{ document: { key } }]);
      if (!isGet) expect((await call("Export", { collection: "docs" })).map(({ document }) => (document as JsonObject)["key"])).toContain(key);
    }
    for (const [index, count] of server.held().entries()) expect(count - before[index]!).toBeGreaterThan(0);
    for (const caller of callers) caller.close();
    await closed(before);
  });

  it("read what the other wrote, at once", async () => {
    const [here, there] = await server.pair();
    for (let i = 0; i < 50; i++) {
      const [writer, reader] = i % 2 === 0 ? [here, there] : [there, here];
      expect((await signedIn.add(writer, `read-${i}`)).status).toBe(200);
      expect((await signedIn.asAdmin(reader, "GET", `/v1/collections/docs/documents/read-${i}?lang=en`)).status).toBe(200);
    }
  });

  it("refuse a revoked key and a narrowed grant on the very next request, however busy they are (AN-21)", async () => {
    const [here, there] = await server.pair();
    await signedIn.add(here, "wanted");
    await signedIn.asAdmin(here, "POST", "/v1/auth/register", { username: "busy", password: adminPassword });
    const grant = (connection: Connection, read: boolean) => signedIn.asAdmin(connection, "POST", "/v1/auth/permissions", { username: "busy", collection: "docs", read });
    const user = await server.login("busy");
    await grant(here, true);
    // Traffic of others keeps caches warm and read transactions open in both.
    let ended = false;
    const noise = Array.from({ length: 6 }, async () => {
      const connection = server.connect();
      while (!ended) await connection.send("GET", "/v1/collections/docs/documents/wanted?lang=en", { token: user });
      connection.close();
    });
    const late: string[] = [];
    try {
      for (let round = 0; round < 40; round++) {
        const [change, use] = round % 2 === 0 ? [here, there] : [there, here];
        const { key } = (await change.send("POST", "/v1/auth/api-key", { token: user, body: { description: `round ${round}` } })).body as { key: string };
        const read = (): Promise<number> => use.send("GET", "/v1/collections/docs/documents/wanted?lang=en", { apiKey: key }).then(({ status }) => status);
        if ((await read()) !== 200) late.push(`round ${round}: a new key`);
        await grant(change, false);
        if ((await read()) !== 403) late.push(`round ${round}: a grant taken away`);
        await grant(change, true);
        if ((await read()) !== 200) late.push(`round ${round}: a grant given`);
        const { apiKeys } = (await change.send("GET", "/v1/auth/api-keys", { token: user })).body as { apiKeys: { id: string; description: string }[] };
        const { id } = apiKeys.find(({ description }) => description === `round ${round}`)!;
        expect((await change.send("DELETE", `/v1/auth/api-keys/${id}`, { token: user })).status).toBe(200);
        if ((await read()) !== 401) late.push(`round ${round}: a key revoked`);
      }
    } finally {
      ended = true;
      await Promise.all(noise);
    }
    expect(late).toEqual([]);
  });

  it("refuse a deleted user's token on the very next request", async () => {
    const [here, there] = await server.pair();
    for (let round = 0; round < 5; round++) {
      const username = `gone-${round}`;
      await signedIn.asAdmin(here, "POST", "/v1/auth/register", { username, password: adminPassword });
      const theirs = await server.login(username);
      expect((await there.send("GET", "/v1/auth/me", { token: theirs })).status).toBe(200);
      expect((await signedIn.asAdmin(here, "DELETE", `/v1/auth/users/${username}`)).status).toBe(200);
      expect((await there.send("GET", "/v1/auth/me", { token: theirs })).status).toBe(401);
    }
  });

  it("open each other's page tokens", async () => {
    const [here, there] = await server.pair();
    const first = await signedIn.asAdmin(here, "GET", "/v1/audit?limit=2");
    expect(first.body.records).toHaveLength(2);
    const second = await signedIn.asAdmin(there, "GET", `/v1/audit?limit=2&pageToken=${encodeURIComponent(first.body.nextPageToken)}`);
    expect([second.status, second.body.records?.length]).toEqual([200, 2]);
  });

  it("execute an idempotency key once, whichever of them it reaches first", async () => {
    const [here, there] = await server.pair();
    for (let round = 0; round < 30; round++) {
      const key = `once-${round}`;
      const headers = { "idempotency-key": key };
      const replies = await Promise.all([signedIn.add(here, key, headers, "once"), signedIn.add(there, key, headers, "once")]);
      const outcomes = replies.map(({ status, body, headers: { "idempotency-replayed": replayed } }) => (status === 200 ? (replayed === "true" ? "replayed" : "executed") : (body.reason as string)));
      expect(outcomes.filter((outcome) => outcome === "executed"), outcomes.join(" ")).toHaveLength(1);
      expect(["replayed", "IDEMPOTENCY_IN_FLIGHT"]).toContain(outcomes.find((outcome) => outcome !== "executed"));
      for (const connection of [here, there]) expect((await signedIn.add(connection, key, headers, "once")).headers["idempotency-replayed"]).toBe("true");
      // A document that was written again has a revision for what it was before.
      expect((await signedIn.asAdmin(here, "GET", `/v1/collections/once/documents/${key}/revisions?lang=en`)).body.revisions).toEqual([]);
    }
  });

  it("write one log, whose sequence has no gap, in one order with the answers of each", async () => {
    const [here, there] = await server.pair();
    const ids = await Promise.all([here, there, here, there].map(async (connection, lane) => {
      const mine = Array.from({ length: 40 }, (_, step) => `lane-${lane}-${step}`);
      for (const id of mine) expect((await signedIn.add(connection, id, { "x-request-id": id }, "log")).status).toBe(200);
      return mine;
    }));
    const all = await recordsOf(here, signedIn.token);
    expect(all.map(({ sequence }) => Number(sequence))).toEqual(all.map((_, index) => all.length - 1 - index));
    const told = all.toReversed().map(({ requestId }) => requestId as string);
    for (const mine of ids) expect(told.filter((id) => mine.includes(id))).toEqual(mine);
  });

  it("answer the metrics of both from either", async () => {
    const [here, there] = await server.pair();
    const count = async (connection: Connection): Promise<number> => {
      const { body } = await connection.send("GET", "/metrics");
      if (!(body as string).includes("parapet_workers 2\n")) return -1;
      return Number(/parapet_call_duration_seconds_count\{method="parapet.auth.v1.AuthService\/GetMe",protocol="rest"\} (\d+)/.exec(body as string)?.[1] ?? 0);
    };
    // A worker that is too busy to tell its numbers at once is asked again.
    await until("both tell their metrics", async () => (await count(here)) >= 0);
    const before = await count(here);
    for (let i = 0; i < 7; i++) await signedIn.asAdmin(i < 3 ? here : there, "GET", "/v1/auth/me");
    for (const connection of [here, there]) {
      await until("all calls are counted", async () => (await count(connection)) >= before + 7);
      expect(await count(connection)).toBe(before + 7);
    }
  });

  it("lose nothing that was acknowledged when one or both are killed, never close the port, and the log stays whole", async () => {
    const [acknowledged, refused, broken]: [string[], number[], Set<string>] = [[], [], new Set()];
    let ended = false;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      let connection = server.connect();
      for (let i = 0; !ended; i++) {
        const key = `storm-${writer}-${i}`;
        try {
          const { status } = await signedIn.add(connection, key, {}, "storm");
          if (status === 200) acknowledged.push(key);
          else refused.push(status);
        } catch (error) {
          broken.add((error as NodeJS.ErrnoException).code ?? String(error));
          connection.close();
          connection = server.connect();
        }
      }
      connection.close();
    });
    try {
      for (const victims of [[0], [1], [0, 1]]) {
        const soFar = acknowledged.length;
        await until("writes go on", () => acknowledged.length > soFar + 40);
        const doomed = server.workers().filter((_, index) => victims.includes(index));
        for (const pid of doomed) process.kill(pid, "SIGKILL");
        await server.restarted(doomed);
      }
      const soFar = acknowledged.length;
      await until("writes go on", () => acknowledged.length > soFar + 40);
    } finally {
      ended = true;
      await Promise.all(writers);
    }
    expect(refused).toEqual([]);
    // A connection of a killed worker breaks. None is refused, and none is left without an answer.
    expect([...broken].filter((code) => code !== "ECONNRESET" && code !== "EPIPE")).toEqual([]);

    const [here, there] = await server.pair();
    const missing: string[] = [];
    for (const [index, key] of acknowledged.entries()) {
      if ((await signedIn.asAdmin(index % 2 === 0 ? here : there, "GET", `/v1/collections/storm/documents/${key}?lang=en`)).status !== 200) missing.push(key);
    }
    expect(missing).toEqual([]);
    const records = await recordsOf(here, signedIn.token, "storm");
    const keys = records.filter(({ action, result }) => action === "document.add" && result === "success").map(({ key }) => key as string);
    expect(new Set(keys).size).toBe(keys.length);
    const caller = createCaller(server.port, patienceMs);
    const { messages } = await caller.send(variants[0]!, "DocumentService/Export", { collection: "storm" }, { credential: { bearer: signedIn.token } });
    caller.close();
    // What was written has its record, and what has a record was written, acknowledged or not.
    expect(messages.map(({ document }) => (document as JsonObject)["key"] as string).toSorted()).toEqual(keys.toSorted());

    expect(await server.stop()).toEqual({ code: 0, signal: null });
    const report = await verified(server);
    expect(report.faults).toEqual([]);
    expect(report.records).toBeGreaterThan(acknowledged.length);
  });
});

onLinux("one budget", { timeout: timeoutMs }, () => {
  let server: WorkerServer;
  beforeAll(async () => {
    // Windows so long that nothing comes back while the test runs.
    const login = { PARAPET_LOGIN_LIMIT_REQUESTS: "6", PARAPET_LOGIN_LIMIT_WINDOW: "1d" };
    server = await startWorkers(2, { PARAPET_RATE_LIMIT_ENABLED: "true", PARAPET_RATE_LIMIT_REQUESTS: "60", PARAPET_RATE_LIMIT_BURST: "20", PARAPET_RATE_LIMIT_WINDOW: "1d", ...login });
  }, timeoutMs);
  afterAll(() => server.cleanUp(), timeoutMs);

  it("is spent by all workers together, whatever the protocol, and what goes beyond is refused alike", async () => {
    const token = await server.login();
    const connections = [...(await server.pair()), ...(await server.pair())];
    const ways = ["grpc/h2", "grpc-web/h1", "connect-json/h1", "connect-proto/h2"].map((label) => variants.find((variant) => variant.label === label)!);
    const callers = ways.flatMap((variant) => [variant, variant].map((each) => [each, createCaller(server.port, patienceMs)] as const));
    const me = async (connection: Connection): Promise<{ reason: string; remaining: string }> => {
      const { status, body, headers } = await connection.send("GET", "/v1/auth/me", { token });
      return { reason: status === 200 ? "-" : body.reason, remaining: String(headers["x-ratelimit-remaining"]) };
    };
    const meOf = async ([variant, caller]: readonly [(typeof variants)[number], Caller]): Promise<{ reason: string; remaining: string }> => {
      const { reason, http } = await caller.send(variant, "AuthService/GetMe", {}, { credential: { bearer: token } });
      return { reason, remaining: String(http.headers.get("x-ratelimit-remaining")?.[0]) };
    };
    const answers = await Promise.all([...connections.flatMap((connection) => Array.from({ length: 15 }, () => me(connection))), ...callers.flatMap((way) => Array.from({ length: 10 }, () => meOf(way)))]);
    expect(answers).toHaveLength(140);
    const admitted = answers.filter(({ reason }) => reason === "-");
    expect(admitted).toHaveLength(80);
    expect(answers.filter(({ reason }) => reason === "RATE_LIMITED")).toHaveLength(60);
    // Every unit was given out once: the remaining units that the admitted were told are all different.
    expect(new Set(admitted.map(({ remaining }) => remaining)).size).toBe(80);
    for (const connection of connections) expect((await me(connection)).reason).toBe("RATE_LIMITED");
    for (const way of callers) expect((await meOf(way)).reason).toBe("RATE_LIMITED");
    for (const [, caller] of callers) caller.close();
  });

  it("of logins is exact over all workers, and outlives those that spent it", async () => {
    const [here, there] = await server.pair();
    const login = (connection: Connection) => connection.send("POST", "/v1/auth/login", { body: { username: "nobody", password: "wrong horse" } }).then(({ status }) => status);
    const statuses = await Promise.all(Array.from({ length: 12 }, (_, i) => login(i % 2 === 0 ? here : there)));
    // One login of this address came before.
    expect(statuses.filter((status) => status === 401)).toHaveLength(5);
    expect(statuses.filter((status) => status === 429)).toHaveLength(7);
    const before = server.workers();
    for (const pid of before) process.kill(pid, "SIGKILL");
    await server.restarted(before);
    for (const connection of await server.pair()) expect(await login(connection)).toBe(429);
  });
});

onLinux("a limit override", { timeout: timeoutMs }, () => {
  it("set at one worker counts at the other for the very next call", async () => {
    const server = await startWorkers(2, { PARAPET_RATE_LIMIT_ENABLED: "true", PARAPET_RATE_LIMIT_REQUESTS: "1000", PARAPET_RATE_LIMIT_WINDOW: "1d" });
    try {
      const token = await server.login();
      const [here, there] = await server.pair();
      for (let round = 1; round <= 10; round++) {
        const [change, use] = round % 2 === 0 ? [here, there] : [there, here];
        const { status } = await change.send("POST", "/v1/limits/overrides", { token, body: { subject: "user:admin", requests: 2_000 + round, burst: 7, lifetime: "3600s" } });
        expect(status).toBe(200);
        expect((await use.send("GET", "/v1/auth/me", { token })).headers["x-ratelimit-limit"]).toBe(String(2_007 + round));
      }
    } finally {
      await server.cleanUp();
    }
  });
});

/** Begins a call and leaves its body unsent; resolves when the server has admitted it. */
async function begin(port: number, token: string, key: string): Promise<{ readonly socket: Socket; finish(): Promise<string> }> {
  const body = JSON.stringify({ collection: "docs", key, lang: "en", contentMd: "x" });
  const socket = connectTcp(port, "127.0.0.1");
  let answer = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
  const closed = once(socket, "close");
  socket.write(`POST /v1/add HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nexpect: 100-continue\r\n\r\n`);
  await until("the server asks for the body", () => answer.startsWith("HTTP/1.1 100"));
  return {
    socket,
    async finish() {
      socket.write(body);
      await within("the connection is closed after its answer", closed);
      return answer;
    },
  };
}

const refusesConnections = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connectTcp(port, "127.0.0.1");
    socket.on("connect", () => (socket.destroy(), resolve(false)));
    socket.on("error", () => resolve(true));
  });

onLinux("a worker that ends", { timeout: timeoutMs }, () => {
  let server: WorkerServer;
  beforeAll(async () => {
    server = await startWorkers(2, { PARAPET_DRAIN_TIMEOUT: "5m" });
  }, timeoutMs);
  afterAll(() => server.cleanUp(), timeoutMs);

  /** Stops a worker, and makes calls of which it is given one: that is the only one without an answer. */
  async function stopWith(worker: number): Promise<{ readonly unanswered: Promise<number | string> }> {
    process.kill(worker, "SIGSTOP");
    const calls = Array.from({ length: 4 }, () => server.connect().send("GET", "/health").then(({ status }) => status, (error: NodeJS.ErrnoException) => error.code ?? String(error)));
    const waiting = new Set(calls);
    for (const call of calls) void call.then(() => waiting.delete(call));
    await until("all calls but one are answered", () => waiting.size === 1);
    return { unanswered: [...waiting][0]! };
  }

  it("leaves nobody waiting whose connection it had not taken when it was killed", async () => {
    const doomed = server.workers()[0]!;
    const { unanswered } = await stopWith(doomed);
    process.kill(doomed, "SIGKILL");
    expect(await unanswered).toBe("ECONNRESET");
    await server.restarted([doomed]);
  });

  it("because somebody told it to, lets another answer whom it had not", async () => {
    const leaving = server.workers()[0]!;
    const { unanswered } = await stopWith(leaving);
    process.kill(leaving, "SIGTERM");
    process.kill(leaving, "SIGCONT");
    expect(await unanswered).toBe(200);
    await server.restarted([leaving]);
  });

  it("and is the last, lets callers wait for the next: port and Unix socket stay", async () => {
    const before = server.workers();
    const restarts = (): number => server.process.log().split("is started again").length - 1;
    const soFar = restarts();
    for (const pid of before) process.kill(pid, "SIGKILL");
    await until("the primary knows that it has no worker", () => restarts() === soFar + 2);
    const connections = [undefined, server.socket].map((where) => server.connect(where));
    const replies = await Promise.all(connections.map((connection) => connection.send("GET", "/health")));
    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
    for (const connection of connections) connection.close();
    await server.restarted(before);
  });

  it("with the primary on SIGTERM drains: calls that have begun at any worker are answered, then all processes end with 0", async () => {
    const token = await server.login();
    await until("the connections of before are closed", () => server.held().every((count) => count === 0));
    const calls = [];
    // What closed a moment ago may still count where connections are dealt: both get some, if not as many.
    while (calls.length < 4 || server.held().includes(0)) calls.push(await begin(server.port, token, `slow-${calls.length}`));
    const workers = server.workers();
    const restarts = server.process.log().split("is started again").length;
    const stopped = server.stop();
    await until("the port is closed", () => refusesConnections(server.port));
    for (const call of calls) expect(await call.finish()).toContain("HTTP/1.1 200 OK");
    expect(await stopped).toEqual({ code: 0, signal: null });
    expect(workers.filter(isAlive)).toEqual([]);
    expect(server.process.log().split("is started again")).toHaveLength(restarts);
    expect(existsSync(server.socket)).toBe(false);
    expect((await verified(server)).faults).toEqual([]);
  });
});

onLinux("the primary", { timeout: timeoutMs }, () => {
  it("takes its workers with it when it is killed, and the next start owns the data at once", async () => {
    const server = await startWorkers(2);
    let next: WorkerServer | undefined;
    try {
      const signedIn = await signIn(server);
      for (const connection of await server.pair()) expect((await signedIn.add(connection, `kept-${connection.worker()}`)).status).toBe(200);
      const workers = server.workers();
      server.process.kill("SIGKILL");
      next = await startWorkers(2, {}, server.directory);
      expect(workers.filter(isAlive)).toEqual([]);
      expect(await within("all that wrote to the log have ended", server.process.ended)).toEqual({ code: null, signal: "SIGKILL" });
      for (const connection of await next.pair()) {
        for (const worker of workers) expect((await signedIn.asAdmin(connection, "GET", `/v1/collections/docs/documents/kept-${worker}?lang=en`)).status).toBe(200);
      }
    } finally {
      await next?.cleanUp();
      await server.cleanUp();
    }
  });
});

/** Runs a program of this folder that prints one JSON document; it ends within `timeoutMs`, or is ended. */
function reportOf<T>(program: string, ...argv: readonly string[]): T {
  const file = fileURLToPath(new URL(program, import.meta.url));
  return JSON.parse(execFileSync(process.execPath, [file, ...argv], { encoding: "utf8", timeout: timeoutMs })) as T;
}

describe("a process that opens an environment", { timeout: timeoutMs }, () => {
  it("undoes no commit of another, since it is admitted between commits", () => {
    const report = reportOf<{ opens: number; lost: number; damaged: string }>("open-race.mjs", "guarded");
    expect(report).toMatchObject({ lost: 0, damaged: "" });
    expect(report.opens).toBeGreaterThan(20);
  });
});

describe("two processes that hammer one budget", { timeout: timeoutMs }, () => {
  it.each(["TOKEN_BUCKET", "STRICT_WINDOW"])("admit together what the bound of %s allows in every interval, one of them killed in between", (algorithm) => {
    const report = reportOf<{ admitted: number; refused: number; least: number; excess: number; kills: number }>("limit-hammer.mjs", algorithm);
    expect(report.excess).toBeLessThanOrEqual(0);
    expect(report.admitted).toBeGreaterThanOrEqual(report.least);
    expect(report.refused).toBeGreaterThan(0);
    expect(report.kills).toBeGreaterThan(0);
  });
});
