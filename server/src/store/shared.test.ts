// Shows that whoever shares a store hears of changes by others before it trusts what it remembers.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kinds, pack } from "./keys.js";
import { openLmdbStore, type LmdbStore } from "./lmdb.js";
import { shareStore, type SharedStore } from "./shared.js";
import { storeContract } from "./contract.js";

const watched = [kinds.user, kinds.grant];
const user = pack(["default", kinds.user, "usr_1"]);
const value = Uint8Array.of(1);

const temporary = (): string => mkdtempSync(join(tmpdir(), "parapet-shared-"));

storeContract("a shared store", () => {
  const directory = temporary();
  const store = shareStore({ store: openLmdbStore({ directory }), tenant: "default", watched });
  return { store, cleanUp: () => rmSync(directory, { recursive: true }) };
});

describe("a store shared by two openers", () => {
  let directory: string;
  let owner: LmdbStore;
  let worker: LmdbStore;
  let ours: SharedStore;
  let theirs: SharedStore;
  let heard: number;
  beforeEach(() => {
    directory = temporary();
    owner = openLmdbStore({ directory });
    worker = openLmdbStore({ directory, ownedBy: process.pid });
    ours = shareStore({ store: owner, tenant: "default", watched });
    theirs = shareStore({ store: worker, tenant: "default", watched });
    heard = 0;
    theirs.onChange(() => heard++);
  });
  afterEach(async () => {
    await worker.close();
    await owner.close();
    rmSync(directory, { recursive: true });
  });

  it("tells of a watched row that was put or removed, once, with the row already there", async () => {
    await ours.transact((tx) => tx.put(user, value));
    theirs.catchUp();
    expect([heard, theirs.get(user)]).toEqual([1, value]);
    theirs.catchUp();
    expect(heard).toBe(1);
    await ours.transact((tx) => tx.remove(user));
    theirs.catchUp();
    expect([heard, theirs.get(user)]).toEqual([2, undefined]);
  });

  it("says nothing of other kinds and other tenants, nor of what was rolled back", async () => {
    await ours.transact((tx) => tx.put(pack(["default", kinds.document, "usr_1"]), value));
    await ours.transact((tx) => tx.put(pack(["other", kinds.user, "usr_1"]), value));
    await ours
      .transact((tx) => {
        tx.put(user, value);
        throw new Error("no");
      })
      .catch(() => undefined);
    theirs.catchUp();
    expect(heard).toBe(0);
  });

  it("counts changes of both", async () => {
    for (let i = 0; i < 20; i++) {
      await Promise.all([ours.transact((tx) => tx.put(user, value)), theirs.transact((tx) => tx.put(user, value))]);
      theirs.catchUp();
      expect(heard).toBe(i + 1);
    }
  });
});

describe("a directory with workers", () => {
  let directory: string;
  beforeEach(() => {
    directory = temporary();
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("forgets a worker that was killed", async () => {
    const owner = openLmdbStore({ directory });
    writeFileSync(join(directory, "worker.123456789"), "{}");
    owner.forget(123_456_789);
    expect(existsSync(join(directory, "worker.123456789"))).toBe(false);
    await owner.close();
  });

  it("refuses a worker whose owner is another, or none any more", async () => {
    expect(() => openLmdbStore({ directory, ownedBy: process.pid })).toThrow("does not own");
    const owner = openLmdbStore({ directory });
    expect(() => openLmdbStore({ directory, ownedBy: process.ppid })).toThrow("does not own");
    await owner.close();
    expect(() => openLmdbStore({ directory, ownedBy: process.pid })).toThrow("does not own");
  });

  it("passes to a new owner only after the last worker of the old one has ended", async () => {
    mkdirSync(directory, { recursive: true });
    const last = join(directory, "last-words");
    const script = `process.send("up"); setTimeout(() => require("node:fs").writeFileSync(${JSON.stringify(last)}, ""), 700).ref(); process.channel.unref();`;
    const orphan = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    await once(orphan, "message");
    writeFileSync(join(directory, `worker.${orphan.pid}`), JSON.stringify({ pid: orphan.pid, started: "" }));
    const ended = once(orphan, "exit");
    const store = openLmdbStore({ directory });
    expect(existsSync(last)).toBe(true);
    await ended;
    await store.close();
  });
});
