// Several worker processes are one server: one identity, one budget, one log, whoever of them is killed.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyLog } from "../server/src/audit/verify.js";
import { openLmdbStore } from "../server/src/store/lmdb.js";
import { type Connection, isAlive, password, pause, startWorkers, type WorkerServer } from "./worker-server.js";

const timeoutMs = 120_000;

describe.runIf(process.platform === "linux")("two workers", { timeout: timeoutMs }, () => {
  let server: WorkerServer;
  let token: string;
  let here: Connection;
  let there: Connection;
  beforeAll(async () => {
    server = await startWorkers(2);
    token = await server.login();
    [here, there] = await server.pair();
  }, timeoutMs);
  afterAll(() => server.cleanUp());

  const asAdmin = (connection: Connection, verb: string, path: string, body?: unknown) => connection.send(verb, path, { token, ...(body === undefined ? {} : { body }) });
  const add = (connection: Connection, key: string, headers: Readonly<Record<string, string>> = {}, collection = "docs") =>
    connection.send("POST", "/v1/add", { token, headers, body: { collection, key, lang: "en", contentMd: `# ${key}` } });

  it("get kept-alive connections in turn", async () => {
    const connections = Array.from({ length: 20 }, () => server.connect());
    for (const connection of connections) await connection.send("GET", "/health");
    const counts = server.workers().map((pid) => connections.filter((connection) => connection.worker() === pid).length);
    expect(counts.reduce((sum, count) => sum + count)).toBe(20);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(8);
    for (const connection of connections) connection.close();
  });

  it("read what the other wrote, at once", async () => {
    for (let i = 0; i < 50; i++) {
      const [writer, reader] = i % 2 === 0 ? [here, there] : [there, here];
      expect((await add(writer, `read-${i}`)).status).toBe(200);
      expect((await asAdmin(reader, "GET", `/v1/collections/docs/documents/read-${i}?lang=en`)).status).toBe(200);
    }
  });

  it("refuse a revoked key and a narrowed grant on the very next request, however busy they are (AN-21)", async () => {
    await asAdmin(here, "POST", "/v1/auth/register", { username: "busy", password });
    const grant = (connection: Connection, read: boolean) => asAdmin(connection, "POST", "/v1/auth/permissions", { username: "busy", collection: "docs", read });
    const user = await server.login("busy");
    await grant(here, true);
    // Traffic of others keeps caches warm and read transactions open in both.
    let ended = false;
    const noise = Array.from({ length: 6 }, async () => {
      const connection = server.connect();
      while (!ended) await connection.send("GET", "/v1/collections/docs/documents/read-1?lang=en", { token: user });
      connection.close();
    });
    const late: string[] = [];
    for (let round = 0; round < 40; round++) {
      const [change, use] = round % 2 === 0 ? [here, there] : [there, here];
      const { key } = (await change.send("POST", "/v1/auth/api-key", { token: user, body: { description: `round ${round}` } })).body as { key: string };
      const read = (): Promise<number> => use.send("GET", "/v1/collections/docs/documents/read-1?lang=en", { apiKey: key }).then(({ status }) => status);
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
    ended = true;
    await Promise.all(noise);
    expect(late).toEqual([]);
  });

  it("refuse a deleted user's token on the very next request", async () => {
    for (let round = 0; round < 5; round++) {
      const username = `gone-${round}`;
      await asAdmin(here, "POST", "/v1/auth/register", { username, password });
      const theirs = await server.login(username);
      expect((await there.send("GET", "/v1/auth/me", { token: theirs })).status).toBe(200);
      expect((await asAdmin(here, "DELETE", `/v1/auth/users/${username}`)).status).toBe(200);
      expect((await there.send("GET", "/v1/auth/me", { token: theirs })).status).toBe(401);
    }
  });

  it("open each other's page tokens", async () => {
    const first = await asAdmin(here, "GET", "/v1/audit?limit=2");
    expect(first.body.records).toHaveLength(2);
    const second = await asAdmin(there, "GET", `/v1/audit?limit=2&pageToken=${encodeURIComponent(first.body.nextPageToken)}`);
    expect([second.status, second.body.records?.length]).toEqual([200, 2]);
  });

  it("execute an idempotency key once, whichever of them it reaches first", async () => {
    for (let round = 0; round < 30; round++) {
      const key = `once-${round}`;
      const headers = { "idempotency-key": key };
      const replies = await Promise.all([add(here, key, headers, "once"), add(there, key, headers, "once")]);
      const outcomes = replies.map(({ status, body, headers: { "idempotency-replayed": replayed } }) => (status === 200 ? (replayed === "true" ? "replayed" : "executed") : (body.reason as string)));
      expect(outcomes.filter((outcome) => outcome === "executed"), outcomes.join(" ")).toHaveLength(1);
      expect(["replayed", "IDEMPOTENCY_IN_FLIGHT"]).toContain(outcomes.find((outcome) => outcome !== "executed"));
      for (const connection of [here, there]) expect((await add(connection, key, headers, "once")).headers["idempotency-replayed"]).toBe("true");
      // A document that was written again has a revision for what it was before.
      expect((await asAdmin(here, "GET", `/v1/collections/once/documents/${key}/revisions?lang=en`)).body.revisions).toEqual([]);
    }
  });

  it("answer the metrics of both from either", async () => {
    const count = async (connection: Connection): Promise<number> => {
      const { body } = await connection.send("GET", "/metrics");
      expect(body).toContain("parapet_workers 2\n");
      return Number(/parapet_call_duration_seconds_count\{method="parapet.auth.v1.AuthService\/GetMe",protocol="rest"\} (\d+)/.exec(body as string)![1]);
    };
    const before = await count(here);
    for (let i = 0; i < 7; i++) await asAdmin(i < 3 ? here : there, "GET", "/v1/auth/me");
    expect(await count(here)).toBe(before + 7);
    expect(await count(there)).toBe(before + 7);
  });

  it("lose nothing that was acknowledged when one is killed, and the log stays whole", async () => {
    const acknowledged: string[] = [];
    let ended = false;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      let connection = server.connect();
      for (let i = 0; !ended; i++) {
        const key = `storm-${writer}-${i}`;
        try {
          // A connection of which a killed worker had not answered is closed; it never hangs.
          if ((await add(connection, key, {}, "storm")).status === 200) acknowledged.push(key);
        } catch {
          connection.close();
          connection = server.connect();
        }
      }
      connection.close();
    });
    for (let round = 0; round < 3; round++) {
      await pause(400);
      const before = server.workers();
      process.kill(before[round % 2]!, "SIGKILL");
      while (server.workers().length < 2 || server.workers().includes(before[round % 2]!)) await pause(20);
    }
    await pause(300);
    ended = true;
    await Promise.all(writers);
    expect(server.log()).toContain("a worker ended and is started again");
    [here, there] = await server.pair();
    expect(acknowledged.length).toBeGreaterThan(20);
    const missing: string[] = [];
    for (const key of acknowledged) if ((await asAdmin(here, "GET", `/v1/collections/storm/documents/${key}?lang=en`)).status !== 200) missing.push(key);
    expect(missing).toEqual([]);

    expect(await server.stop()).toBe(0);
    const store = openLmdbStore({ directory: server.dataDir });
    const report = await verifyLog(store, "default");
    await store.close();
    expect(report.faults).toEqual([]);
    expect(report.records).toBeGreaterThan(acknowledged.length);
  });
});

describe.runIf(process.platform === "linux")("one budget", { timeout: timeoutMs }, () => {
  let server: WorkerServer;
  beforeAll(async () => {
    server = await startWorkers(2, { PARAPET_RATE_LIMIT_ENABLED: "true", PARAPET_RATE_LIMIT_REQUESTS: "60", PARAPET_RATE_LIMIT_BURST: "20", PARAPET_RATE_LIMIT_WINDOW: "1d", PARAPET_LOGIN_LIMIT_REQUESTS: "6" });
  }, timeoutMs);
  afterAll(() => server.cleanUp());

  it("is spent by all workers together, and an override counts on all at once", async () => {
    const token = await server.login();
    const connections = [...(await server.pair()), ...(await server.pair())];
    const me = (connection: Connection) => connection.send("GET", "/v1/auth/me", { token });
    const answers = await Promise.all(connections.flatMap((connection) => Array.from({ length: 30 }, () => me(connection))));
    const admitted = answers.filter(({ status }) => status === 200);
    expect(admitted).toHaveLength(80);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(40);
    // Every unit was given out once: the remaining units that the admitted were told are all different.
    expect(new Set(admitted.map(({ headers }) => headers["x-ratelimit-remaining"])).size).toBe(80);

    expect((await connections[0]!.send("POST", "/v1/auth/login", { body: { username: "admin", password } })).status).toBe(200);
    for (const connection of connections) expect((await me(connection)).status).toBe(429);
  });

  it("of logins is exact over all workers", async () => {
    const [here, there] = await server.pair();
    const login = (connection: Connection) => connection.send("POST", "/v1/auth/login", { body: { username: "nobody", password: "wrong horse" } }).then(({ status }) => status);
    const statuses = await Promise.all(Array.from({ length: 12 }, (_, i) => login(i % 2 === 0 ? here : there)));
    // Two logins of this address came before.
    expect(statuses.filter((status) => status === 401)).toHaveLength(4);
    expect(statuses.filter((status) => status === 429)).toHaveLength(8);
  });
});

describe.runIf(process.platform === "linux")("a limit override", { timeout: timeoutMs }, () => {
  it("set at one worker counts at the other for the very next call", async () => {
    const server = await startWorkers(2, { PARAPET_RATE_LIMIT_ENABLED: "true", PARAPET_RATE_LIMIT_REQUESTS: "1000", PARAPET_RATE_LIMIT_WINDOW: "1d" });
    try {
      const token = await server.login();
      const [here, there] = await server.pair();
      for (let round = 1; round <= 10; round++) {
        const [change, use] = round % 2 === 0 ? [here, there] : [there, here];
        const { status } = await change.send("POST", "/v1/limits/overrides", { token, body: { subject: "user:admin", requests: 2_000 + round, burst: 7, lifetime: "60s" } });
        expect(status).toBe(200);
        expect((await use.send("GET", "/v1/auth/me", { token })).headers["x-ratelimit-limit"]).toBe(String(2_007 + round));
      }
    } finally {
      await server.cleanUp();
    }
  });
});

describe.runIf(process.platform === "linux")("the primary", { timeout: timeoutMs }, () => {
  it("drains on SIGTERM: a call that has begun is answered, then all processes end with 0", async () => {
    const server = await startWorkers(2);
    try {
      const token = await server.login();
      const body = JSON.stringify({ collection: "docs", key: "slow", lang: "en", contentMd: "x" });
      const socket = connectTcp(server.port, "127.0.0.1");
      socket.write(`POST /v1/add HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 10)}`);
      await pause(300);
      const workers = server.workers();
      const stopped = server.stop();
      await pause(300);
      let answer = "";
      socket.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
      socket.write(body.slice(10));
      await once(socket, "close");
      expect(answer).toContain("HTTP/1.1 200 OK");
      expect(await stopped).toBe(0);
      expect(workers.map(isAlive)).toEqual([false, false]);
      expect(server.log()).not.toContain("started again");
    } finally {
      await server.cleanUp();
    }
  });

  it("takes its workers with it when it is killed, and the next start owns the data at once", async () => {
    const server = await startWorkers(2);
    const token = await server.login();
    const [here] = await server.pair();
    expect((await here.send("POST", "/v1/add", { token, body: { collection: "docs", key: "kept", lang: "en", contentMd: "x" } })).status).toBe(200);
    const workers = server.workers();
    expect(await server.stop("SIGKILL")).toBe("SIGKILL");
    const next = await startWorkers(2, {}, server.directory);
    try {
      expect(workers.map(isAlive)).toEqual([false, false]);
      const [there] = await next.pair();
      expect((await there.send("GET", "/v1/collections/docs/documents/kept?lang=en", { token })).status).toBe(200);
    } finally {
      await next.cleanUp();
    }
  });

  it("refuses a second server on its data directory, and says why a worker cannot start", async () => {
    const server = await startWorkers(2);
    try {
      await expect(startWorkers(2, {}, server.directory)).rejects.toThrow(`in use by process ${server.primary.pid}`);
      expect(server.workers()).toHaveLength(2);
      const other = { PARAPET_ADDR: `127.0.0.1:${server.port}`, PARAPET_DATA_DIR: join(server.directory, "other") };
      await expect(startWorkers(2, other, server.directory)).rejects.toThrow(/ended with 69: [^]*EADDRINUSE/);
    } finally {
      await server.cleanUp();
    }
  });

  it("keeps port and Unix socket when all workers are killed at once", async () => {
    const server = await startWorkers(2, { PARAPET_SOCKET: "s.sock" });
    try {
      const before = server.workers();
      for (const pid of before) process.kill(pid, "SIGKILL");
      const status = async (): Promise<number> => {
        const connection = server.connect();
        const reply = await connection.send("GET", "/health").catch(() => ({ status: 0 }));
        connection.close();
        return reply.status;
      };
      while (server.workers().length < 2 || server.workers().some((pid) => before.includes(pid)) || (await status()) !== 200) await pause(50);
      expect(existsSync(join(server.directory, "s.sock"))).toBe(true);
      const curl = (): string => execFileSync(process.execPath, ["-e", `require("node:http").get({ socketPath: "s.sock", path: "/health" }, (r) => process.stdout.write(String(r.resume().statusCode)))`], { cwd: server.directory, encoding: "utf8" });
      expect(curl()).toBe("200");
      expect(await server.stop()).toBe(0);
    } finally {
      await server.cleanUp();
    }
  });
});

describe("a process that opens an environment", { timeout: timeoutMs }, () => {
  it("undoes no commit of another, since it is admitted between commits", () => {
    const program = fileURLToPath(new URL("open-race.mjs", import.meta.url));
    const report = JSON.parse(execFileSync(process.execPath, [program, "guarded"], { encoding: "utf8" })) as { opens: number; lost: number; damaged: string };
    expect(report).toMatchObject({ lost: 0, damaged: "" });
    expect(report.opens).toBeGreaterThan(5);
  });
});

describe("two processes that hammer one budget", { timeout: timeoutMs }, () => {
  it.each(["TOKEN_BUCKET", "STRICT_WINDOW"])("admit together what the bound of %s allows in every interval, one of them killed in between", (algorithm) => {
    const program = fileURLToPath(new URL("limit-hammer.mjs", import.meta.url));
    const report = JSON.parse(execFileSync(process.execPath, [program, algorithm], { encoding: "utf8" })) as { admitted: number; refused: number; least: number; excess: number; kills: number };
    expect(report.excess).toBeLessThanOrEqual(0);
    expect(report.admitted).toBeGreaterThanOrEqual(report.least);
    expect(report.refused).toBeGreaterThan(0);
    expect(report.kills).toBeGreaterThan(0);
  });
});
