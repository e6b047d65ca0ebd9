/** The embedded store keeps the contract of every store, survives a full disk and a restart, and is owned by one process. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Reason } from "../errors.js";
import { storeContract } from "./contract.js";
import { openLmdbStore } from "./lmdb.js";
import type { Store } from "./store.js";

const temporary = (): string => mkdtempSync(join(tmpdir(), "parapet-store-"));

storeContract("the LMDB store", () => {
  const directory = temporary();
  return { store: openLmdbStore({ directory }), cleanUp: () => rmSync(directory, { recursive: true }) };
});

describe("the LMDB store in its directory", () => {
  const key = Uint8Array.of(1);
  let parent: string;
  let directory: string;
  beforeEach(() => {
    parent = temporary();
    directory = join(parent, "a", "data");
  });
  afterEach(() => rmSync(parent, { recursive: true }));
  const put = (store: Store, value: number): Promise<void> => store.transact((tx) => tx.put(key, Uint8Array.of(value)));

  it("is private to its user", async () => {
    const store = openLmdbStore({ directory });
    await put(store, 1);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(directory)) expect(`${name} ${(statSync(join(directory, name)).mode & 0o777).toString(8)}`).toBe(`${name} 600`);
    await store.close();
  });

  it("is there after it was closed and opened again", async () => {
    for (let i = 0; i < 5; i++) {
      const store = openLmdbStore({ directory });
      expect(store.get(key)?.[0]).toBe(i === 0 ? undefined : i - 1);
      await put(store, i);
      await store.close();
    }
  });

  it("is refused to a second opener, by directory and owner", async () => {
    const store = openLmdbStore({ directory });
    expect(() => openLmdbStore({ directory })).toThrow(`the data directory ${directory} is in use by process ${process.pid}`);
    await put(store, 1);
    await store.close();
    await openLmdbStore({ directory }).close();
  });

  it("is taken over from a process that is gone, and from one whose number another process has now", async () => {
    mkdirSync(directory, { recursive: true });
    const gone = spawnSync(process.execPath, ["-e", ""]).pid;
    for (const [i, claim] of [{ pid: gone, started: "" }, { pid: process.pid, started: "another boot" }, { pid: 0, started: "" }].entries()) {
      writeFileSync(join(directory, `owner.${10 * (i + 1)}`), JSON.stringify(claim));
      await openLmdbStore({ directory }).close();
    }
    writeFileSync(join(directory, "owner.70"), JSON.stringify({ pid: process.ppid, started: "" }));
    expect(() => openLmdbStore({ directory })).toThrow(`in use by process ${process.ppid}`);
    writeFileSync(join(directory, "owner.90"), "{ cut");
    await openLmdbStore({ directory }).close();
    expect(readdirSync(directory).filter((name) => name.startsWith("owner") || name.startsWith("claim"))).toEqual(["owner.91"]);
  });

  it("does not open a file that is no store, and does not keep its claim then", () => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "data.mdb"), "not a store".repeat(1_000));
    for (let i = 0; i < 2; i++) expect(() => openLmdbStore({ directory })).toThrow(`the store in ${directory} cannot be opened`);
  });

  it.runIf(hasPrlimit())("says so when the disk is full, keeps what it had, and goes on when there is room", async () => {
    const store = openLmdbStore({ directory });
    await put(store, 1);
    const large = new Uint8Array(200_000).fill(1);
    const fill = (i: number): Promise<void> =>
      store.transact((tx) => {
        tx.put(key, Uint8Array.of(2));
        tx.put(Uint8Array.of(2, i), large);
      });
    const limit = (bytes: string): void => void execFileSync("prlimit", ["--pid", `${process.pid}`, `--fsize=${bytes}:unlimited`]);
    limit(`${statSync(join(directory, "data.mdb")).size + 100_000}`);
    try {
      for (let round = 0; round < 3; round++) {
        const outcomes = await Promise.allSettled([fill(1), fill(2), fill(3)]);
        for (const outcome of outcomes) expect(outcome).toMatchObject({ status: "rejected", reason: { reason: Reason.STORE_UNAVAILABLE } });
        expect(store.get(key)).toEqual(Uint8Array.of(1));
        expect(store.get(Uint8Array.of(2, 1))).toBeUndefined();
      }
    } finally {
      limit("unlimited");
    }
    await fill(1);
    expect(store.get(key)).toEqual(Uint8Array.of(2));
    expect(store.get(Uint8Array.of(2, 1))).toEqual(large);
    await store.close();
  });
});

/** util-linux has it; a limit on file size stands in for a full disk. */
function hasPrlimit(): boolean {
  return process.platform === "linux" && spawnSync("prlimit", ["--version"]).status === 0;
}
