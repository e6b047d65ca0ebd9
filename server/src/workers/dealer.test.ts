/** What becomes of connections when workers take them, leave, die, or are not there: with real processes and sockets. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createDealer, type Dealer } from "./dealer.js";
import type { ToPrimary } from "./messages.js";

/** What a worker does with a connection: answers with its name, keeps it without taking it, or had said before that it leaves. */
type Conduct = "takes" | "holds" | "leaves";

const script = (conduct: Conduct): string => `
  const tell = (kind) => process.send({ kind });
  process.on("message", (_, socket) => {
    if (${JSON.stringify(conduct)} === "leaves") return socket.destroy(), tell("leaving");
    if (${JSON.stringify(conduct)} === "holds") return tell("hello");
    tell("ready");
    socket.end(process.argv[1]);
  });
  process.on("disconnect", () => process.exit());
  tell("ready");`;

const workers: ChildProcess[] = [];
let dealer: Dealer;
afterEach(() => {
  dealer.close();
  for (const worker of workers.splice(0)) worker.kill("SIGKILL");
});

/** Starts a worker; resolves when it is ready. Whatever it says is passed on as the crew does. */
async function start(conduct: Conduct, name: string = conduct): Promise<ChildProcess> {
  const worker = spawn(process.execPath, ["-e", script(conduct), name], { stdio: ["ignore", "inherit", "inherit", "ipc"], serialization: "advanced" });
  workers.push(worker);
  worker.on("message", ({ kind }: ToPrimary) => {
    if (kind === "ready") dealer.ready(worker);
    if (kind === "leaving") dealer.leave(worker);
  });
  worker.on("exit", () => dealer.end(worker));
  await once(worker, "message");
  return worker;
}

/** Connects; resolves with what came until the end of the connection, once there is one. */
async function call(port: number): Promise<{ readonly answer: Promise<string> }> {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
  const closed = new Promise<string>((resolve) => void socket.on("error", () => undefined).on("close", () => resolve(answer)));
  await Promise.race([once(socket, "connect"), closed]);
  return { answer: closed };
}

const anyPort = { hosts: ["127.0.0.1"], port: 0 };

describe("a dealt connection", () => {
  it("goes to each worker in turn", async () => {
    dealer = createDealer();
    const port = await dealer.listen(anyPort);
    await start("takes", "a");
    await start("takes", "b");
    const answers: string[] = [];
    for (let i = 0; i < 6; i++) answers.push(await (await call(port)).answer);
    expect(answers.join("")).toMatch(/^(?:ab|ba){3}$/);
  });

  it("that a worker gives back because it leaves is dealt to another", async () => {
    dealer = createDealer();
    const port = await dealer.listen(anyPort);
    const leaving = await start("leaves");
    const said = once(leaving, "message");
    const { answer } = await call(port);
    await said;
    await start("takes");
    expect(await answer).toBe("takes");
    expect(await (await call(port)).answer).toBe("takes");
  });

  it("whose worker dies before it took it is closed", async () => {
    dealer = createDealer();
    const port = await dealer.listen(anyPort);
    const doomed = await start("holds");
    const said = once(doomed, "message");
    const { answer } = await call(port);
    await said;
    doomed.kill("SIGKILL");
    expect(await answer).toBe("");
    await start("takes");
    expect(await (await call(port)).answer).toBe("takes");
  });

  it("waits while there is no worker, with a bounded number of others", async () => {
    dealer = createDealer(8);
    const port = await dealer.listen(anyPort);
    const waiting: Promise<string>[] = [];
    for (let i = 0; i < 8; i++) waiting.push((await call(port)).answer);
    const beyond = await call(port);
    expect(await beyond.answer).toBe("");
    await start("takes");
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["takes"]));
  });

  it("that waits is closed when the dealer is, and the port with it", async () => {
    dealer = createDealer();
    const port = await dealer.listen(anyPort);
    const { answer } = await call(port);
    dealer.close();
    expect(await answer).toBe("");
    const refused = connect(port, "127.0.0.1");
    const [error] = (await once(refused, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
  });
});
