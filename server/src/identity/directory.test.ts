// Races look-ups against commits on the durable store, and checks that the next look-up after a commit sees it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { openLmdbStore } from "../store/lmdb.js";
import { createMemoryStore } from "../store/memory.js";
import type { Store } from "../store/store.js";
import { type Accounts, createAccounts, type UserRecord } from "./accounts.js";
import { createApiKeys } from "./api-key-rows.js";
import { createDirectory, type Directory } from "./directory.js";

const user = (id: string, name: string): UserRecord => ({ id, name, passwordHash: "", createdAt: 0, disabled: false, tokenGeneration: 0, keptTokenId: "" });

async function withStore(store: Store, work: (parts: { store: Store; accounts: Accounts; directory: Directory }) => Promise<void>): Promise<void> {
  const accounts = createAccounts("t");
  const directory = createDirectory({ store, accounts, apiKeys: createApiKeys("t"), nowMs: () => 0 });
  try {
    await work({ store, accounts, directory });
  } finally {
    directory.close();
    await store.close();
  }
}

const stores: readonly (readonly [string, (folder: string) => Store])[] = [
  ["memory", () => createMemoryStore()],
  ["LMDB", (folder) => openLmdbStore({ directory: folder })],
];

describe.each(stores)("the directory on %s", (_, open) => {
  it("never remembers a state older than a commit that was answered", async () => {
    const folder = mkdtempSync(join(tmpdir(), "directory-"));
    try {
      await withStore(open(folder), async ({ store, accounts, directory }) => {
        await store.transact((tx) => accounts.putUser(tx, user("usr_1", "alice")));
        let running = true;
        const reader = (async () => {
          while (running) {
            for (let i = 0; i < 5; i++) directory.account("usr_1");
            await turn();
          }
        })();
        for (let round = 1; round <= 200; round++) {
          directory.account("usr_1");
          await store.transact((tx) => {
            // A change of the user and a change of its grants must each be enough.
            if (round % 2 === 0) accounts.setGrant(tx, "usr_1", "blog", (round % 7) + 1);
            else accounts.putUser(tx, { ...user("usr_1", "alice"), tokenGeneration: round });
          });
          const seen = () => {
            const { user: now, principal } = directory.account("usr_1")!;
            return round % 2 === 0 ? principal.grants.get("blog") : now.tokenGeneration;
          };
          const wanted = round % 2 === 0 ? (round % 7) + 1 : round;
          expect(seen()).toBe(wanted);
          if (round % 3 === 0) await turn();
          expect(seen()).toBe(wanted);
        }
        running = false;
        await reader;
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("accounts", () => {
  it("of one tenant or name never reach into another's rows", async () => {
    await withStore(createMemoryStore(), async ({ store, accounts }) => {
      const other = createAccounts("t\u0000");
      await store.transact((tx) => {
        accounts.putUser(tx, user("usr_1", "a"));
        accounts.putUser(tx, user("usr_11", "a\u0000"));
        other.putUser(tx, user("usr_2", "a"));
        accounts.setGrant(tx, "usr_1", "blog", 1);
        accounts.setGrant(tx, "usr_11", "blog\u0000", 2);
        other.setGrant(tx, "usr_1", "*", 4);
      });
      expect([...accounts.grantsOf(store, "usr_1")]).toEqual([["blog", 1]]);
      expect([...accounts.grantsOf(store, "usr_11")]).toEqual([["blog\u0000", 2]]);
      expect(accounts.listUsers(store, 10, undefined).rows.map(({ id }) => id)).toEqual(["usr_1", "usr_11"]);
      expect(accounts.userByName(store, "a")?.id).toBe("usr_1");
      expect(accounts.hasOtherAdmin(store, "usr_9")).toBe(false);
    });
  });

  it("leave nothing behind", async () => {
    await withStore(createMemoryStore(), async ({ store, accounts }) => {
      const alice = user("usr_1", "alice");
      await store.transact((tx) => {
        accounts.putUser(tx, alice);
        for (const collection of ["a", "b", "*"]) accounts.setGrant(tx, "usr_1", collection, 7);
      });
      await store.transact((tx) => accounts.removeUser(tx, alice));
      expect([...store.range({ gte: Uint8Array.of(0), lt: Uint8Array.of(255) })]).toEqual([]);
    });
  });

  it("that do not decode are corrupt, not absent", async () => {
    await withStore(createMemoryStore(), async ({ store, accounts, directory }) => {
      await store.transact((tx) => accounts.putUser(tx, user("usr_1", "alice")));
      const [row] = [...store.range({ gte: Uint8Array.of(0), lt: Uint8Array.of(255) })];
      await store.transact((tx) => tx.put(row!.key, Buffer.from('{"v":2}')));
      expect(() => directory.account("usr_1")).toThrow("stored data corrupt");
    });
  });
});
