/** A store says in which layout its rows are, and is not read in another. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kinds, pack } from "./keys.js";
import { requireLayout } from "./layout.js";
import { openLmdbStore } from "./lmdb.js";

describe("the layout of a store", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "parapet-layout-"));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  /** Opens the store, puts a row, and closes it; what asking for the layout came to, before that. */
  async function visit(row: Uint8Array, value: Uint8Array): Promise<string> {
    const store = openLmdbStore({ directory });
    try {
      const outcome = await requireLayout(store).then(
        () => "read",
        (error: Error) => error.message,
      );
      await store.transact((tx) => tx.put(row, value));
      return outcome;
    } finally {
      await store.close();
    }
  }

  const user = pack(["default", kinds.user, "usr_1"]);
  const said = pack(["", kinds.layout]);

  it("is that of this release where a store is new, and stays so", async () => {
    expect(await visit(user, Uint8Array.of(1))).toBe("read");
    expect(await visit(user, Uint8Array.of(2))).toBe("read");
  });

  it("is refused where another release wrote it, earlier or later", async () => {
    const store = openLmdbStore({ directory });
    await store.transact((tx) => tx.put(user, Uint8Array.of(1)));
    await store.close();
    expect(await visit(said, Uint8Array.of(3))).toContain("written by another release (layout 1, this one has 2)");
    expect(await visit(said, Uint8Array.of(3))).toContain("written by another release (layout 3, this one has 2)");
  });
});
